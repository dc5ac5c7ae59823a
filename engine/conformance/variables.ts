// Variables of blocks, which the build makes the engine treat otherwise than it was written to (patch.mjs).

import { type Check, equal } from "./check.ts";

const NUMBERS: readonly number[] = [1, 2, 3];

class Base {
  readonly own: string;
  constructor() {
    this.own = "base";
  }
}

class Derived extends Base {
  readonly #hidden = "hidden";
  static readonly first: string = "static";
  static readonly second: string = `${Derived.first}, twice`;
  get all(): string {
    return `${this.own}, ${this.#hidden}, ${Derived.second}`;
  }
}

export const VARIABLES: readonly Check[] = [
  {
    name: "a variable that is declared without a value is undefined each time",
    run: () => {
      const seen: unknown[] = [];
      for (const number of NUMBERS) {
        let sometimes: number | undefined;
        if (number === 1) sometimes = number;
        seen.push(sometimes ?? "none");
      }
      equal(seen, [1, "none", "none"]);
    },
  },
  {
    name: "a function keeps the variables of its own round of a loop",
    run: () => {
      const kept: (() => string)[] = [];
      for (const [i, number] of NUMBERS.entries()) {
        let sum = number;
        kept.push(() => {
          sum += 10;
          return `${i}:${sum}`;
        });
      }
      for (let i = 0; i < 2; i++) kept.push(() => `counted ${i}`);
      equal(
        kept.map((one) => one()),
        ["0:11", "1:12", "2:13", "counted 0", "counted 1"],
      );
      equal(kept[0]?.(), "0:21");
    },
  },
  {
    name: "an inner variable hides the outer of its name, and nothing else",
    run: () => {
      const name = "outer";
      const seen = [name];
      {
        const name = "inner";
        seen.push(name);
      }
      for (const name of ["loop"]) seen.push(name);
      try {
        throw new Error("caught");
      } catch (name) {
        seen.push(String(name));
      }
      seen.push(name);
      equal(seen, ["outer", "inner", "loop", "Error: caught", "outer"]);
    },
  },
  {
    name: "classes have their fields, static ones in order, and what they inherit",
    run: () => equal(new Derived().all, "base, hidden, static, twice"),
  },
  {
    name: "`this` is still no value before super() has been called",
    run: () => {
      class Early extends Base {
        constructor(early: boolean) {
          const say = (): string => typeof this.own;
          if (early) say();
          super();
          say();
        }
      }
      let thrown: unknown;
      try {
        new Early(true);
      } catch (error) {
        thrown = error;
      }
      equal([thrown instanceof ReferenceError, new Early(false).own], [true, "base"]);
    },
  },
];
