// An address from its ADD to its DEL, on the fake nf_tables: what is committed, and what the tables say.

import { beforeEach, describe, expect, it } from "vitest";
import { FakeNftables } from "../../../test/support/fake-nftables/fake-nftables.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import type { Attachment } from "../../cni/attachment.ts";
import { deleteTable } from "../../nftables/table.ts";
import { type Cidr, parseCidr } from "../../wire/ip.ts";
import { PLAIN } from "../options/options.ts";
import { faultsOf } from "./check.ts";
import { claim } from "./claim.ts";
import { takeInventory } from "./inventory.ts";
import { records } from "./records.ts";
import { release } from "./release.ts";
import { restore } from "./restore.ts";
import { TABLES } from "./tables.ts";

beforeEach(() => {
  Reflect.set(records, "directory", `${temporaryDirectory()}/masquerade`);
});

const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const cidrs = (...texts: readonly string[]): Cidr[] =>
  texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
const dual = (n: number): Cidr[] => cidrs(`10.1.0.${n}/16`, `fd00:1::${n}/64`);
const NEW_ELEMENTS = 12; // NFT_MSG_NEWSETELEM

function node() {
  const fake = new FakeNftables();
  const nft = fake.open();
  return {
    fake,
    nft,
    add: (name: string, addresses: readonly Cidr[]): void => claim(nft, at(name), addresses, PLAIN),
    del: (name: string): void => release(nft, at(name), []),
    faults: (name: string, addresses: readonly Cidr[]): string[] => faultsOf(nft, at(name), addresses, PLAIN),
    states: (): string[] =>
      takeInventory(nft).attachments.flatMap(({ name, items }) =>
        items.map(({ address, state }) => `${name.containerId} ${address} ${state}`),
      ),
  };
}

describe("an address under masquerade", () => {
  it("has its table, its policy and its three elements", () => {
    const { add, fake, faults } = node();
    add("c1", cidrs("10.1.0.5/16"));
    expect(faults("c1", cidrs("10.1.0.5/16"))).toEqual([]);
    const text = fake.text().replaceAll("\t", "  ");
    expect(text.replace(/: [0-9a-f:]{20,} }/, ": ID }")).toBe(`table ip bauta_masquerade {
  comment "IP masquerade of containers; see bauta list"
  map owners {
    type ipv4_addr : ipv6_addr
    elements = { 10.1.0.5 comment "net eth0 10.1.0.5/16 c1" : ID }
  }

  map policies {
    type ipv4_addr : verdict
    elements = { 10.1.0.5 : goto outside-10.1.0.0/16 }
  }

  set members {
    type ipv4_addr
    counter
    elements = { 10.1.0.5 counter packets 0 bytes 0 }
  }

  map networks {
    type ipv4_addr : verdict
    flags interval
    elements = { 10.1.0.0/16 : goto outside-10.1.0.0/16 }
  }

  map exceptions {
    type ipv4_addr : verdict
    counter
  }

  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip daddr 224.0.0.0/4 return
    ip saddr vmap @exceptions
    ip saddr @members ip saddr vmap @networks
  }

  chain outside-10.1.0.0/16 {
    ip daddr 10.1.0.0/16 return
    counter packets 0 bytes 0 masquerade fully-random
  }
}
`);
  });

  it("takes nothing but elements where the policy is there", () => {
    const { add, fake } = node();
    add("c1", dual(1));
    add("c2", dual(2));
    expect([...new Set(fake.transactions.at(-1))]).toEqual([NEW_ELEMENTS]);
    expect(fake.transactions).toHaveLength(2);
  });

  it("goes with its attachment, and the tables go with the last", () => {
    const { add, del, fake, faults } = node();
    add("c1", dual(1));
    add("c2", dual(2));
    del("c1");
    expect([fake.text().includes("10.1.0.1 "), faults("c2", dual(2))]).toEqual([false, []]);
    del("c2");
    expect([fake.text(), records.list()]).toEqual(["", []]);
  });

  it("is taken over by a later attachment, and goes back where that one leaves first", () => {
    const { add, del, faults, states } = node();
    add("old", dual(1));
    add("new", dual(1));
    expect(faults("new", dual(1))).toEqual([]);
    expect(states()).toEqual([
      "new 10.1.0.1/16 ok",
      "new fd00:1::1/64 ok",
      "old 10.1.0.1/16 taken",
      "old fd00:1::1/64 taken",
    ]);
    del("new");
    expect([faults("old", dual(1)), states()]).toEqual([[], ["old 10.1.0.1/16 ok", "old fd00:1::1/64 ok"]]);
  });

  it("is left to the attachment that has it by now", () => {
    const { add, del, faults } = node();
    add("old", dual(1));
    add("new", dual(1));
    del("old");
    expect(faults("new", dual(1))).toEqual([]);
  });

  it("comes back from its record", () => {
    const { add, fake, nft } = node();
    add("c1", dual(1));
    add("c2", dual(2));
    const before = fake.text();
    nft.commit([deleteTable(TABLES[4].name), deleteTable(TABLES[6].name)]);
    expect(restore(nft)).toMatchObject({ restored: 4, problems: [], passedOver: [] });
    expect(fake.text()).toBe(before);
    expect(restore(nft)).toMatchObject({ restored: 0, mended: [] });
  });

  it("comes under masquerade although somebody else commits in between", () => {
    const { add, fake, faults } = node();
    fake.before = () => claim(fake.open(), at("c2"), dual(2), PLAIN);
    add("c1", dual(1));
    expect([faults("c1", dual(1)), faults("c2", dual(2))]).toEqual([[], []]);
  });
});
