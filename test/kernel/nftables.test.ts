// Ours against nft(8) and the kernel: what we write nft lists as what it is, what nft writes we read.

import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addChain, createChain, deleteChain, destroyChain, getChain, listChains } from "../../src/nftables/chain.ts";
import { concatKey, concatType, lengthOf, TYPE } from "../../src/nftables/datatype.ts";
import {
  addElements,
  createElements,
  deleteElements,
  destroyElements,
  type Element,
  flushSet,
  getElement,
  listElements,
} from "../../src/nftables/element.ts";
import type { Expression } from "../../src/nftables/expression.ts";
import { intervalElements, intervalsOf, prefixInterval } from "../../src/nftables/interval.ts";
import * as match from "../../src/nftables/match.ts";
import type { Command } from "../../src/nftables/message.ts";
import { Monitor } from "../../src/nftables/monitor.ts";
import { Nftables } from "../../src/nftables/nftables.ts";
import {
  addRule,
  deleteRule,
  flushChain,
  insertRule,
  listRules,
  type RuleChain,
  replaceRule,
} from "../../src/nftables/rule.ts";
import { randomNumber } from "../../src/nftables/selector.ts";
import { addSet, createSet, deleteEmptySet, deleteSet, destroySet, getSet, listSets } from "../../src/nftables/set.ts";
import * as statement from "../../src/nftables/statement.ts";
import {
  addTable,
  createTable,
  deleteEmptyTable,
  deleteTable,
  destroyTable,
  getTable,
  listTables,
} from "../../src/nftables/table.ts";
import {
  NF,
  NF_INET,
  NF_IP_PRI,
  NFPROTO,
  NFT_DATA_VERDICT,
  NFT_OBJECT,
  NFT_SET,
  NFT_VERDICT,
} from "../../src/nftables/uapi.ts";
import { hasRules, isSetAsMade } from "../../src/owned/compare.ts";
import { isInInitialPidNamespace } from "../../src/sys/pid-namespace.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { makeNetns, type TestNetns } from "../support/netns.ts";
import { ruleLines } from "../support/nftables-golden.ts";
import { FAMILIES, ip, RULES } from "../support/nftables-rules.ts";
import { address, SETS } from "../support/nftables-sets.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let netns: TestNetns;
let nftables: Nftables;

beforeEach(() => {
  netns = makeNetns();
  nftables = Nftables.open({ netns: netns.fd });
});

afterEach(() => {
  nftables.close();
  netns.remove();
});

const IP4 = NFPROTO.IPV4;
const T = { family: IP4, table: "t" };
const TABLE = { family: IP4, name: "t" };

function prefix(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

/** What `nft list ruleset` says. */
function ruleset(): string {
  return netns.exec("nft", "list", "ruleset");
}

/** What it says after `nft -f` with this text, in a namespace of its own. */
function rulesetOf(text: string): string {
  const other = makeNetns();
  try {
    other.exec("nft", "-f", file(text));
    return other.exec("nft", "list", "ruleset");
  } finally {
    other.remove();
  }
}

function file(text: string): string {
  const path = `${temporaryDirectory()}/rules.nft`;
  writeFileSync(path, text);
  return path;
}

function golden(name: string): string {
  return readFileSync(new URL(`../golden/nftables/${name}`, import.meta.url), "utf8");
}

/** The commands that make the skeleton of a masquerade table, an address in it, and a policy's chain. */
function masqueradeTable(family: number): Command[] {
  const v4 = family === IP4;
  const t = { family, table: "bauta_masquerade" };
  const key = v4 ? address : { keyType: TYPE.IP6ADDR, keyLength: 16 };
  const [multicast, subnet] = v4 ? ["224.0.0.0/4", "10.22.0.0/16"] : ["ff00::/8", "fd00:22::/64"];
  const container = ip(v4 ? "10.22.0.5" : "fd00:22::5");
  const chain = `outside-${subnet.replaceAll(":", "-")}`;
  return [
    addTable({ family, name: t.table, comment: "IP masquerade of containers; see bauta list" }),
    addSet({ ...t, name: "owners", ...key, dataType: TYPE.IP6ADDR, dataLength: 16, comment: "address to attachment" }),
    addSet({ ...t, name: "policies", ...key, dataType: NFT_DATA_VERDICT, expressions: statement.counter() }),
    addChain({
      ...t,
      name: "postrouting",
      type: "nat",
      hook: NF_INET.POST_ROUTING,
      priority: NF_IP_PRI.NAT_SRC,
      policy: NF.ACCEPT,
      comment: "where it begins",
    }),
    addChain({ ...t, name: chain, comment: `the policy of ${subnet}` }),
    addRule({
      ...t,
      chain: "postrouting",
      expressions: [...match.ipDaddr(prefix(multicast)), ...statement.returnVerdict()],
    }),
    addRule({ ...t, chain: "postrouting", expressions: statement.ipSaddrVmap(v4 ? 4 : 6, "policies") }),
    addRule({ ...t, chain, expressions: [...match.ipDaddr(prefix(subnet)), ...statement.returnVerdict()] }),
    addRule({
      ...t,
      chain,
      expressions: [...statement.counter(), ...statement.masquerade({ fullyRandom: true })],
      comment: "everything else",
    }),
    ...addElements({
      ...t,
      set: "owners",
      elements: [{ key: container, data: ip("fd12:3456::1"), comment: `dual c1 eth0 ${subnet}` }],
    }),
    ...addElements({
      ...t,
      set: "policies",
      elements: [{ key: container, data: { code: NFT_VERDICT.GOTO, chain } }],
    }),
  ];
}

const MASQUERADE = ["ip", "ip6"]
  .map((family) => {
    const v4 = family === "ip";
    const [type, subnet, container] = v4
      ? ["ipv4_addr", "10.22.0.0/16", "10.22.0.5"]
      : ["ipv6_addr", "fd00:22::/64", "fd00:22::5"];
    const chain = `outside-${subnet?.replaceAll(":", "-")}`;
    return `table ${family} bauta_masquerade {
  comment "IP masquerade of containers; see bauta list"
  map owners {
    type ${type} : ipv6_addr
    comment "address to attachment"
    elements = { ${container} comment "dual c1 eth0 ${subnet}" : fd12:3456::1 }
  }
  map policies { type ${type} : verdict; counter; }
  chain postrouting {
    comment "where it begins"
    type nat hook postrouting priority srcnat; policy accept;
    ${v4 ? "ip daddr 224.0.0.0/4" : "ip6 daddr ff00::/8"} return
    ${family} saddr vmap @policies
  }
  chain ${chain} {
    comment "the policy of ${subnet}"
    ${family} daddr ${subnet} return
    counter masquerade fully-random comment "everything else"
  }
}
add element ${family} bauta_masquerade policies { ${container} : goto ${chain} }
`;
  })
  .join("");

describe("what we write", () => {
  it("is listed by nft as what nft itself would have written: a masquerade table for each family", () => {
    nftables.commit([...masqueradeTable(IP4), ...masqueradeTable(NFPROTO.IPV6)]);
    expect(ruleset()).toBe(rulesetOf(MASQUERADE));
  });

  it("survives `nft list ruleset > f; nft -f f`", () => {
    nftables.commit([...masqueradeTable(IP4), ...masqueradeTable(NFPROTO.IPV6)]);
    const before = ruleset();
    expect(rulesetOf(before)).toBe(before);
  });

  it.each(Object.keys(RULES))("is listed as what it is: the rules of %s.nft", (name) => {
    const family = FAMILIES[name] ?? 0;
    const rules = Object.entries(RULES[name] ?? {}).filter(([text]) => !text.includes("map {"));
    const text = golden(`${name}.nft`);
    const sets = text.split("\n").filter((line) => /^ {2}(map|set|counter) /.test(line) || /^(table|})/.test(line));
    const open = sets.slice(0, -1).join("\n");
    netns.exec("nft", "-f", file(`${open}\n chain o { }\n}`));
    const chain: RuleChain = { family, table: "t", chain: "c" };
    nftables.commit([
      addChain({ family, table: "t", name: "c" }),
      ...rules.map(([, expressions]) => addRule({ ...chain, expressions })),
    ]);
    const lines = rules.map(([rule]) => rule);
    expect(lines.length).toBeGreaterThan(4);
    expect(ruleLines(text)).toEqual(expect.arrayContaining(lines));
    expect(ruleset()).toBe(rulesetOf(`${open}\n chain o { }\n chain c {\n${lines.join("\n")}\n}\n}`));
    // The comparer takes no rule for altered because of the form in which the kernel tells it.
    const asMade = rules.map(([, expressions]) => expressions);
    const listed = listRules(nftables.connection, chain);
    const different = listed.filter((one, i) => !hasRules([one], asMade.slice(i, i + 1)));
    expect(different.map(({ expressions }) => expressions)).toEqual([]);
    expect(hasRules(listed, asMade)).toBe(true);
  });

  it("is listed as what it is: sets and maps of all types", () => {
    const inet = { family: NFPROTO.INET, table: "t" };
    const sets = Object.entries(SETS).map(([name, layout]) => addSet({ ...inet, name, ...layout }));
    nftables.commit([addTable({ family: NFPROTO.INET, name: "t" }), ...sets]);
    expect(ruleset()).toBe(rulesetOf(golden("sets.nft")));
    const different = Object.entries(SETS).filter(([name, layout]) => {
      const found = getSet(nftables.connection, { ...inet, name });
      return found === undefined || !isSetAsMade(found, { ...inet, name, ...layout });
    });
    expect(different).toEqual([]);
  });

  it("is listed as what it is: an anonymous map of addresses to choose from", () => {
    const values = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
    const elements = values.map((value, i) => ({ key: Uint8Array.of(i, 0, 0, 0), data: ip(value) }));
    const pool = { ...T, set: "__map%d", setId: 5 };
    const expressions = statement.snatByMap([randomNumber(3)], { family: IP4, map: "__map%d", setId: 5 });
    nftables.commit([
      addTable(TABLE),
      addChain({ ...T, name: "c" }),
      addSet({
        ...T,
        name: "__map%d",
        id: 5,
        keyType: TYPE.INTEGER,
        keyLength: 4,
        dataType: TYPE.IPADDR,
        dataLength: 4,
        flags: NFT_SET.ANONYMOUS | NFT_SET.CONSTANT,
      }),
      ...addElements({ ...pool, elements }),
      addRule({ ...T, chain: "c", expressions }),
    ]);
    const rule = "snat to numgen random mod 3 map { 0 : 192.0.2.1, 1 : 192.0.2.2, 2 : 192.0.2.3 }";
    expect(ruleset()).toBe(rulesetOf(`table ip t { chain c { ${rule}; }; }`));
  });

  it("is listed as what it is: intervals, up to the last address and of concatenated keys", () => {
    const keyType = concatType(TYPE.IPADDR, TYPE.INET_SERVICE);
    const keyLength = lengthOf(TYPE.IPADDR, TYPE.INET_SERVICE);
    const intervals = [
      { ...prefixInterval(prefix("10.0.0.0/9")), comment: "low" },
      prefixInterval(prefix("10.128.0.0/9")),
      { first: ip("192.0.2.7"), last: ip("192.0.2.9") },
      prefixInterval(prefix("240.0.0.0/4")),
    ];
    nftables.commit([
      addTable(TABLE),
      addSet({ ...T, name: "i", ...address, flags: NFT_SET.INTERVAL }),
      addSet({ ...T, name: "m", ...address, dataType: NFT_DATA_VERDICT, flags: NFT_SET.INTERVAL }),
      addSet({ ...T, name: "s", keyType, keyLength, flags: NFT_SET.INTERVAL }),
      ...addElements({ ...T, set: "i", elements: intervalElements(intervals) }),
      ...addElements({
        ...T,
        set: "m",
        elements: intervalElements([{ ...prefixInterval(prefix("0.0.0.0/0")), data: { code: NF.DROP } }]),
      }),
      ...addElements({
        ...T,
        set: "s",
        elements: [
          {
            key: concatKey(ip("10.0.0.0"), Uint8Array.of(0, 80)),
            keyEnd: concatKey(ip("10.0.0.255"), Uint8Array.of(0, 90)),
          },
        ],
      }),
    ]);
    const wanted = rulesetOf(`table ip t {
  set i { type ipv4_addr; flags interval;
    elements = { 10.0.0.0/9 comment "low", 10.128.0.0/9, 192.0.2.7-192.0.2.9, 240.0.0.0/4 }
  }
  map m { type ipv4_addr : verdict; flags interval; elements = { 0.0.0.0/0 : drop }; }
  set s { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/24 . 80-90 }; }
}`);
    expect(ruleset()).toBe(wanted);
    expect(intervalsOf(listElements(nftables.connection, { ...T, set: "i" }))).toMatchObject(intervals);
    nftables.commit(deleteElements({ ...T, set: "i", elements: intervalElements(intervals.slice(1, 2)) }));
    expect(intervalsOf(listElements(nftables.connection, { ...T, set: "i" }))).toHaveLength(3);
  });

  it("may have names and comments as long as they are allowed to be, and nft reads them back", () => {
    const name = `c/-_.0${"x".repeat(249)}`; // NFT_NAME_MAXLEN is 256 with the NUL
    const comment = `${"€".repeat(42)}ab`;
    expect(Buffer.byteLength(comment)).toBe(128);
    nftables.commit([
      addTable({ ...TABLE, comment }),
      addChain({ ...T, name, comment }),
      addRule({ ...T, chain: name, expressions: statement.accept(), comment }),
      addSet({ ...T, name: "m", ...address, dataType: NFT_DATA_VERDICT, comment }),
      ...addElements({
        ...T,
        set: "m",
        elements: [{ key: ip("10.0.0.1"), data: { code: NFT_VERDICT.GOTO, chain: name }, comment }],
      }),
    ]);
    const listed = ruleset();
    expect(listed.split(`comment "${comment}"`)).toHaveLength(6);
    expect(rulesetOf(listed)).toBe(listed);
    expect(getTable(nftables.connection, TABLE)?.comment).toBe(comment);
    expect(getChain(nftables.connection, { ...T, name })?.comment).toBe(comment);
    expect(listRules(nftables.connection, T)[0]?.comment).toBe(comment);
    expect(getSet(nftables.connection, { ...T, name: "m" })?.comment).toBe(comment);
    expect(getElement(nftables.connection, { ...T, set: "m" }, ip("10.0.0.1"))?.comment).toBe(comment);
  });
});

describe("what nft writes", () => {
  it("we read, and writing it again makes the same rule set", () => {
    netns.exec("nft", "-f", file(MASQUERADE));
    const { connection } = nftables;
    const tables = listTables(connection);
    expect(tables.map(({ family, name }) => [family, name])).toEqual([
      [IP4, "bauta_masquerade"],
      [NFPROTO.IPV6, "bauta_masquerade"],
    ]);
    const again: Command[] = [
      ...tables.map(addTable),
      ...listSets(connection).map(addSet),
      ...listChains(connection).map(addChain),
      ...listRules(connection).map(addRule),
      ...listSets(connection).flatMap((set) => {
        const where = { family: set.family, table: set.table, set: set.name };
        return addElements({ ...where, elements: listElements(connection, where) });
      }),
    ];
    const before = ruleset();
    nftables.commit([...tables.map(deleteTable), ...again]);
    expect(ruleset()).toBe(before);
  });

  it.each(["rules-ip", "rules-inet", "rules-bridge"])("we read and write again: the rules of %s.nft", (name) => {
    netns.exec("nft", "-f", file(golden(`${name}.nft`)));
    const before = ruleset();
    const rules = listRules(nftables.connection);
    // Anonymous sets go with their rule, so those rules cannot be written again.
    const kept = rules.filter(({ expressions }) =>
      expressions.every((e) => e.kind !== "lookup" || e.set?.startsWith("__") !== true),
    );
    expect(kept.length).toBeGreaterThan(4);
    // The kernel tells of a dynset without a time-out that it is 0, but takes none for a set that has no time-outs.
    const without = (e: Expression): Expression =>
      e.kind === "dynset" && e.timeout === 0n ? { ...e, timeout: undefined } : e;
    nftables.commit(kept.map((rule) => replaceRule({ ...rule, expressions: rule.expressions.map(without) })));
    expect(ruleset()).toBe(before);
  });

  it("we list by family, table and chain", () => {
    netns.exec("nft", "-f", file(MASQUERADE));
    const { connection } = nftables;
    const t = { family: IP4, table: "bauta_masquerade" };
    expect(listTables(connection, NFPROTO.IPV6)).toHaveLength(1);
    expect(listTables(connection, NFPROTO.BRIDGE)).toEqual([]);
    expect(listChains(connection, t).map(({ name }) => name)).toEqual(["postrouting", "outside-10.22.0.0/16"]);
    expect(listChains(connection, { table: "none" })).toEqual([]);
    expect(listSets(connection, t).map(({ name }) => name)).toEqual(["owners", "policies"]);
    expect(listRules(connection, { ...t, chain: "postrouting" })).toHaveLength(2);
    expect(listRules(connection, t)).toHaveLength(4);
    expect(listRules(connection)).toHaveLength(8);
    expect(listRules(connection, { family: NFPROTO.IPV6 })).toHaveLength(4);
    expect(listRules(connection, { ...t, chain: "none" })).toEqual([]);
    expect(listRules(connection, { ...t, table: "none" })).toEqual([]);
    expect(getTable(connection, { family: IP4, name: "none" })).toBeUndefined();
    expect(getChain(connection, { ...t, name: "none" })).toBeUndefined();
    expect(getSet(connection, { ...t, name: "none" })).toBeUndefined();
    expect(getSet(connection, { ...t, name: "owners" })).toMatchObject({
      ...address,
      dataType: TYPE.IP6ADDR,
      dataLength: 16,
      flags: NFT_SET.MAP,
    });
    expect(getElement(connection, { ...t, set: "owners" }, ip("10.22.0.5"))).toMatchObject({
      data: ip("fd12:3456::1"),
      comment: "dual c1 eth0 10.22.0.0/16",
    });
    expect(getElement(connection, { ...t, set: "owners" }, ip("10.22.0.6"))).toBeUndefined();
    expect(getElement(connection, { ...t, set: "none" }, ip("10.22.0.6"))).toBeUndefined();
  });
});

describe("the verbs", () => {
  const chain = { ...T, chain: "c" };
  const set = { ...T, name: "s", ...address };
  beforeEach(() => {
    nftables.commit([addTable(TABLE), addChain({ ...T, name: "c" }), addSet(set)]);
  });

  const one: Element = { key: ip("10.0.0.1") };
  const elements = { ...T, set: "s", elements: [one] };

  it("add leaves what exists", () => {
    nftables.commit([addTable(TABLE), addChain({ ...T, name: "c" }), addSet(set), ...addElements(elements)]);
    nftables.commit(addElements(elements));
    expect(listElements(nftables.connection, elements)).toHaveLength(1);
  });

  it.each<readonly [string, readonly Command[], string]>([
    ["create table", [createTable(TABLE)], "cannot create table ip t: EEXIST"],
    ["create chain", [createChain({ ...T, name: "c" })], "cannot create chain ip t c: EEXIST"],
    ["create set", [createSet(set)], "cannot create set ip t s: EEXIST"],
    [
      "create element",
      [...addElements(elements), ...createElements(elements)],
      "cannot create element ip t s { 10.0.0.1 }: EEXIST",
    ],
    ["delete table", [deleteTable({ ...TABLE, name: "u" })], "cannot delete table ip u: ENOENT"],
    ["delete chain", [deleteChain({ ...T, name: "d" })], "cannot delete chain ip t d: ENOENT"],
    ["delete set", [deleteSet({ ...T, name: "r" })], "cannot delete set ip t r: ENOENT"],
    ["delete element", deleteElements(elements), "cannot delete element ip t s { 10.0.0.1 }: ENOENT"],
    ["delete rule", [deleteRule({ ...chain, handle: 99n })], "cannot delete rule ip t c handle 99: ENOENT"],
    ["flush chain", [flushChain({ ...chain, chain: "d" })], "cannot flush chain ip t d: ENOENT"],
    ["flush set", [flushSet({ ...T, set: "r" })], "cannot flush set ip t r: ENOENT"],
    [
      "add rule to a chain that is not there",
      [addRule({ ...chain, chain: "d", expressions: statement.accept() })],
      "cannot add rule ip t d: ENOENT",
    ],
  ])("%s tells that it can't, naming the operation", (_, commands, message) => {
    const before = ruleset();
    expect(() => nftables.commit(commands)).toThrow(message);
    expect(ruleset()).toBe(before);
  });

  it("destroy is content whether or not there is something to destroy", () => {
    nftables.commit(addElements(elements));
    for (let i = 0; i < 2; i++) nftables.commit(destroyElements(elements));
    expect(listElements(nftables.connection, elements)).toEqual([]);
    for (let i = 0; i < 2; i++) nftables.commit([...destroyChain({ ...T, name: "c" }), ...destroySet(set)]);
    expect(ruleset().replaceAll(/\s/g, "")).toBe("tableipt{}");
    for (let i = 0; i < 2; i++) nftables.commit(destroyTable(TABLE));
    expect(ruleset()).toBe("");
  });

  it("destroy takes base chains away, too", () => {
    const base = { type: "nat", hook: NF_INET.POST_ROUTING, priority: NF_IP_PRI.NAT_SRC, policy: NF.DROP };
    nftables.commit([addChain({ ...T, name: "base", ...base })]);
    nftables.commit(destroyChain({ ...T, name: "base" }));
    expect(getChain(nftables.connection, { ...T, name: "base" })).toBeUndefined();
  });

  it("insert, add, replace and delete rules at their places", () => {
    const marked = (mark: number): RuleChain & { expressions: ReturnType<typeof match.metaMark> } => ({
      ...chain,
      expressions: match.metaMark(mark),
    });
    nftables.commit([addRule(marked(2)), addRule(marked(4)), insertRule(marked(1))]);
    const handles = listRules(nftables.connection, chain).map(({ handle }) => handle);
    nftables.commit([
      addRule({ ...marked(3), ...(handles[1] === undefined ? {} : { position: handles[1] }) }),
      replaceRule({ ...marked(9), handle: handles[0] ?? 0n }),
      deleteRule({ ...chain, handle: handles[2] ?? 0n }),
    ]);
    expect(netns.exec("nft", "list", "chain", "ip", "t", "c").match(/mark 0x\d+/g)).toEqual([
      "mark 0x00000009",
      "mark 0x00000002",
      "mark 0x00000003",
    ]);
    nftables.commit([flushChain(chain)]);
    expect(listRules(nftables.connection, chain)).toEqual([]);
  });

  it("flush a set", () => {
    nftables.commit([...addElements(elements), flushSet(elements)]);
    expect(listElements(nftables.connection, elements)).toEqual([]);
  });

  it("map to named objects", () => {
    netns.exec("nft", "add counter ip t n");
    const map = { ...T, name: "o", ...address, objectType: NFT_OBJECT.COUNTER };
    nftables.commit([addSet(map), ...addElements({ ...T, set: "o", elements: [{ ...one, object: "n" }] })]);
    expect(netns.exec("nft", "list map ip t o")).toContain('10.0.0.1 : "n"');
    expect(getElement(nftables.connection, { ...T, set: "o" }, one.key)?.object).toBe("n");
  });

  it("add an element for every other key, and one with a time-out", () => {
    const timed = { ...set, name: "timed", flags: NFT_SET.TIMEOUT };
    const others = [
      { key: new Uint8Array(0), catchAll: true },
      { ...one, timeout: 3_600_000n, comment: "an hour" },
    ];
    nftables.commit([addSet(timed), ...addElements({ ...T, set: "timed", elements: others })]);
    // nft 1.0 prints elements side by side, nft 1.1 each on a line of its own.
    expect(netns.exec("nft", "list set ip t timed")).toMatch(
      /10\.0\.0\.1 timeout 1h expires \S+ comment "an hour",\s+\*/,
    );
    const read = listElements(nftables.connection, { ...T, set: "timed" });
    expect(read.find(({ catchAll }) => catchAll)).toBeDefined();
    const found = read.find(({ timeout }) => timeout === 3_600_000n);
    expect(found?.expiration).toBeLessThanOrEqual(3_600_000n);
  });
});

describe("a transaction", () => {
  const owners = { ...T, name: "owners", ...address, dataType: TYPE.IP6ADDR, dataLength: 16 };
  const owner = (id: number): Parameters<typeof addElements>[0] => ({
    ...T,
    set: "owners",
    elements: [{ key: ip("10.0.0.1"), data: new Uint8Array(16).fill(id) }],
  });

  it("deletes an element only for its owner: add and delete, without a lock", () => {
    nftables.commit([addTable(TABLE), addSet(owners), ...createElements(owner(1))]);
    expect(() => nftables.commit([addTable({ ...TABLE, name: "u" }), ...destroyElements(owner(2))])).toThrow(
      "cannot add element ip t owners { 10.0.0.1 : 202:202:202:202:202:202:202:202 }: EEXIST",
    );
    expect(getElement(nftables.connection, owner(1), ip("10.0.0.1"))?.data).toEqual(new Uint8Array(16).fill(1));
    expect(getTable(nftables.connection, { family: IP4, name: "u" })).toBeUndefined();
    nftables.commit(destroyElements(owner(1)));
    expect(getElement(nftables.connection, owner(1), ip("10.0.0.1"))).toBeUndefined();
  });

  it("makes one generation, across tables and families", () => {
    const before = nftables.generation();
    nftables.commit([...masqueradeTable(IP4), ...masqueradeTable(NFPROTO.IPV6)]);
    expect(nftables.generation()).toBe(before + 1);
  });

  it("deletes an empty set or table, and refuses one that isn't", () => {
    const set = { family: TABLE.family, table: TABLE.name, name: "s", keyType: TYPE.IPADDR, keyLength: 4 };
    const elements = {
      family: TABLE.family,
      table: TABLE.name,
      set: "s",
      elements: [{ key: Uint8Array.of(192, 0, 2, 1) }],
    };
    nftables.commit([addTable(TABLE), addSet(set), ...addElements(elements)]);
    expect(() => nftables.commit([deleteEmptySet(set)])).toThrow(/delete empty set .* s: EBUSY/);
    expect(() => nftables.commit([deleteEmptyTable(TABLE)])).toThrow(/delete empty table .*: EBUSY/);
    nftables.commit(deleteElements(elements));
    nftables.commit([deleteEmptySet(set), deleteEmptyTable(TABLE)]);
    expect(getTable(nftables.connection, TABLE)).toBeUndefined();
  });

  it("is refused when someone committed since the generation was read", () => {
    const genid = nftables.generation();
    netns.exec("nft", "add table ip other");
    expect(() => nftables.commit([addTable(TABLE)], { genid })).toThrow(/ERESTART/);
    expect(getTable(nftables.connection, TABLE)).toBeUndefined();
    nftables.commit([addTable(TABLE)], { genid: nftables.generation() });
    expect(getTable(nftables.connection, TABLE)).toBeDefined();
  });

  it("may be far larger than the default send buffer", () => {
    const elements = Array.from({ length: 20_000 }, (_, i) => ({
      key: Uint8Array.of(10, 1 + (i >> 16), (i >> 8) & 0xff, i & 0xff),
      data: new Uint8Array(16).fill(1),
      comment: "a network, a container, an interface",
    }));
    const all = { ...T, set: "owners", elements };
    nftables.commit([addTable(TABLE), addSet(owners), ...addElements(all)]);
    expect(listElements(nftables.connection, all)).toHaveLength(20_000);
    nftables.commit(deleteElements(all));
    expect(listElements(nftables.connection, all)).toEqual([]);
  });

  it("of very many commands names the first that failed", () => {
    const commands = Array.from({ length: 3000 }, (_, i) => deleteTable({ family: IP4, name: `missing${i}` }));
    expect(() => nftables.commit([addTable(TABLE), ...commands])).toThrow("cannot delete table ip missing0: ENOENT");
    expect(ruleset()).toBe("");
    nftables.commit([addTable(TABLE)]); // and nothing of the many errors is left to be read
    expect(getTable(nftables.connection, TABLE)).toBeDefined();
  });
});

describe("the monitor", () => {
  it("tells of what we and what nft commit, with the process, a generation at a time", () => {
    const monitor = Monitor.open({ netns: netns.fd });
    try {
      expect(monitor.next(false)).toBeUndefined();
      nftables.commit(masqueradeTable(IP4));
      netns.exec("nft", "delete element ip bauta_masquerade owners { 10.22.0.5 }");
      const [ours, theirs] = [monitor.next(false), monitor.next(false)];
      expect(ours?.events.map(({ kind }) => kind)).toEqual([
        "table",
        "set",
        "set",
        "chain",
        "chain",
        "rule",
        "rule",
        "rule",
        "rule",
        "elements",
        "elements",
      ]);
      // The kernel tells the id that the initial process-id namespace knows a process by: in a container it is another.
      const pid = isInInitialPidNamespace() ? process.pid : expect.any(Number);
      expect(ours).toMatchObject({ lost: false, processId: pid });
      expect(theirs).toMatchObject({ processName: "nft", generation: (ours?.generation ?? 0) + 1 });
      expect(theirs?.events).toMatchObject([
        {
          kind: "elements",
          change: "delete",
          elements: { set: "owners", elements: [{ key: ip("10.22.0.5"), comment: "dual c1 eth0 10.22.0.0/16" }] },
        },
      ]);
    } finally {
      monitor.close();
    }
  });

  it("tells that it has lost events when it was not asked for them in time", () => {
    const monitor = Monitor.open({ netns: netns.fd, receiveBuffer: 4096 });
    try {
      nftables.commit([addTable(TABLE)]);
      for (let i = 0; i < 50; i++) nftables.commit(masqueradeTable(IP4));
      let lost = false;
      for (let next = monitor.next(false); next !== undefined; next = monitor.next(false)) lost ||= next.lost;
      nftables.commit([addTable({ ...TABLE, name: "after" })]);
      for (let next = monitor.next(false); next !== undefined; next = monitor.next(false)) lost ||= next.lost;
      expect(lost).toBe(true);
    } finally {
      monitor.close();
    }
  });
});
