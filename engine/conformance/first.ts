// One of two modules that need each other; see modules.ts.

// biome-ignore lint/suspicious/noImportCycles: the cycle is what is checked
import { Base, countRuns, secondConstant } from "./second.ts";

export const firstConstant = `first, then ${secondConstant}`;

export class Derived extends Base {
  override name(): string {
    return `${super.name()}, derived`;
  }
}

/** Live: a module that imports it sees it change. */
export let counter = 0;

export function count(): number {
  counter += 1;
  return counter;
}

export const runsOfFirst: number = countRuns();
