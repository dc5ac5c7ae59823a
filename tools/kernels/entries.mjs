// What runs in the guests: test files that need neither a compiler nor a repository, and what only a guest is asked.

/**
 * @typedef {object} Entry
 * @property {string} file From the root of the repository.
 * @property {boolean} isEssential Whether it is also part of `npm test`.
 * @property {string} [except] A regular expression: tests of these names are left out.
 */

/** They are about kernels that lack something, made with a compiler on any kernel that has it. */
const INTERFERENCE = "without nf_tables|does not ask for nf_tables";

/** The slow ones first, so that none is left for the end. @type {readonly Entry[]} */
export const ENTRIES = [
  { file: "tools/kernels/guest/features.ts", isEssential: true },
  { file: "test/e2e/masquerade/traffic.test.ts", isEssential: true },
  { file: "test/e2e/masquerade/gc.test.ts", isEssential: false, except: INTERFERENCE },
  { file: "test/e2e/masquerade/status.test.ts", isEssential: false, except: INTERFERENCE },
  { file: "test/kernel/rtnetlink.test.ts", isEssential: false },
];
