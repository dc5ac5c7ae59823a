// What may stand at a place of the command line, for every shell alike.

import { isPath } from "../arguments.ts";
import type { Verb } from "../verb.ts";

/** What the first operand may be: words of a fixed list; none where it is free. */
export function firstWords({ operands }: Verb): readonly string[] {
  return operands?.words?.() ?? [];
}

/** Whether one of the operands is a path. */
export function hasPathOperand({ operands }: Verb): boolean {
  return operands?.name.split(" ").some(isPath) ?? false;
}
