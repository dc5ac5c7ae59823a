// The nf_tables of unit tests (test/support/fake-nftables) beside the kernel's: the same commands, the same rule set in nft's
// words, the same errors.

import { beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { guardOf } from "../../src/mac-spoof/guard.ts";
import { removeGuards, setUpGuard } from "../../src/mac-spoof/mac-spoof.ts";
import { ALLOWED, GUARDED, PORTS, TABLE, table } from "../../src/mac-spoof/table.ts";
import { addAddresses, deleteOwned } from "../../src/masquerade/nftables/elements.ts";
import { createNetwork } from "../../src/masquerade/nftables/networks.ts";
import { policyFor } from "../../src/masquerade/nftables/policy.ts";
import { createPolicy, policyFaults } from "../../src/masquerade/nftables/policy-chains.ts";
import { TABLES } from "../../src/masquerade/nftables/tables.ts";
import { addChain, createChain, deleteChain, getChain } from "../../src/nftables/chain.ts";
import { addElements, createElements, deleteElements, getElement, listElements } from "../../src/nftables/element.ts";
import type { Command } from "../../src/nftables/message.ts";
import { Nftables } from "../../src/nftables/nftables.ts";
import { addRule, deleteRule, insertRule, listRules, replaceRule } from "../../src/nftables/rule.ts";
import { addSet, createSet, deleteEmptySet, deleteSet, getSet } from "../../src/nftables/set.ts";
import { accept, drop } from "../../src/nftables/statement.ts";
import { addTable, createTable, deleteEmptyTable, deleteTable, getTable } from "../../src/nftables/table.ts";
import { NFT_VERDICT } from "../../src/nftables/uapi.ts";
import { attachmentId } from "../../src/owned/id.ts";
import { hasCode } from "../../src/sys/error.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { parseCidr, parseIp } from "../../src/wire/ip.ts";
import { parseMac } from "../../src/wire/mac.ts";
import { FakeNftables } from "../support/fake-nftables/fake-nftables.ts";
import { run } from "../support/netns.ts";

beforeEach(() => unshareNetns());

/** The text with the elements of each set on one line, in order. */
function inOrder(text: string): string {
  return text.replace(/elements = \{([^}]*)\}/g, (_, all: string) => {
    const elements = all.split(",").map((one) => one.trim().replaceAll(/\s+/g, " "));
    return `elements = { ${elements.sort().join(", ")} }`;
  });
}

/** What came of a step: the error's name where it was refused. */
type Step = (nft: Nftables) => void;

function outcome(nft: Nftables, step: Step): string {
  try {
    step(nft);
    return "done";
  } catch (error) {
    const known = ["ENOENT", "EEXIST", "EBUSY", "ERESTART", "EINVAL", "EOPNOTSUPP"] as const;
    return known.find((code) => hasCode(error, code)) ?? String(error);
  }
}

function compare(steps: Readonly<Record<string, Step>>): void {
  const fake = new FakeNftables();
  const [real, unreal] = [Nftables.open(), fake.open()];
  for (const [name, step] of Object.entries(steps)) {
    expect([name, outcome(unreal, step)]).toEqual([name, outcome(real, step)]);
    expect(inOrder(fake.text()), name).toBe(inOrder(run("nft", "list", "ruleset")));
  }
  real.close();
}

const commit = (...commands: readonly Command[]): Step => {
  return (nft) => nft.commit(commands);
};

const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const mac = parseMac("0a:00:00:00:00:01") ?? new Uint8Array(6);
const INTABLE = { family: TABLE.family, table: TABLE.name } as const;
const ip = (text: string): Uint8Array => parseIp(text) ?? new Uint8Array(4);

describe("the same as the kernel", () => {
  it("for guards of macspoofchk", () => {
    const guard = guardOf(at("c1"), { port: "veth1", mac });
    const goto = { code: NFT_VERDICT.GOTO, chain: GUARDED };
    compare({
      "a first guard": (nft) => setUpGuard(nft, at("c1"), { port: "veth1", mac }),
      "a second": (nft) => setUpGuard(nft, at("c2"), { port: "veth2", mac }),
      "a port of the same name": (nft) => setUpGuard(nft, at("c3"), { port: "veth2", mac }),
      "the table again": commit(...table.create()),
      "an element again": commit(...createElements({ ...ALLOWED, elements: [{ key: guard.allowed }] })),
      "an element added again": commit(...addElements({ ...ALLOWED, elements: [{ key: guard.allowed }] })),
      "an element with another verdict": commit(
        addChain({ ...INTABLE, name: "other" }),
        ...addElements({ ...PORTS, elements: [{ key: guard.port, data: { ...goto, chain: "other" } }] }),
      ),
      "a verdict to no chain": commit(
        ...addElements({
          ...PORTS,
          elements: [{ key: guardOf(at("x"), { port: "x", mac }).port, data: { ...goto, chain: "no" } }],
        }),
      ),
      "a chain in use": commit(deleteChain({ ...INTABLE, name: GUARDED })),
      "a set in use": commit(deleteSet({ ...INTABLE, name: PORTS.set })),
      "a table in use": commit(deleteEmptyTable(TABLE)),
      "an element that is not there": commit(
        ...deleteElements({ ...ALLOWED, elements: [{ key: new Uint8Array(24) }] }),
      ),
      "one leaves": (nft) => removeGuards(nft, at("c1")),
      "the last leaves": (nft) => removeGuards(nft, at("c3")),
    });
  });

  it("for masquerade", () => {
    const cidr = parseCidr("10.1.0.5/16") ?? { ip: ip("10.1.0.5"), prefixLength: 16 };
    const policy = policyFor(cidr);
    const holding = { ...cidr, chain: policy.chain, isStrict: false };
    const id = attachmentId(at("c1"));
    const inner = policyFor({ ip: ip("10.1.2.0"), prefixLength: 24 });
    compare({
      "the tables": commit(...TABLES[4].create(), ...TABLES[6].create()),
      "a policy": commit(...createPolicy(4, policy)),
      "a network again": commit(...createNetwork(4, policy.chain)),
      "a network inside of another": commit(...createPolicy(4, inner)),
      "an address": commit(...addAddresses(4, [{ ...holding, id, comment: "net eth0 10.1.0.5/16 c1" }])),
      "the address of another": commit(...addAddresses(4, [{ ...holding, id: attachmentId(at("c2")), comment: "x" }])),
      faults: (nft) => expect([...TABLES[4].faults(nft.connection), ...policyFaults(nft, 4, policy)]).toEqual([]),
      "a guarded removal of another's": commit(...deleteOwned(4, attachmentId(at("c2")), [holding])),
      "a guarded removal": commit(...deleteOwned(4, id, [holding])),
      "a table that is not empty": commit(...TABLES[6].removeEmpty(), deleteEmptyTable(TABLES[4].name)),
      "a table": commit(...TABLES[6].removeEmpty(), deleteTable(TABLES[4].name)),
    });
  });

  it("for rules, sets and chains one by one", () => {
    const where = { family: 2, table: "t" } as const;
    const rules = { ...where, chain: "c" };
    const handle = (nft: Nftables, nth: number): bigint => listRules(nft.connection, rules)[nth]?.handle ?? 0n;
    const set = { ...where, name: "s", keyType: 7, keyLength: 4 };
    compare({
      "no table": commit(addChain({ ...where, name: "c" })),
      "a table": commit(createTable({ family: 2, name: "t", comment: "a comment" }), addChain({ ...where, name: "c" })),
      "a table again": commit(createTable({ family: 2, name: "t" })),
      dormant: commit(addTable({ family: 2, name: "t", flags: 1 })),
      awake: commit(addTable({ family: 2, name: "t", flags: 0 })),
      "a chain again": commit(createChain({ ...where, name: "c" })),
      "rules in order": commit(
        addRule({ ...rules, expressions: accept(), comment: "last" }),
        insertRule({ ...rules, expressions: drop() }),
      ),
      "a rule replaced": (nft) =>
        nft.commit([replaceRule({ ...rules, handle: handle(nft, 0), expressions: accept() })]),
      "a rule deleted": (nft) => nft.commit([deleteRule({ ...rules, handle: handle(nft, 1) })]),
      "a rule that is not there": commit(deleteRule({ ...rules, handle: 4711n })),
      "a set": commit(createSet(set), ...addElements({ ...where, set: "s", elements: [{ key: ip("10.0.0.1") }] })),
      "a set again": commit(addSet(set)),
      "a set with elements": commit(deleteEmptySet(set)),
      "half of a transaction": commit(addChain({ ...where, name: "new" }), deleteChain({ ...where, name: "none" })),
      "another generation": (nft) => nft.commit([addChain({ ...where, name: "new" })], { genid: nft.generation() - 1 }),
      "this generation": (nft) => nft.commit([addChain({ ...where, name: "new" })], { genid: nft.generation() }),
      "a try": (nft) => nft.tryOut([addChain({ ...where, name: "tried" })]),
      "questions about nothing": ({ connection }) => {
        expect(getTable(connection, { family: 10, name: "t" })).toBeUndefined();
        expect(getChain(connection, { ...where, name: "none" })).toBeUndefined();
        expect(getSet(connection, { ...set, name: "none" })).toBeUndefined();
        expect(getElement(connection, { ...where, set: "s" }, ip("10.0.0.9"))).toBeUndefined();
        expect(getElement(connection, { ...where, set: "s" }, ip("10.0.0.1"))?.key).toEqual(ip("10.0.0.1"));
        expect(getChain(connection, { ...where, name: "c" })?.use).toBe(1);
        expect(getTable(connection, { family: 2, name: "t" })?.use).toBe(3);
      },
      "elements of no set": ({ connection }) => void listElements(connection, { ...where, set: "none" }),
    });
  });
});
