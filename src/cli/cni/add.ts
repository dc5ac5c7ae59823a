// ADD by hand: where it fails, what it has made is taken back by DEL, as container runtimes do.

import type { JsonObject } from "../../cni/json.ts";
import type { NetworkList } from "../../lists/list.ts";
import { checkAdd } from "../../lists/prepare.ts";
import { addList, type Container, delList, type Runtime } from "../../lists/run.ts";
import { explain } from "../failure.ts";
import { IncompleteError } from "../incomplete.ts";
import type { Output } from "../io.ts";

/** Attaches the container and prints the result. Throws IncompleteError where a plugin failed; which one, is told before. */
export function addOrUndo(
  list: NetworkList,
  container: Container,
  runtime: Runtime,
  isKept: boolean,
  io: Output,
): void {
  checkAdd(list, container, runtime);
  const result = tryAdd(list, container, runtime, io);
  if (result === undefined) {
    throw new IncompleteError(isKept ? KEPT : takeBack(list, container, runtime, io));
  }
  io.printJson(JSON.stringify(result, undefined, 4));
}

const KEPT = "what was made is kept: bauta cni del removes it";

/** Undefined where a plugin failed, which is told. */
function tryAdd(list: NetworkList, container: Container, runtime: Runtime, io: Output): JsonObject | undefined {
  try {
    return addList(list, container, runtime);
  } catch (error) {
    tell(error, io);
    return undefined;
  }
}

/** Runs DEL, and says what came of it. */
function takeBack(list: NetworkList, container: Container, runtime: Runtime, io: Output): string {
  try {
    delList(list, container, runtime);
    return "the container is not attached: DEL was run, and has taken back what was made";
  } catch (error) {
    tell(error, io);
    return "not all that was made could be taken back: bauta cni del tries again";
  }
}

function tell(error: unknown, io: Output): void {
  for (const line of explain(error, io.mapStack)) io.log(`bauta: ${line}`);
}
