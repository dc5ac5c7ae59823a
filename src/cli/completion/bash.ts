// The script for bash, by complete(1) of bash: `complete -F`.

import { isPath } from "../arguments.ts";
import { optionsOf, type Verb } from "../verb.ts";
import { firstWords, hasPathOperand } from "./words.ts";

/** The script that `bauta completion bash` prints. */
export function bashScript(verbs: readonly Verb[]): string {
  return `# bash completion for bauta, made by: bauta completion bash
_bauta_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}
_bauta() {
  local word=\${COMP_WORDS[COMP_CWORD]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${verbs.map(({ name }) => name).join(" ")}"
  else
    case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD - 1]}" in
${verbs.flatMap(valueCases).join("\n")}
    esac
    case \${COMP_WORDS[1]} in
${verbs.map(wordsCase).join("\n")}
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _bauta bauta
`;
}

/** Behind an option that takes a value: names of files, or nothing that a script knows. */
function valueCases(verb: Verb): string[] {
  const withValue = optionsOf(verb).filter(({ value }) => value !== undefined);
  const paths = withValue.filter(({ value = "" }) => isPath(value));
  const others = withValue.filter(({ value = "" }) => !isPath(value));
  return [
    ...paths.map(({ name }) => `      "${verb.name} ${name}") _bauta_files "$word"; return ;;`),
    ...others.map(({ name }) => `      "${verb.name} ${name}") COMPREPLY=(); return ;;`),
  ];
}

function wordsCase(verb: Verb): string {
  const options = `"${optionsOf(verb)
    .map(({ name }) => name)
    .join(" ")}"`;
  const first = firstWords(verb).join(" ");
  const operand = [
    ...(first === "" ? [] : [`elif [ "$COMP_CWORD" -eq 2 ]; then words="${first}"`]),
    ...(hasPathOperand(verb) ? ['else _bauta_files "$word"; return'] : []),
  ];
  return `      ${verb.name}) if [ "\${word#-}" != "$word" ]; then words=${options}
        ${[...operand, "fi ;;"].join("\n        ")}`;
}
