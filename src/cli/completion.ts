// `bauta completion`: scripts by which shells complete the command's words, made of the verbs' own declarations.

import { UsageError } from "./arguments.ts";
import { bashScript } from "./completion/bash.ts";
import { fishScript } from "./completion/fish.ts";
import { zshScript } from "./completion/zsh.ts";
import { type Verb, verb } from "./verb.ts";

const SCRIPTS: ReadonlyMap<string, (verbs: readonly Verb[]) => string> = new Map([
  ["bash", bashScript],
  ["zsh", zshScript],
  ["fish", fishScript],
]);

const ABOUT = `
SHELL is bash, zsh or fish. Where the script goes:

  bauta completion bash > /usr/share/bash-completion/completions/bauta
  bauta completion zsh > /usr/share/zsh/vendor-completions/_bauta
  bauta completion fish > /usr/share/fish/vendor_completions.d/bauta.fish

For one shell alone: source <(bauta completion bash).
`;

/** The verb; it is one of `verbs` itself. */
export function completionVerb(verbs: () => readonly Verb[]): Verb {
  return verb({
    name: "completion",
    summary: "Prints a script that completes the command's words in a shell",
    about: ABOUT,
    options: {},
    operands: { name: "SHELL", least: 1, most: 1, words: () => [...SCRIPTS.keys()] },
    run(_, io, [shell = ""]) {
      const script = SCRIPTS.get(shell);
      if (script === undefined) throw new UsageError(`unknown shell ${JSON.stringify(shell)}: it is bash, zsh or fish`);
      io.printText(script(verbs()));
    },
  });
}
