// What runs in the guests: test files that need neither a compiler nor this repository, and what only a guest is asked.

/**
 * @typedef {object} Entry
 * @property {string} file From the root of the repository.
 * @property {boolean | string} essential Whether it is also part of `npm test`; or which of its tests are, as a regular
 *   expression of their names.
 * @property {string} [except] Tests of these names are left out, as a regular expression.
 */

/**
 * @typedef {object} ChosenEntry
 * @property {string} file
 * @property {string | undefined} pattern Only tests of these names, as a regular expression.
 */

/** These pretend that the kernel lacks something, with the help of a compiler. */
const INTERFERENCE = "without nf_tables|does not ask for nf_tables";

/** The slow ones first, so that none is left for the end. @type {readonly Entry[]} */
export const ENTRIES = [
  { file: "test/e2e/masquerade/check.test.ts", essential: false },
  { file: "test/e2e/masquerade/del.test.ts", essential: false },
  { file: "test/kernel/bridge-vlan.test.ts", essential: "VLANs is told apart|containers in VLANs|is an interface" },
  { file: "test/e2e/masquerade/concurrent.test.ts", essential: false },
  { file: "test/kernel/mac-spoof.test.ts", essential: "drops frames" },
  { file: "test/e2e/masquerade/traffic.test.ts", essential: true },
  { file: "test/e2e/masquerade/gc.test.ts", essential: false, except: INTERFERENCE },
  { file: "test/e2e/masquerade/status.test.ts", essential: false, except: INTERFERENCE },
  { file: "test/kernel/masquerade.test.ts", essential: false },
  { file: "test/kernel/rtnetlink.test.ts", essential: "VLAN" },
  { file: "test/e2e/masquerade/monitor.test.ts", essential: false },
  { file: "test/e2e/explain.test.ts", essential: false },
  { file: "test/e2e/ipam-concurrent.test.ts", essential: false },
  { file: "test/kernel/netlink.test.ts", essential: false },
  { file: "tools/kernels/guest/features.ts", essential: true },
];

/**
 * The entries to run: all, the essential ones, or those with this text in their names.
 * @param {{ essential?: boolean | undefined, only?: string | undefined }} choice
 * @param {readonly Entry[]} [entries]
 * @returns {ChosenEntry[]}
 */
export function chooseEntries({ essential = false, only = "" }, entries = ENTRIES) {
  return entries.flatMap((entry) => {
    if (!entry.file.includes(only) || (essential && entry.essential === false)) return [];
    const wanted = essential && typeof entry.essential === "string" ? `(?=.*(?:${entry.essential}))` : "";
    const unwanted = entry.except === undefined ? "" : `(?!.*(?:${entry.except}))`;
    return [{ file: entry.file, pattern: wanted + unwanted === "" ? undefined : `^${wanted}${unwanted}` }];
  });
}
