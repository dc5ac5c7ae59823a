import { describe, expect, it, vi } from "vitest";
import { runAll, undoOnFailure } from "./undo.ts";

describe("undoOnFailure", () => {
  it("takes back the steps done so far, newest first, and throws the first error", () => {
    const seen: string[] = [];
    const log = vi.fn();
    const work = (): never =>
      undoOnFailure(log, (undo) => {
        undo.defer(() => seen.push("first"));
        undo.defer(() => {
          seen.push("second");
          throw new Error("undo failed", { cause: new Error("EBUSY") });
        });
        undo.defer(() => {
          throw new AggregateError([new Error("one"), new Error("two")], "both");
        });
        throw new Error("work failed");
      });
    expect(work).toThrow("work failed");
    expect(seen).toEqual(["second", "first"]);
    expect(log.mock.calls.flat()).toEqual([
      "cannot undo a step of what failed: Error: one: Error: two: both",
      "cannot undo a step of what failed: undo failed: EBUSY",
    ]);
  });

  it("takes nothing back when the work is done", () => {
    const seen: string[] = [];
    const log = vi.fn();
    const result = undoOnFailure(log, (undo) => {
      undo.defer(() => seen.push("undone"));
      return 7;
    });
    expect([result, seen, log.mock.calls]).toEqual([7, [], []]);
  });
});

describe("runAll", () => {
  it("runs every step in order although one fails, and throws that error", () => {
    const seen: number[] = [];
    const steps = [1, 2, 3].map((n) => (): void => {
      seen.push(n);
      if (n === 2) throw new Error("two");
    });
    expect(() => runAll(steps)).toThrow("two");
    expect(seen).toEqual([1, 2, 3]);
  });

  it("throws all errors together when several steps fail", () => {
    const fail = (text: string) => (): never => {
      throw new Error(text);
    };
    try {
      runAll([fail("a"), fail("b")]);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(AggregateError);
      expect((error as AggregateError).errors.map(String)).toEqual(["Error: a", "Error: b"]);
    }
  });
});
