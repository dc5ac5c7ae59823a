// The script for fish, by complete(1) of fish.

import { isPath } from "../arguments.ts";
import { optionsOf, type ShownOption, type Verb } from "../verb.ts";
import { firstWords, hasPathOperand } from "./words.ts";

/** The script that `bauta completion fish` prints. */
export function fishScript(verbs: readonly Verb[]): string {
  const commands = verbs.map(
    ({ name, summary }) => `complete -c bauta -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
  );
  return `# fish completion for bauta, made by: bauta completion fish
complete -c bauta -f
${[...commands, ...verbs.flatMap(linesOf)].join("\n")}
`;
}

function linesOf(verb: Verb): string[] {
  // bauta and the name of the command are two words: what comes behind them is the first operand.
  const when = (place = ""): string =>
    `complete -c bauta -n ${quoted(`__fish_seen_subcommand_from ${verb.name}${place && `; and test (count (commandline -opc)) ${place} 2`}`)}`;
  const first = firstWords(verb);
  return [
    ...optionsOf(verb).map((option) => `${when()} ${optionWords(option)}`),
    ...(first.length > 0 ? [`${when("-eq")} -a ${quoted(first.join(" "))}`] : []),
    ...(hasPathOperand(verb) ? [`${when(first.length > 0 ? "-gt" : "")} -F`] : []),
  ];
}

function optionWords({ name, about, value }: ShownOption): string {
  const words = `-l ${name.slice(2)} -d ${quoted(about)}`;
  if (value === undefined) return words;
  return isPath(value) ? `${words} -r -F` : `${words} -x`;
}

/** In single quotes fish takes a backslash before a quote or another backslash. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
