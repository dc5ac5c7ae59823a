import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RULES } from "../../test/support/nftables-rules.ts";
import { SETS } from "../../test/support/nftables-sets.ts";
import type { Chain } from "../nftables/chain.ts";
import { NFT_LOOKUP_F } from "../nftables/expr/lookup.ts";
import type { Expression } from "../nftables/expression.ts";
import { ipSaddr, isIn } from "../nftables/match.ts";
import type { Rule } from "../nftables/rule.ts";
import { etherSaddr, iifname } from "../nftables/selector.ts";
import type { NftSet, SetSpec } from "../nftables/set.ts";
import { accept, counter, drop } from "../nftables/statement.ts";
import { NF_NAT_RANGE, NFT_CHAIN, NFT_SET } from "../nftables/uapi.ts";
import { hasRules, isHookedAs, isSetAsMade } from "./compare.ts";

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

  it("knows in which form the kernel tells what was left out", () => {
    const said: Expression[] = [
      { kind: "lookup", set: "s", sreg: 1 },
      { kind: "bitwise", sreg: 1, dreg: 1, len: 4 },
      { kind: "nat", type: 0, family: 2, regAddrMin: 1, regProtoMin: 2 },
    ];
    const flags = NF_NAT_RANGE.MAP_IPS | NF_NAT_RANGE.PROTO_SPECIFIED;
    const told: Expression[] = [
      { kind: "lookup", set: "s", sreg: 1, flags: 0 },
      { kind: "bitwise", sreg: 1, dreg: 1, len: 4, op: 0 },
      { kind: "nat", type: 0, family: 2, regAddrMin: 1, regAddrMax: 1, regProtoMin: 2, regProtoMax: 2, flags },
    ];
    expect(hasRules(found([told]), [said])).toBe(true);
  });

  it("passes over an attribute of a newer kernel that is zero, and over no other", () => {
    const [rule = []] = wanted;
    const withUnknown = (payload: Uint8Array): Expression[] =>
      rule.map((one) => (one.kind === "cmp" ? { ...one, unknown: [{ type: 99, payload }] } : one));
    expect(hasRules(found([withUnknown(new Uint8Array(4))]), [rule])).toBe(true);
    expect(hasRules(found([withUnknown(Uint8Array.of(0, 0, 0, 1))]), [rule])).toBe(false);
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

  it("says no where a look-up has been inverted", () => {
    const guard = [...isIn([iifname, etherSaddr], "allowed"), ...accept()];
    const inverted = guard.map((one) => (one.kind === "lookup" ? { ...one, flags: NFT_LOOKUP_F.INV } : one));
    expect(hasRules(found([inverted]), [guard])).toBe(false);
  });

  it("says no where a rule has a comment", () => {
    const commented = found(wanted).map((rule, i) => (i === 0 ? { ...rule, comment: "mine" } : rule));
    expect(hasRules(commented, wanted)).toBe(false);
  });
});

const ALL_RULES = Object.values(RULES).flatMap((file) => Object.entries(file));

/** The value with one of its fields changed: the nth of them, however deep. */
function changed(value: unknown, nth: { left: number }): unknown {
  if (value instanceof Uint8Array) {
    if (nth.left-- !== 0) return value;
    return value.length === 0 ? Uint8Array.of(1) : value.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, one]) => [key, changed(one, nth)] as const);
    return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
  }
  if (value === undefined || nth.left-- !== 0) return value;
  if (typeof value === "number") return value ^ 0x40000000;
  if (typeof value === "bigint") return value + 1n;
  return `${String(value)}x`;
}

/** How many fields there are to change. */
function countFields(value: unknown): number {
  const nth = { left: -1 };
  changed(value, nth);
  return -1 - nth.left;
}

/** What the kernel counts, and what counts only within a transaction. */
const PASSING = new Set(["packets", "bytes", "setId"]);

function withoutPassing(expression: Expression): Expression {
  const entries = Object.entries(expression).filter(([key]) => !PASSING.has(key) || expression.kind === "limit");
  return Object.fromEntries(entries) as Expression;
}

describe("every field of every rule counts", () => {
  it("when it has another value", () => {
    const rule = fc.constantFrom(...ALL_RULES.map(([, expressions]) => expressions.map(withoutPassing)));
    fc.assert(
      fc.property(rule, fc.nat(), (expressions, seed) => {
        const nth = seed % countFields(expressions);
        const other = changed(expressions, { left: nth }) as Expression[];
        expect(other).not.toEqual(expressions);
        // The form in which the kernel tells an implied flag is equal to that in which it was left out; nothing else is.
        expect(hasRules(found([other]), [expressions])).toBe(false);
        expect(hasRules(found([expressions]), [other])).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(ALL_RULES)("when it is set besides, or missing: %s", (_, expressions) => {
    for (const [i, one] of expressions.entries()) {
      const others: object[] = [
        { ...one, flags: 0x8000 },
        { ...one, op: 77 },
        { ...one, dreg: 77 },
      ];
      for (const key of Object.keys(one).filter((name) => !PASSING.has(name) && name !== "kind")) {
        const value: unknown = Reflect.get(one, key);
        if (value === undefined || value === 0) continue;
        others.push(Object.fromEntries(Object.entries(one).filter(([name]) => name !== key)));
      }
      for (const other of others) {
        const rule = expressions.map((expression, at) => (at === i ? (other as Expression) : expression));
        const isImplied = one.kind === "nat" || one.kind === "masq" || one.kind === "redir" || one.kind === "limit";
        if (isImplied) continue;
        expect(hasRules(found([rule]), [expressions]), JSON.stringify(Object.keys(other))).toBe(false);
      }
    }
  });
});

const inTable = { family: 2, table: "t", name: "s" } as const;
const asFound = (spec: SetSpec): NftSet => ({ ...spec, flags: spec.flags ?? 0, handle: 7n });

describe("isSetAsMade()", () => {
  it.each(Object.entries(SETS))("notices any change of one field of set %s", (_, layout) => {
    const spec = { ...inTable, ...layout };
    expect(isSetAsMade(asFound(spec), spec)).toBe(true);
    const changes: Partial<SetSpec>[] = [
      { keyType: layout.keyType + 1 },
      { keyLength: layout.keyLength + 1 },
      { size: (layout.size ?? 0) + 1 },
      { timeout: (layout.timeout ?? 0n) + 1n },
      { gcInterval: (layout.gcInterval ?? 0) + 1 },
      { policy: (layout.policy ?? 0) ^ 1 },
      { comment: `${layout.comment ?? ""}x` },
      { flags: (layout.flags ?? 0) ^ NFT_SET.TIMEOUT },
      { flags: (layout.flags ?? 0) ^ NFT_SET.CONSTANT },
      { expressions: [...(layout.expressions ?? []), { kind: "limit", rate: 1n, unit: 1n }] },
    ];
    for (const change of changes) {
      expect(isSetAsMade(asFound({ ...spec, ...change }), spec), Object.keys(change).join()).toBe(false);
    }
  });
});

describe("isHookedAs()", () => {
  const spec = { family: 2, table: "t", name: "c", type: "filter", hook: 0, priority: -300, policy: 1 };
  const chain: Chain = { ...spec, handle: 1n, use: 2, flags: NFT_CHAIN.BASE };

  it("takes the chain as it was made", () => {
    expect(isHookedAs(chain, spec)).toBe(true);
    expect(isHookedAs({ ...chain, flags: 0 }, spec)).toBe(true);
  });

  it.each([{ type: "nat" }, { hook: 1 }, { priority: -299 }, { device: "eth0" }, { flags: NFT_CHAIN.HW_OFFLOAD | 1 }])(
    "notices %o",
    (change) => {
      expect(isHookedAs({ ...chain, ...change }, spec)).toBe(false);
    },
  );
});
