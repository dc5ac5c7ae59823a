// Attachments from ADD to DEL, on the fake nf_tables: what is committed, and what the tables say.

import { beforeEach, describe, expect, it } from "vitest";
import { FakeNftables } from "../../test/support/fake-nftables/fake-nftables.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import type { Attachment } from "../cni/attachment.ts";
import { addChain, deleteChain } from "../nftables/chain.ts";
import { addElements, deleteElements } from "../nftables/element.ts";
import { ifnameKey } from "../nftables/match.ts";
import type { Command } from "../nftables/message.ts";
import { addRule, flushChain } from "../nftables/rule.ts";
import { drop } from "../nftables/statement.ts";
import { attachmentId } from "../owned/id.ts";
import { parseIp } from "../wire/ip.ts";
import { bridgeChain, isolatingPolicies } from "./bridge.ts";
import { claim } from "./claim.ts";
import { holdingFaults } from "./faults.ts";
import { listInventory } from "./inventory.ts";
import { records } from "./records.ts";
import { removeHolding, searchAddresses } from "./release.ts";
import { restoreTables } from "./restore.ts";
import { segmentChain, segmentOf } from "./segment.ts";
import { ATTACHMENTS, BRIDGES, ISOLATED, inTable, OWNERS } from "./table.ts";
import type { IngressPolicy, Protection } from "./wanted.ts";

beforeEach(() => {
  Reflect.set(records, "directory", `${temporaryDirectory()}/firewall`);
});

const at = (containerId: string, network = "net"): Attachment => ({ network, containerId, ifname: "eth0" });

/** What the container with this number asks for, on br0. */
function protection(n: number, policy: IngressPolicy = "open", more: Partial<Protection> = {}): Protection {
  const addresses = [`10.0.0.${n}`, `fd00::${n}`].map((text) => parseIp(text) ?? new Uint8Array(4));
  const own = { addresses, bridge: "br0", port: `veth${n}`, policy, backend: undefined };
  return { ...own, adminChain: "CNI-ADMIN", zone: "trusted", ...more };
}

function node() {
  const fake = new FakeNftables();
  const nft = fake.open();
  const { connection } = nft;
  return {
    fake,
    nft,
    connection,
    add(attachment: Attachment, wanted: Protection): void {
      records.write({ attachment, ...wanted });
      claim(nft, attachment, wanted);
    },
    remove(attachment: Attachment, known: Pick<Protection, "addresses" | "port">): void {
      records.forget(attachmentText(attachment));
      removeHolding(nft, attachmentId(attachment), known);
    },
    faults: (attachment: Attachment, wanted: Protection) => holdingFaults(connection, attachment, wanted),
    states: (): string[] =>
      listInventory(connection).attachments.flatMap(({ name, items }) =>
        items.map(({ address, policy, state }) => `${name.containerId} ${address} ${policy} ${state}`),
      ),
    others: (...commands: readonly Command[]) => fake.open().commit(commands),
    /** With S1, S2 … for the ids of segments, and ID for those of attachments. */
    text(...segments: readonly Uint8Array[]): string {
      const named = segments.reduce(
        (text, id, i) => text.replaceAll(segmentChain(id), `segment-S${i + 1}`),
        fake.text().replaceAll("\t", "  "),
      );
      return named.replaceAll(/\b[0-9a-f]{1,4}(:[0-9a-f]{0,4}){5,7}\b/g, "ID");
    },
  };
}

const attachmentText = (attachment: Attachment): string => Buffer.from(attachmentId(attachment)).toString("hex");

describe("ADD", () => {
  it("makes both tables with the first isolated attachment", () => {
    const { add, text } = node();
    const wanted = protection(2, "isolated");
    add(at("c1"), wanted);
    expect(text(segmentOf("net", wanted).id)).toMatchInlineSnapshot(`
      "table inet bauta_firewall {
        comment "what containers may send and get"
        map attachments {
          type ipv6_addr : verdict
          elements = { ID comment "net eth0 c1" : goto segment-S1 }
        }

        map owners4 {
          type ipv4_addr : ipv6_addr
          elements = { 10.0.0.2 comment "net eth0 10.0.0.2 c1" : ID }
        }

        map owners6 {
          type ipv6_addr : ipv6_addr
          elements = { fd00::2 comment "net eth0 fd00::2 c1" : ID }
        }

        map segments {
          type ipv6_addr : ifname . ifname
          elements = { ID : "br0" . "isolated" }
        }

        map bridges {
          type ifname : verdict
          elements = { "br0" : jump bridge-br0 }
        }

        set isolated {
          type ifname
          elements = { "br0" }
        }

        chain forward {
          type filter hook forward priority -10; policy accept;
          iifname vmap @bridges
        }

        chain CNI-ADMIN {
          type filter hook forward priority -9; policy accept;
        }

        chain segment-S1 {
          oifname @isolated counter packets 0 bytes 0 drop
        }

        chain bridge-br0 {
          jump segment-S1
        }
      }
      table bridge bauta_firewall {
        comment "ports of bridges that don't reach each other"
        map ports {
          type ifname : ipv6_addr
          elements = { "veth2" comment "net eth0 c1" : ID }
        }

        set isolated {
          type ifname
          elements = { "veth2" }
        }

        chain forward {
          type filter hook forward priority filter; policy accept;
          iifname @isolated oifname @isolated counter packets 0 bytes 0 drop
        }
      }
      "
    `);
  });

  it("takes nothing but elements where the segment is there", () => {
    const { add, fake } = node();
    for (const [n, policy] of [
      [2, "open"],
      [4, "isolated"],
    ] as const) {
      const network = `n-${policy}`;
      add(at("c1", network), protection(n, policy, { bridge: network }));
      const before = fake.transactions.length;
      add(at("c2", network), protection(n + 1, policy, { bridge: network }));
      const made = fake.transactions.slice(before);
      expect([made.length, new Set(made.flat())]).toEqual([1, new Set([12])]); // NFT_MSG_NEWSETELEM
    }
  });

  it("gives the segment the latest policy, and the ports of all on it follow", () => {
    const { add, connection, faults, text } = node();
    add(at("c1"), protection(2, "open"));
    expect([isolatingPolicies(connection, "br0"), text().includes("table bridge")]).toEqual([[], false]);
    add(at("c2"), protection(3, "isolated"));
    expect(isolatingPolicies(connection, "br0")).toEqual(["isolated"]);
    for (const port of ["veth2", "veth3"]) expect(text()).toContain(`"${port}"`);
    expect(faults(at("c1"), protection(2, "isolated"))).toEqual([]);
    expect(faults(at("c1"), protection(2, "open"))).toContain("the segment's ingress policy is isolated, not open");
    add(at("c1"), protection(2, "same-bridge"));
    expect([isolatingPolicies(connection, "br0"), text().includes("table bridge")]).toEqual([["same-bridge"], false]);
    expect(faults(at("c2"), protection(3, "same-bridge"))).toEqual([]);
  });

  it("drops what either of two networks on a bridge forbids", () => {
    const { add, remove, connection } = node();
    add(at("c1", "a"), protection(2, "same-bridge"));
    add(at("c2", "b"), protection(3, "isolated"));
    add(at("c3", "c"), protection(4, "open"));
    expect(isolatingPolicies(connection, "br0").sort()).toEqual(["isolated", "same-bridge"]);
    remove(at("c2", "b"), protection(3));
    expect(isolatingPolicies(connection, "br0")).toEqual(["same-bridge"]);
  });

  it("makes an address the later attachment's", () => {
    const { add, remove, faults, states } = node();
    add(at("old"), protection(2));
    add(at("new"), protection(2, "open", { port: "veth9" }));
    expect(faults(at("new"), protection(2, "open", { port: "veth9" }))).toEqual([]);
    expect(states().filter((one) => one.startsWith("old"))).toEqual([
      "old 10.0.0.2 firewall open taken",
      "old fd00::2 firewall open taken",
    ]);
    remove(at("old"), protection(2));
    expect(faults(at("new"), protection(2, "open", { port: "veth9" }))).toEqual([]);
  });
});

describe("DEL", () => {
  it("leaves others alone, and takes the tables with the last", () => {
    const { add, remove, faults, fake } = node();
    const [one, two] = [protection(2, "isolated"), protection(3, "isolated")];
    add(at("c1"), one);
    add(at("c2"), two);
    remove(at("c1"), one);
    expect(faults(at("c2"), two)).toEqual([]);
    expect(fake.text()).not.toContain('"veth2"');
    remove(at("c1"), one);
    remove(at("c2"), two);
    expect(fake.text()).toBe("");
  });

  it("keeps the table while an administrator has rules in it", () => {
    const { add, remove, others, fake } = node();
    add(at("c1"), protection(2, "same-bridge"));
    const rule = { family: inTable.family, table: inTable.table, chain: "CNI-ADMIN", expressions: drop() };
    others(addRule(rule));
    remove(at("c1"), protection(2));
    expect(fake.text()).toContain("chain CNI-ADMIN");
    expect(fake.text()).not.toMatch(/chain (segment|bridge)-|elements/);
  });

  it("finds the addresses of an attachment that no record tells of", () => {
    const { add, connection } = node();
    add(at("c1"), protection(2));
    add(at("c2"), protection(3));
    const found = searchAddresses(connection, attachmentId(at("c1")));
    expect(found.map((ip) => Buffer.from(ip).toString("hex"))).toEqual(["0a000002", `fd00${"0".repeat(27)}2`]);
  });
});

describe("CHECK and bauta restore", () => {
  const wanted = protection(2, "isolated");
  const id = attachmentId(at("c1"));
  const segment = segmentOf("net", wanted);
  const chain = { ...inTable, name: segmentChain(segment.id), chain: segmentChain(segment.id) };
  const bridge = { ...bridgeChain("br0"), chain: bridgeChain("br0").name };
  const key = ifnameKey("br0");
  const [ip = new Uint8Array(4)] = wanted.addresses;

  it.each<readonly [string, string, readonly Command[]]>([
    [
      "the attachment's element",
      "the element of map attachments is missing",
      deleteElements({ ...ATTACHMENTS, elements: [{ key: id }] }),
    ],
    ["an address", "10.0.0.2 is missing in map owners4", deleteElements({ ...OWNERS[4], elements: [{ key: ip }] })],
    ["the rules of the segment", "chain", [flushChain(chain)]],
    ["the bridge's element", "map bridges does not lead br0", deleteElements({ ...BRIDGES, elements: [{ key }] })],
    [
      "the bridge among the isolated",
      "set isolated does not have br0",
      deleteElements({ ...ISOLATED, elements: [{ key }] }),
    ],
    ["the bridge's rules", "does not lead to chain segment-", [flushChain(bridge)]],
    [
      "the administrator's chain",
      "the administrator's chain CNI-ADMIN is missing",
      [deleteChain({ ...inTable, name: "CNI-ADMIN" })],
    ],
    [
      "the hook of the administrator's chain",
      "CNI-ADMIN is not at the hook",
      [deleteChain({ ...inTable, name: "CNI-ADMIN" }), addChain({ ...inTable, name: "CNI-ADMIN" })],
    ],
  ])("see that %s has gone", (what, text, commands) => {
    const { add, others, faults, nft } = node();
    add(at("c1"), wanted);
    expect(faults(at("c1"), wanted)).toEqual([]);
    others(...commands);
    expect(faults(at("c1"), wanted).join("; ")).toContain(text);
    const { problems } = restoreTables(nft);
    const isAnAdministrators = what.startsWith("the hook");
    expect([problems, faults(at("c1"), wanted).length]).toEqual([[], isAnAdministrators ? 1 : 0]);
  });

  it("see that an address is another's", () => {
    const { add, others, faults, nft } = node();
    add(at("c1"), wanted);
    others(
      ...deleteElements({ ...OWNERS[4], elements: [{ key: ip }] }),
      ...addElements({ ...OWNERS[4], elements: [{ key: ip, data: new Uint8Array(16) }] }),
    );
    expect(faults(at("c1"), wanted)).toEqual(["10.0.0.2 has another owner in map owners4"]);
    restoreTables(nft);
    expect(faults(at("c1"), wanted)).toEqual([]);
  });

  it("put everything back into an empty kernel", () => {
    const first = node();
    for (const [n, policy] of [
      [2, "isolated"],
      [3, "same-bridge"],
      [4, "open"],
    ] as const) {
      first.add(at(`c${n}`, policy), protection(n, policy, { bridge: `br${n}` }));
    }
    const second = node();
    expect(restoreTables(second.nft)).toMatchObject({ restored: 3, problems: [] });
    // Chains may come in another order.
    const lines = ({ fake }: typeof first): string[] => fake.text().split("\n").sort();
    expect(lines(second)).toEqual(lines(first));
    expect(restoreTables(second.nft)).toMatchObject({ restored: 0, mended: [] });
  });
});
