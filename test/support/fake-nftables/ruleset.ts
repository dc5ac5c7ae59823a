// The rule set of a network namespace as nf_tables keeps it, and what its commands do to it: net/netfilter/nf_tables_api.c in
// short. A command that is refused throws Refusal.

import type { Expression } from "../../../src/nftables/expression.ts";
import { NF_NAT_RANGE, NFT_CHAIN, NFT_SET, NFT_SET_ELEM } from "../../../src/nftables/uapi.ts";
import { type ErrnoName, errno } from "../../../src/sys/errno.ts";
import type { Infer } from "../../../src/wire/codec.ts";
import type { WireElement, wireChain, wireElements, wireRule, wireSet, wireTable } from "./wire.ts";

/** What the kernel answers instead of doing as it was told. */
export class Refusal extends Error {
  readonly errno: number;

  constructor(name: ErrnoName) {
    super(name);
    this.errno = errno(name);
  }
}

/** The flags of a NEW or DEL message that change what it does. */
export interface Modifiers {
  readonly exclusive: boolean;
  readonly create: boolean;
  readonly append: boolean;
  readonly replace: boolean;
  /** NLM_F_NONREC: not with what is in it. */
  readonly notRecursive: boolean;
}

export interface FakeRule {
  readonly handle: bigint;
  readonly expressions: readonly Expression[];
  readonly userdata: Uint8Array | undefined;
}

export interface FakeChain {
  readonly handle: bigint;
  readonly spec: Infer<typeof wireChain>;
  rules: readonly FakeRule[];
  policy: number | undefined;
}

export interface FakeSet {
  readonly handle: bigint;
  readonly spec: Infer<typeof wireSet>;
  /** By key, and by whether an interval ends there. */
  readonly elements: Map<string, WireElement>;
}

export interface FakeTable {
  readonly family: number;
  readonly name: string;
  readonly handle: bigint;
  readonly userdata: Uint8Array | undefined;
  flags: number;
  readonly chains: Map<string, FakeChain>;
  readonly sets: Map<string, FakeSet>;
}

export class Ruleset {
  readonly tables: Map<string, FakeTable>;
  #handle: bigint;

  constructor(tables: Map<string, FakeTable> = new Map(), handle = 0n) {
    this.tables = tables;
    this.#handle = handle;
  }

  /** A copy that can be thrown away. */
  copy(): Ruleset {
    const tables = [...this.tables].map(([key, table]) => [key, copyTable(table)] as const);
    return new Ruleset(new Map(tables), this.#handle);
  }

  #nextHandle(): bigint {
    return ++this.#handle;
  }

  table(family: number, name: string | undefined): FakeTable {
    return found(this.tables.get(`${family} ${name}`));
  }

  chain(family: number, table: string | undefined, name: string | undefined): FakeChain {
    return found(this.table(family, table).chains.get(name ?? ""));
  }

  set(family: number, table: string | undefined, name: string | undefined): FakeSet {
    return found(this.table(family, table).sets.get(name ?? ""));
  }

  newTable(family: number, { name = "", flags = 0, userdata }: Infer<typeof wireTable>, how: Modifiers): void {
    const there = this.tables.get(`${family} ${name}`);
    if (there !== undefined) {
      if (how.exclusive) throw new Refusal("EEXIST");
      there.flags = flags;
      return;
    }
    const [chains, sets] = [new Map<string, FakeChain>(), new Map<string, FakeSet>()];
    const table = { family, name, handle: this.#nextHandle(), userdata, flags, chains, sets };
    this.tables.set(`${family} ${name}`, table);
  }

  deleteTable(family: number, { name }: Infer<typeof wireTable>, how: Modifiers): void {
    const table = this.table(family, name);
    if (how.notRecursive && tableUse(table) > 0) throw new Refusal("EBUSY");
    this.tables.delete(`${family} ${name}`);
  }

  newChain(family: number, spec: Infer<typeof wireChain>, how: Modifiers): void {
    const { chains } = this.table(family, spec.table);
    const there = chains.get(spec.name ?? "");
    if (there !== undefined) {
      if (how.exclusive) throw new Refusal("EEXIST");
      const isSame = spec.hook === undefined || (sameJson(spec.hook, there.spec.hook) && spec.type === there.spec.type);
      if (!isSame) throw new Refusal("EEXIST");
      there.policy = spec.policy ?? there.policy;
      return;
    }
    if (!how.create) throw new Refusal("ENOENT");
    chains.set(spec.name ?? "", { handle: this.#nextHandle(), spec, rules: [], policy: spec.policy });
  }

  deleteChain(family: number, spec: Infer<typeof wireChain>, how: Modifiers): void {
    const table = this.table(family, spec.table);
    const chain = this.chain(family, spec.table, spec.name);
    if (how.notRecursive && chain.rules.length > 0) throw new Refusal("EBUSY");
    chain.rules = [];
    if (chainUse(table, chain) > 0) throw new Refusal("EBUSY");
    table.chains.delete(spec.name ?? "");
  }

  newRule(family: number, spec: Infer<typeof wireRule>, how: Modifiers): void {
    const table = this.table(family, spec.table);
    const chain = this.chain(family, spec.table, spec.chain);
    const expressions = (spec.expressions ?? []).map((one) => asDumped(one));
    for (const one of expressions) requireTargets(table, one);
    const { rules } = chain;
    const at = spec.handle ?? spec.position;
    const index = at === undefined ? undefined : rules.findIndex(({ handle }) => handle === at);
    if (index === -1) throw new Refusal("ENOENT");
    const rule = { handle: this.#nextHandle(), expressions, userdata: spec.userdata };
    if (how.replace) chain.rules = rules.with(index ?? 0, rule);
    else {
      const place = index === undefined ? (how.append ? rules.length : 0) : index + (how.append ? 1 : 0);
      chain.rules = rules.toSpliced(place, 0, rule);
    }
  }

  deleteRule(family: number, spec: Infer<typeof wireRule>): void {
    const chain = this.chain(family, spec.table, spec.chain);
    const left = spec.handle === undefined ? [] : chain.rules.filter(({ handle }) => handle !== spec.handle);
    if (spec.handle !== undefined && left.length === chain.rules.length) throw new Refusal("ENOENT");
    chain.rules = left;
  }

  newSet(family: number, spec: Infer<typeof wireSet>, how: Modifiers): void {
    const { sets } = this.table(family, spec.table);
    const there = sets.get(spec.name ?? "");
    if (there !== undefined) {
      const kindOf = ({ keyType, keyLength, dataType, flags }: Infer<typeof wireSet>): unknown[] => {
        return [keyType, keyLength, dataType, flags];
      };
      if (how.exclusive || !sameJson(kindOf(there.spec), kindOf(spec))) throw new Refusal("EEXIST");
      return;
    }
    if (!how.create) throw new Refusal("ENOENT");
    sets.set(spec.name ?? "", { handle: this.#nextHandle(), spec, elements: new Map() });
  }

  deleteSet(family: number, spec: Infer<typeof wireSet>, how: Modifiers): void {
    const table = this.table(family, spec.table);
    const set = this.set(family, spec.table, spec.name);
    if (setUse(table, spec.name ?? "") > 0 || (how.notRecursive && set.elements.size > 0)) throw new Refusal("EBUSY");
    table.sets.delete(spec.name ?? "");
  }

  newElements(family: number, spec: Infer<typeof wireElements>, how: Modifiers): void {
    const table = this.table(family, spec.table);
    const set = this.set(family, spec.table, spec.set);
    const before = intervalsIn(set);
    for (const one of spec.elements ?? []) {
      const { data } = one;
      if (data !== undefined && !(data instanceof Uint8Array) && data.chain !== undefined) {
        found(table.chains.get(data.chain));
      }
      const there = set.elements.get(keyOf(one));
      if (there !== undefined) {
        if (how.exclusive || !sameJson(plain(there.data), plain(data))) throw new Refusal("EEXIST");
        continue;
      }
      const { expression } = set.spec;
      set.elements.set(keyOf(one), expression === undefined || isEnd(one) ? one : { ...one, expression });
    }
    if (((set.spec.flags ?? 0) & NFT_SET.INTERVAL) !== 0) refuseOverlaps(before, intervalsIn(set));
  }

  deleteElements(family: number, spec: Infer<typeof wireElements>): void {
    const set = this.set(family, spec.table, spec.set);
    if (spec.elements === undefined) set.elements.clear();
    for (const one of spec.elements ?? []) if (!set.elements.delete(keyOf(one))) throw new Refusal("ENOENT");
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Refusal("ENOENT");
  return value;
}

function copyTable(table: FakeTable): FakeTable {
  return {
    ...table,
    chains: new Map([...table.chains].map(([name, chain]) => [name, { ...chain }])),
    sets: new Map([...table.sets].map(([name, set]) => [name, { ...set, elements: new Map(set.elements) }])),
  };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const plain = (value: unknown): unknown => (value instanceof Uint8Array ? hex(value) : value);
const sameJson = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
const isEnd = ({ flags = 0 }: WireElement): boolean => (flags & NFT_SET_ELEM.INTERVAL_END) !== 0;

export function keyBytes({ key }: WireElement): Uint8Array {
  return key instanceof Uint8Array ? key : new Uint8Array(0);
}

/** What an element of a set is found by. */
export function keyOf(element: WireElement): string {
  return `${hex(keyBytes(element))}${isEnd(element) ? " end" : ""}`;
}

/** The intervals of a set, from its first key to the one behind its last, in order. */
export function intervalsIn({
  elements,
  spec,
}: FakeSet): readonly (readonly [first: string, end: string | undefined])[] {
  if (((spec.flags ?? 0) & NFT_SET.INTERVAL) === 0) return [];
  const keys = [...elements.keys()].sort();
  const starts = keys.filter((key) => !key.endsWith(" end"));
  const ends = keys.filter((key) => key.endsWith(" end")).map((key) => key.slice(0, -" end".length));
  return starts.map((start) => [start, ends.find((end) => end > start)] as const);
}

/** A new interval may not reach into another. */
function refuseOverlaps(before: ReturnType<typeof intervalsIn>, after: ReturnType<typeof intervalsIn>): void {
  const isOverlapping = after.some(([, end], i) => {
    const next = after[i + 1];
    return next !== undefined && (end === undefined || next[0] < end);
  });
  const isCut = before.some(([first, end]) => !after.some((one) => one[0] === first && one[1] === end));
  if (isOverlapping || isCut) throw new Refusal("EEXIST");
}

function chainsIn(expression: Expression): string[] {
  if (expression.kind !== "immediate" || expression.data === undefined || expression.data instanceof Uint8Array)
    return [];
  return expression.data.chain === undefined ? [] : [expression.data.chain];
}

function requireTargets(table: FakeTable, expression: Expression): void {
  for (const chain of chainsIn(expression)) found(table.chains.get(chain));
  if (expression.kind === "lookup") found(table.sets.get(expression.set ?? ""));
}

/** The forms in which the kernel tells what it was told. */
function asDumped(expression: Expression): Expression {
  switch (expression.kind) {
    case "counter":
      return { ...expression, packets: 0n, bytes: 0n };
    case "lookup":
      return { ...expression, flags: expression.flags ?? 0, setId: undefined };
    case "bitwise":
      return { ...expression, op: expression.op ?? 0 };
    case "nat": {
      const { regAddrMin, regAddrMax = regAddrMin, regProtoMin, regProtoMax = regProtoMin, flags = 0 } = expression;
      const mapped = regAddrMin === undefined ? 0 : NF_NAT_RANGE.MAP_IPS;
      return { ...expression, regAddrMax, regProtoMax, flags: flags | mapped };
    }
    default:
      return expression;
  }
}

/** NFTA_TABLE_USE: chains and sets. */
export function tableUse({ chains, sets }: FakeTable): number {
  return chains.size + sets.size;
}

/** NFTA_CHAIN_USE: the chain's rules, and the jumps and verdicts that lead to it. */
export function chainUse({ chains, sets }: FakeTable, chain: FakeChain): number {
  const name = chain.spec.name ?? "";
  const rules = [...chains.values()].flatMap((one) => one.rules.flatMap(({ expressions }) => expressions));
  const jumps = rules.flatMap(chainsIn).filter((target) => target === name).length;
  const verdicts = [...sets.values()]
    .flatMap(({ elements }) => [...elements.values()])
    .filter(({ data }) => {
      return data !== undefined && !(data instanceof Uint8Array) && data.chain === name;
    }).length;
  return chain.rules.length + jumps + verdicts;
}

/** How many rules look into the set. */
function setUse({ chains }: FakeTable, name: string): number {
  const rules = [...chains.values()].flatMap((one) => one.rules.flatMap(({ expressions }) => expressions));
  return rules.filter((one) => one.kind === "lookup" && one.set === name).length;
}

/** NFTA_CHAIN_FLAGS */
export function chainFlags({ spec }: FakeChain): number {
  return spec.hook === undefined ? 0 : NFT_CHAIN.BASE;
}
