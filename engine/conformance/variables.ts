// Variables of blocks, functions and classes.

import { type Check, equal, throws } from "./check.ts";

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
    name: "a variable that is used before its declaration throws",
    run: () => {
      throws(ReferenceError, () => {
        const early = (): number => late;
        const sum = early();
        const late = sum;
        return late;
      });
      const readings: unknown[] = [];
      for (const round of NUMBERS) {
        const read = (): number => value;
        if (round > 1) throws(ReferenceError, read);
        const value = round;
        readings.push(read());
      }
      equal(readings, [1, 2, 3]);
      throws(ReferenceError, () => {
        const assign = (): void => {
          later = 2;
        };
        assign();
        let later = 1;
        later += 1;
        return later;
      });
    },
  },
  {
    name: "`this` is no value before super() has been called",
    run: () => {
      class Early extends Base {
        constructor(early: boolean) {
          const say = (): string => typeof this.own;
          if (early) say();
          super();
          say();
        }
      }
      throws(ReferenceError, () => new Early(true));
      equal(new Early(false).own, "base");
    },
  },
];
