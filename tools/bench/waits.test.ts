import { describe, expect, it } from "vitest";
import { addUp } from "./waits.mjs";

describe("where a command waits", () => {
  it("is the mean of all runs, the longest wait first, without those that are next to nothing", () => {
    const parts = addUp(["9000 rcu_barrier < a\n100 b\n", "100 b\n11000 rcu_barrier < a\n20 running\n"]);
    expect(parts).toEqual([{ label: "rcu_barrier < a", us: 10_000 }]);
    expect(addUp(["50 a\n50 b < c\n"])).toEqual([
      { label: "a", us: 50 },
      { label: "b < c", us: 50 },
    ]);
  });

  it("passes over lines of other programs", () => {
    expect(addUp(["warning\n10 a\n", ""])).toEqual([{ label: "a", us: 5 }]);
  });
});
