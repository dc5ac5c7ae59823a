import { describe, expect, it } from "vitest";
import { FakeNftables } from "../../test/support/fake-nftables/fake-nftables.ts";
import type { Attachment } from "../cni/attachment.ts";
import { addChain, deleteChain } from "../nftables/chain.ts";
import { deleteElements } from "../nftables/element.ts";
import type { Command } from "../nftables/message.ts";
import { flushChain } from "../nftables/rule.ts";
import { parseMac } from "../wire/mac.ts";
import { type GuardedPort, guardOf } from "./guard.ts";
import { collectGuards, faultsOf, removeGuards, setUpGuard } from "./mac-spoof.ts";
import { PORTS, TABLE } from "./table.ts";

const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const port = (n: number): GuardedPort => ({
  port: `veth${n}`,
  mac: parseMac(`0a:00:00:00:00:0${n}`) ?? new Uint8Array(6),
});

const INTABLE = { family: TABLE.family, table: TABLE.name } as const;
const CREATE_ELEMENTS = [12, 12, 12]; // NFT_MSG_NEWSETELEM, one for each of the three sets

function node(...guarded: readonly number[]) {
  const fake = new FakeNftables();
  const nft = fake.open();
  const setUp = (n: number): void => setUpGuard(nft, at(`c${n}`), port(n));
  const tearDown = (n: number): void => removeGuards(nft, at(`c${n}`));
  const others = (...commands: readonly Command[]): void => fake.open().commit(commands);
  for (const n of guarded) setUp(n);
  return { fake, nft, setUp, tearDown, others, faults: (n: number) => faultsOf(nft, at(`c${n}`), port(n)) };
}

describe("ADD", () => {
  it("makes the table with the first guard", () => {
    expect(
      node(1)
        .fake.text()
        .replaceAll("\t", "  ")
        .replace(/\{ [0-9a-f:]+ comment/, "{ ID comment"),
    ).toBe(`table bridge bauta_macspoofchk {
  comment "MAC addresses that containers may send under"
  map attachments {
    type ipv6_addr : ifname . ether_addr
    elements = { ID comment "net eth0 c1" : "veth1" . 0a:00:00:00:00:01 }
  }

  map ports {
    type ifname : verdict
    elements = { "veth1" : goto guarded }
  }

  set allowed {
    type ifname . ether_addr
    elements = { "veth1" . 0a:00:00:00:00:01 }
  }

  chain guarded {
    iifname . ether saddr @allowed accept
    counter packets 0 bytes 0 drop
  }

  chain prerouting {
    type filter hook prerouting priority dstnat; policy accept;
    iifname vmap @ports
  }
}
`);
  });

  it("adds three elements, and nothing else, where the table is there", () => {
    const { fake, setUp } = node(1);
    setUp(2);
    expect(fake.transactions.at(-1)).toEqual(CREATE_ELEMENTS);
  });

  it("replaces the guard of an attachment that was never torn down, and takes a port's name over", () => {
    const { nft, faults, setUp } = node(1);
    setUpGuard(nft, at("c1"), port(2));
    expect(faultsOf(nft, at("c1"), port(2))).toEqual([]);
    setUp(2);
    expect(faults(2)).toEqual([]);
    expect(faultsOf(nft, at("c1"), port(2))).toEqual(["the element of map attachments is missing"]);
  });

  it("makes what is missing of the table, and leaves the guards of others", () => {
    const { others, setUp, faults } = node(1);
    others(flushChain({ ...INTABLE, chain: "guarded" }), deleteChain({ ...INTABLE, name: "prerouting" }));
    expect(faults(1)).toEqual([
      "chain guarded of table bridge bauta_macspoofchk has been altered",
      "chain prerouting of table bridge bauta_macspoofchk is missing",
    ]);
    // The elements alone would be added although the table is broken; a leftover makes it look.
    setUp(1);
    setUp(2);
    expect([faults(1), faults(2)]).toEqual([[], []]);
  });

  it("begins again where somebody else has made the table in between", () => {
    const { fake, faults, setUp } = node();
    fake.before = () => setUpGuard(fake.open(), at("c2"), port(2));
    setUp(1);
    expect([faults(1), faults(2)]).toEqual([[], []]);
  });
});

describe("DEL", () => {
  it("takes its own guard, and with the last one the table", () => {
    const { fake, faults, tearDown } = node(1, 2);
    tearDown(1);
    expect(faults(2)).toEqual([]);
    expect(fake.text()).not.toContain("veth1");
    tearDown(2);
    expect(fake.text()).toBe("");
    tearDown(2);
    expect(fake.text()).toBe("");
  });

  it("takes what is left of a guard that somebody has taken to pieces", () => {
    const { fake, others, tearDown } = node(1, 2);
    others(...deleteElements({ ...PORTS, elements: [{ key: guardOf(at("c1"), port(1)).port }] }));
    tearDown(1);
    expect(fake.text()).not.toContain("veth1");
  });

  it("leaves the table where it has something that is not ours", () => {
    const { fake, others, tearDown } = node(1);
    others(addChain({ ...INTABLE, name: "theirs" }));
    tearDown(1);
    expect(fake.text()).toBe("");
  });
});

describe("GC", () => {
  it("removes the guards of attachments that are not valid any more", () => {
    const { nft, fake, faults } = node(1, 2, 3);
    collectGuards(nft, "net", [at("c2")]);
    expect(faults(2)).toEqual([]);
    expect(fake.text()).not.toMatch(/veth[13]/);
    collectGuards(nft, "other", []);
    expect(faults(2)).toEqual([]);
  });
});
