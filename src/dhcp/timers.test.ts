import fc from "fast-check";
import { expect, it } from "vitest";
import { waitFor } from "./loop.ts";
import { Timers } from "./timers.ts";

it("timers come in order, and those that were cancelled never", () => {
  const plan = fc.array(fc.tuple(fc.nat(1000), fc.boolean()), { maxLength: 300 });
  fc.assert(
    fc.property(plan, (wanted) => {
      const timers = new Timers();
      const ran: number[] = [];
      const added = wanted.map(([at]) => timers.add(at, () => ran.push(at)));
      wanted.forEach(([, isCancelled], i) => {
        const timer = added[i];
        if (isCancelled && timer !== undefined) timers.cancel(timer);
      });
      const left = wanted.flatMap(([at, isCancelled]) => (isCancelled ? [] : [at])).sort((a, b) => a - b);
      expect(timers.next()).toBe(left[0] ?? Infinity);
      timers.runDue(500);
      expect(ran).toEqual(left.filter((at) => at <= 500));
      timers.runDue(1000);
      expect(ran).toEqual(left);
      expect(timers.next()).toBe(Infinity);
    }),
  );
});

it("a timer may set another one, and a timer for never is none", () => {
  const timers = new Timers();
  const ran: string[] = [];
  timers.add(Infinity, () => ran.push("never"));
  timers.add(1, () => timers.add(2, () => ran.push("second")));
  timers.runDue(3);
  expect(ran).toEqual(["second"]);
  expect(timers.next()).toBe(Infinity);
});

it.each([
  ["nothing is due: for ever", Infinity, -1],
  ["something is due later", 30_000, 20_000],
  ["something is overdue", 3000, 0],
  ["something is due much later, by a clock that epoll's does not keep up with in a sleep", 7_200_000, 60_000],
])("the loop waits where %s", (_, next, wanted) => {
  expect(waitFor(next, 10_000)).toBe(wanted);
});
