// The table of docs/reliability.md, from what has come of the walks.

/**
 * @typedef {object} Kept What has come of a walk.
 * @property {string} scenario `bridge by iptables`
 * @property {string} name `bridge by iptables ADD`
 * @property {"kill" | "fail"} section
 * @property {number} points
 * @property {readonly string[]} faults
 */

/**
 * @typedef {object} List What there is to walk along.
 * @property {string} kernel
 * @property {readonly string[]} notHere The scenarios that this kernel can't run, with the module that each takes.
 * @property {readonly Pick<Kept, "scenario" | "name" | "section">[]} walks
 */

const BEGIN = "<!-- Written by npm run test:faults, from here -->\n";
const END = "<!-- to here -->\n";

/**
 * The page with the table made anew, from the walks that have run so far.
 * @param {string} page
 * @param {List} list
 * @param {readonly Kept[]} kept
 */
export function pageWith(page, { kernel, notHere, walks }, kept) {
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < before) throw new Error("docs/reliability.md has no place for the table");
  const outcomes = walks.flatMap((walk) =>
    kept.filter((one) => one.name === walk.name && one.section === walk.section),
  );
  const rowOf = (
    /** @type {string} */ name,
    /** @type {readonly Kept[]} */ own,
    /** @type {readonly Pick<Kept, "name">[]} */ all,
  ) => [name, `${own.length} of ${all.length}`, pointsOf(own, "kill"), pointsOf(own, "fail"), faultsOf(own)];
  const rows = [...new Set(walks.map(({ scenario }) => scenario))].map((scenario) => {
    const isOwn = (/** @type {Pick<Kept, "scenario">} */ one) => one.scenario === scenario;
    return rowOf(scenario, outcomes.filter(isOwn), walks.filter(isOwn));
  });
  rows.push(rowOf("**all**", outcomes, walks));
  const table = [["", "walks", "killed", "failed calls", "faults"], ["---", "---", "---", "---", "---"], ...rows];
  const absent = notHere.length === 0 ? "" : `; not there, for want of a module: ${notHere.join(", ")}`;
  const text = `Linux ${kernel}${absent}.

${table.map((cells) => `| ${cells.join(" | ")} |`).join("\n")}

`;
  return page.slice(0, before + BEGIN.length) + text + page.slice(after);
}

/**
 * @param {readonly Kept[]} outcomes
 * @param {Kept["section"]} section
 */
function pointsOf(outcomes, section) {
  const own = outcomes.filter((one) => one.section === section);
  return own.reduce((sum, { points }) => sum + points, 0).toLocaleString("en");
}

/** @param {readonly Kept[]} outcomes */
function faultsOf(outcomes) {
  return String(outcomes.reduce((sum, { faults }) => sum + faults.length, 0));
}
