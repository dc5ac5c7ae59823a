// The other of two modules that need each other; see modules.ts.

// biome-ignore lint/suspicious/noImportCycles: the cycle is what is checked
import { counter, firstConstant } from "./first.ts";

export const secondConstant = "second";

export class Base {
  name(): string {
    return "base";
  }
}

/** What only exists once the other module has run. */
export const later = (): string => `${firstConstant}, ${counter}`;

let runs = 0;

export function countRuns(): number {
  runs += 1;
  return runs;
}
