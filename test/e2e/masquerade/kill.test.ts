// kill -9 in the middle: before each system call of an ADD, and of a DEL. A DEL then leaves nothing.

import { beforeAll, describe, expect, it } from "vitest";
import { KILLED, killedBefore } from "../../support/interfere.ts";
import { becomeNode, leftovers } from "./node.ts";
import { add, containerFor, del, networkOf, TYPES, tryAdd } from "./runtime.ts";

beforeAll(() => {
  becomeNode();
});

describe.each(TYPES)("%s", (type) => {
  it("leaves nothing after an ADD that was killed before any of its system calls, and a DEL", () => {
    const config = networkOf(type);
    const container = containerFor(config);
    const failures: object[] = [];
    let count = 1;
    // What they have in common is tried with one of them in full.
    for (; ; count += type === "ptp" ? 1 : 2) {
      const { status } = tryAdd(config, container, { through: killedBefore(count) });
      const left = [del(config, container), ...(status === KILLED ? [] : [{ status }])].filter(
        (one) => one.status !== 0,
      );
      failures.push(...[...left, ...leftovers()].map((what) => ({ count, what })));
      if (status !== KILLED) break;
    }
    expect(count).toBeGreaterThan(100);
    expect(failures).toEqual([]);
  });

  it("leaves nothing after a DEL that was killed before one of its system calls, and another", () => {
    const config = networkOf(type);
    const container = containerFor(config);
    const failures: object[] = [];
    let count = 1;
    for (; ; count += 3) {
      add(config, container);
      const { status } = del(config, container, { through: killedBefore(count) });
      const again = del(config, container);
      const left = [...(again.status === 0 ? [] : [again]), ...leftovers()];
      failures.push(...left.map((what) => ({ count, what })));
      if (status !== KILLED) break;
    }
    expect(count).toBeGreaterThan(50);
    expect(failures).toEqual([]);
  });
});
