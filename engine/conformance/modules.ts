// Modules: the executable has run them all when it was built (engine/snapshot.h), Node does before all else. Neither must
// show.

import { type Check, equal } from "./check.ts";
import { count, counter, Derived, firstConstant, runsOfFirst } from "./first.ts";
import * as second from "./second.ts";

export const MODULES: readonly Check[] = [
  {
    name: "modules that need each other find each other",
    run: () => {
      equal(firstConstant, "first, then second");
      equal(second.later().startsWith("first, then second, "), true);
    },
  },
  {
    name: "a class may extend one of another module",
    run: () => {
      equal(new Derived().name(), "base, derived");
      equal(new Derived() instanceof second.Base, true);
    },
  },
  {
    name: "a variable of a module changes for all",
    run: () => {
      const before = counter;
      equal(count(), before + 1);
      equal(counter, before + 1);
      equal(second.later(), `${firstConstant}, ${counter}`);
    },
  },
  {
    name: "a module runs once",
    run: () => equal([runsOfFirst, second.countRuns() > 1], [1, true]),
  },
  {
    name: "a variable that no module has is none",
    run: () => {
      equal("nowhere" in globalThis, false);
      equal((globalThis as { nowhere?: unknown }).nowhere, undefined);
      equal(Object.keys(globalThis).includes("nowhere"), false);
    },
  },
];
