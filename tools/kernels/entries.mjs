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
  { file: "test/e2e/options/destinations.test.ts", essential: false },
  { file: "test/e2e/options/translation.test.ts", essential: false },
  { file: "test/e2e/options/together.test.ts", essential: false },
  { file: "test/e2e/options/invalid.test.ts", essential: false },
  { file: "test/e2e/options/bad-options.test.ts", essential: false },
  { file: "test/e2e/masquerade/others.test.ts", essential: false },
  { file: "test/e2e/ptp.test.ts", essential: false },
  { file: "test/e2e/switching.test.ts", essential: false },
  { file: "test/e2e/cli.test.ts", essential: false },
  { file: "test/kernel/conntrack.test.ts", essential: false },
  { file: "test/kernel/iptables.test.ts", essential: false },
  { file: "test/kernel/restore.test.ts", essential: false },
  { file: "test/kernel/adopt.test.ts", essential: false },
  { file: "test/kernel/apply.test.ts", essential: false },
  { file: "test/kernel/explain.test.ts", essential: false },
  { file: "test/kernel/explain-live.test.ts", essential: false },
  { file: "test/kernel/masquerade-options.test.ts", essential: false },
  { file: "test/kernel/ptp.test.ts", essential: false },
  { file: "test/kernel/bridge.test.ts", essential: false },
  { file: "test/kernel/loopback.test.ts", essential: false },
  { file: "test/kernel/nftables.test.ts", essential: false },
  { file: "test/kernel/gc-sweep.test.ts", essential: false },
  { file: "test/kernel/cli.test.ts", essential: false },
  { file: "test/kernel/container.test.ts", essential: false },
  { file: "test/e2e/bad-input/bridge-device.test.ts", essential: false },
  { file: "tools/kernels/guest/features.ts", essential: true },
];

/**
 * The entries to run: all, the essential ones, or those with one of these texts in their names.
 * @param {{ essential?: boolean | undefined, only?: readonly string[] | undefined }} choice
 * @param {readonly Entry[]} [entries]
 * @returns {ChosenEntry[]}
 */
export function chooseEntries({ essential = false, only = [""] }, entries = ENTRIES) {
  return entries.flatMap((entry) => {
    if (!only.some((text) => entry.file.includes(text)) || (essential && entry.essential === false)) return [];
    const wanted = essential && typeof entry.essential === "string" ? `(?=.*(?:${entry.essential}))` : "";
    const unwanted = entry.except === undefined ? "" : `(?!.*(?:${entry.except}))`;
    return [{ file: entry.file, pattern: wanted + unwanted === "" ? undefined : `^${wanted}${unwanted}` }];
  });
}
