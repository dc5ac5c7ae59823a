import { describe, expect, it } from "vitest";
import type { Expression } from "../nftables/expression.ts";
import { counter, drop, ipSaddr } from "../nftables/match.ts";
import type { Rule } from "../nftables/rule.ts";
import { hasRules } from "./compare.ts";

const prefix = { ip: Uint8Array.of(10, 0, 0, 0), prefixLength: 8 };
const wanted: Expression[][] = [ipSaddr(prefix), [...counter(), ...drop()]];
const found = (rules: readonly (readonly Expression[])[]): Rule[] =>
  rules.map((expressions, i) => ({
    family: 2,
    table: "t",
    chain: "c",
    handle: BigInt(i),
    expressions,
    comment: undefined,
  }));

describe("hasRules()", () => {
  it("takes the rules as they were made", () => {
    expect(hasRules(found(wanted), wanted)).toBe(true);
  });

  it("takes what has been counted meanwhile for no difference", () => {
    const counted: Expression[] = [{ kind: "counter", packets: 7n, bytes: 700n }, ...drop()];
    expect(hasRules(found([ipSaddr(prefix), counted]), wanted)).toBe(true);
  });

  it.each([
    ["a rule is missing", wanted.slice(1)],
    ["a rule has been added", [...wanted, drop()]],
    ["the order is another", wanted.toReversed()],
    ["an expression is missing", [ipSaddr(prefix), drop()]],
    [
      "an expression has been added",
      [
        [...ipSaddr(prefix), ...drop()],
        [...counter(), ...drop()],
      ],
    ],
    ["bytes differ", [ipSaddr({ ip: Uint8Array.of(11, 0, 0, 0), prefixLength: 8 }), [...counter(), ...drop()]]],
  ])("says no where %s", (_, rules) => {
    expect(hasRules(found(rules), wanted)).toBe(false);
  });
});
