// Makes the text of docs/kernels.md from the reports of the guests.

import { ENTRIES, LEFT_OUT } from "./entries.mjs";
import { FEATURES } from "./features.mjs";

/**
 * @param {string} before
 * @param {string | undefined} part
 */
const partText = (before, part) => (part === undefined ? "" : `${before}\`${part}\``);

/**
 * @param {readonly import("./outcome.mjs").Outcome[]} outcomes The last of each kernel.
 */
export function featureTable(outcomes) {
  const told = outcomes.map(({ reports }) => Object.assign({}, ...reports.map(({ features }) => features ?? {})));
  const versions = outcomes.map(({ kernel }) => kernel.match(/^\d+\.\d+/)?.[0] ?? "?");
  const columns = outcomes.map(({ suite }, i) => `${versions[i]} (${suite})`);
  const row = (/** @type {readonly string[]} */ cells) => `| ${cells.join(" | ")} |`;
  const lines = (/** @type {boolean} */ isNeeded, /** @type {string} */ last) => [
    row(["", ...columns, last]),
    row(["---", ...columns.map(() => "---"), "---"]),
    ...FEATURES.filter((feature) => feature.isNeeded === isNeeded).map(({ key, name, without }) =>
      row([name, ...told.map((features) => features[key] ?? "?"), without]),
    ),
  ];
  const results = outcomes.map(({ suite, kernel, passed, failed }) =>
    row([suite, `\`${kernel}\``, `${passed} passed, ${failed} failed`]),
  );
  return `# Kernels

Written by \`npm run test:kernels\`, which boots Debian's kernels in virtual machines and runs the kernel and end-to-end
tests inside. The oldest that bauta supports is 5.10.

${[row(["Debian", "kernel", "tests"]), row(["---", "---", "---"]), ...results].join("\n")}

## Needed

${lines(true, "for").join("\n")}

## Used where it is there

\`no\` alone: the kernel takes the request and passes that part over. After the colon: what it says when it refuses.

${lines(false, "without it").join("\n")}

## What runs there

A kernel that lacks one of the modules that bauta needs is tried on each, too: it gets an error that names it.

${ENTRIES.map(({ file, only, except }) => `* \`${file}\`${partText(", only ", only)}${partText(", but for ", except)}`).join("\n")}

Left out, and run by \`npm test\` on the machine's own kernel:

${[row(["what", "why"]), row(["---", "---"]), ...LEFT_OUT.map(([what = "", why = ""]) => row([what, why]))].join("\n")}
`;
}
