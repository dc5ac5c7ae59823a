// What the engine functions must do, and the points of the language in which engines may differ, as one list of checks. The list runs
// under Node (conformance.test.ts) and inside the executable (../executable.test.ts), so that the twins cannot drift apart.

import { engine } from "../../src/sys/engine.ts";
import { writeStdout } from "../../src/sys/process.ts";
import { ATTRIBUTES } from "./attributes.ts";
import { CALLS } from "./calls.ts";
import type { Check } from "./check.ts";
import { CHILDREN } from "./children.ts";
import { DIGESTS } from "./digests.ts";
import { LANGUAGE } from "./language.ts";
import { MEMORY } from "./memory.ts";
import { MODULES } from "./modules.ts";
import { SURROUNDINGS, TEXT } from "./text.ts";
import { VARIABLES } from "./variables.ts";

export const CHECKS: readonly Check[] = [
  ...CALLS,
  ...TEXT,
  ...SURROUNDINGS,
  ...CHILDREN,
  ...MEMORY,
  ...MODULES,
  ...DIGESTS,
  ...ATTRIBUTES,
  ...LANGUAGE,
  ...VARIABLES,
];

/** A stack trace as it is reported, whose first line is the one with the mark. */
export function markedStack(): string {
  const error = new Error("for its stack"); // MARK
  return engine.mapStack(error.stack ?? "");
}

/** Runs them all and prints a JSON array of [name, failure or null]. */
export function printChecks(): void {
  writeStdout(JSON.stringify(CHECKS.map(({ name, run }) => [name, failureOf(run)])));
}

function failureOf(run: () => void): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return error instanceof Error ? `${error.message}\n${engine.mapStack(error.stack ?? "")}` : String(error);
  }
}
