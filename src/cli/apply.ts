// `bauta apply`: changed lists of excluded destinations come into force.

import { applyFiles } from "../masquerade/nftables/apply.ts";
import { flag, text } from "./arguments.ts";
import { IncompleteError } from "./incomplete.ts";
import { QUIET, type Verb, verb } from "./verb.ts";

const ABOUT = `
Reads the files again that "ipMasqOptions.excludeFile" names, for all containers
that run, and puts what they say into force, in one transaction. Prints what has
been added to a list and removed from it. Flows that are there keep the source
address they have; new ones follow the list.

Where a file cannot be read or is not whole, the list from before stays in
force; this is told, and the exit status is 1.

--json prints an array of objects: file; added and removed, arrays of prefixes;
problem, a string, where there is one.
`;

export const apply: Verb = verb({
  name: "apply",
  summary: "Puts changed lists of excluded destinations into force",
  about: ABOUT,
  options: {
    file: text("PATH", "only this file, by the path that the configurations have"),
    json: flag("as JSON, for programs"),
    ...QUIET,
  },
  run({ file, json }, io) {
    const nft = io.openNftables();
    try {
      io.doing("reading the lists");
      const files = applyFiles(nft, file);
      if (json) io.printJson(JSON.stringify(files));
      else {
        const lines = files.flatMap(({ file: path, added, removed }) => [
          `${path}: ${added.length} added, ${removed.length} removed`,
          ...added.map((prefix) => `  + ${prefix}`),
          ...removed.map((prefix) => `  - ${prefix}`),
        ]);
        io.notice(lines);
      }
      const failed = files.filter(({ problem }) => problem !== undefined);
      for (const { file: path, problem } of failed) io.log(`bauta: ${path}: ${problem}`);
      if (failed.length > 0) throw new IncompleteError("not every list could be read");
    } finally {
      nft.close();
    }
  },
});
