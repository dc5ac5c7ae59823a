// The verbs there are, and `bauta help`.

import { PLUGIN_NAMES } from "../plugins/all.ts";
import { adopt } from "./adopt.ts";
import { apply } from "./apply.ts";
import { suggestion, UsageError } from "./arguments.ts";
import { cni } from "./cni.ts";
import { completionVerb } from "./completion.ts";
import { doctor } from "./doctor.ts";
import { explain } from "./explain.ts";
import { gc } from "./gc.ts";
import { install, uninstall } from "./install.ts";
import { licenses } from "./licenses.ts";
import { list } from "./list.ts";
import { manualVerb } from "./manual.ts";
import { metrics } from "./metrics.ts";
import { monitor } from "./monitor.ts";
import { node } from "./node.ts";
import { restore } from "./restore.ts";
import { schema } from "./schema.ts";
import { inColumns, type Verb, verb } from "./verb.ts";
import { version } from "./version.ts";
import { graph, serve } from "./viewer.ts";

const help: Verb = verb({
  name: "help",
  summary: "Tells what the commands do",
  about: "Without COMMAND it lists them all.",
  options: {},
  operands: { name: "COMMAND", least: 0, most: 1, words: () => VERBS.map((one) => one.name) },
  run(_, io, [name]) {
    if (name === undefined) {
      io.printText(helpText());
      return;
    }
    const found = VERBS.find((one) => one.name === name);
    const names = VERBS.map((one) => one.name);
    if (found === undefined) throw new UsageError(`unknown command ${JSON.stringify(name)}${suggestion(name, names)}`);
    io.printText(found.help());
  },
});

export const VERBS: readonly Verb[] = [
  list,
  monitor,
  explain,
  doctor,
  metrics,
  node,
  serve,
  graph,
  restore,
  adopt,
  apply,
  gc,
  install,
  uninstall,
  cni,
  schema,
  completionVerb(() => VERBS),
  manualVerb(() => VERBS),
  help,
  version,
  licenses,
];

/** All of `bauta help`. */
export function helpText(): string {
  const verbs = VERBS.map(({ name, summary }) => [name, summary] as const);
  return `Usage: bauta COMMAND [OPTION...]

Looks at what bauta's CNI plugins have set up on this node, and looks after it.

Commands:
${inColumns(verbs)}
bauta help COMMAND, or bauta COMMAND --help, tells more of one.

Called by the name of a plugin (${PLUGIN_NAMES.join(", ")})
the same executable is that plugin.

Exit status: 0 done, 1 it could not be done, 2 it was asked for wrongly.
NO_COLOR in the environment switches colours off.
`;
}
