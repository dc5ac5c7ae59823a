// The script for zsh, by zshcompsys(1): `_arguments` and `_describe`.

import { isPath } from "../arguments.ts";
import { optionsOf, type ShownOption, type Verb } from "../verb.ts";
import { firstWords, hasPathOperand } from "./words.ts";

/** The script that `bauta completion zsh` prints. */
export function zshScript(verbs: readonly Verb[]): string {
  return `#compdef bauta
# zsh completion for bauta, made by: bauta completion zsh
_bauta() {
  local context state line
  local -a commands=(
${verbs.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join("\n")}
  )
  _arguments -C '1: :->command' '*:: :->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
${verbs.map(argumentsCase).join("\n")}
      esac ;;
  esac
}
if [ "$funcstack[1]" = _bauta ]; then _bauta "$@"; else compdef _bauta bauta; fi
`;
}

function argumentsCase(verb: Verb): string {
  const first = firstWords(verb);
  const specs = [
    ...optionsOf(verb).map(optionSpec),
    ...(first.length > 0 ? [`1: :(${first.join(" ")})`] : []),
    ...(hasPathOperand(verb) ? ["*: :_files"] : []),
  ];
  return `        ${verb.name}) _arguments ${specs.map(quoted).join(" ")} ;;`;
}

function optionSpec({ name, about, value }: ShownOption): string {
  const text = about.replace(/[[\]\\:]/g, "\\$&");
  if (value === undefined) return `${name}[${text}]`;
  return `${name}=[${text}]:${value.replace(/:/g, "\\:")}:${isPath(value) ? "_files" : ""}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
