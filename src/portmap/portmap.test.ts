import { describe, expect, it } from "vitest";
import { FakeNftables } from "../../test/support/fake-nftables/fake-nftables.ts";
import type { Attachment } from "../cni/attachment.ts";
import { addChain, deleteChain } from "../nftables/chain.ts";
import { createElements, deleteElements } from "../nftables/element.ts";
import type { Command } from "../nftables/message.ts";
import { flushChain } from "../nftables/rule.ts";
import { NFT_VERDICT } from "../nftables/uapi.ts";
import { parseIp } from "../wire/ip.ts";
import { faultsOf } from "./check.ts";
import { entryName, partsOf } from "./elements.ts";
import { NO_CONDITIONS, type Publication, parseMapping } from "./mapping.ts";
import { publish } from "./publish.ts";
import { ANY_ADDRESS, chainIn, EXCEPTIONS, OWNERS, PORTS, setIn } from "./table-names.ts";
import { takenError } from "./taken.ts";
import { staleIds, withdraw, withdrawByIds } from "./withdraw.ts";

const at = (containerId: string, network = "net", ifname = "eth0"): Attachment => ({ network, containerId, ifname });

const IPS = { 4: "10.0.0.", 6: "fd00::" } as const;

/** What the container with this number publishes, as records have it; on cni0, with addresses of the families. */
function publication(n: number, mappings: readonly string[], more: Partial<Publication> = {}): Publication {
  const containers = ([4, 6] as const).map((family) => {
    const ip = parseIp(`${IPS[family]}${n}`);
    if (ip === undefined) throw new Error(`no address for ${n}`);
    return { ip, prefixLength: family === 4 ? 24 : 64, link: "cni0" };
  });
  const parsed = mappings.map((text) => {
    const mapping = parseMapping(text);
    if (mapping === undefined) throw new Error(text);
    return mapping;
  });
  return { containers, mappings: parsed, snat: true, masqAll: false, conditions: NO_CONDITIONS, ...more };
}

function node() {
  const fake = new FakeNftables();
  const nft = fake.open();
  const refuse = (taken: Parameters<typeof takenError>[0]): never => {
    throw takenError(taken);
  };
  return {
    fake,
    nft,
    add: (attachment: Attachment, wanted: Publication) => publish(nft, attachment, wanted, refuse),
    remove: (attachment: Attachment, known?: Publication) => withdraw(nft, attachment, known),
    faults: (attachment: Attachment, wanted: Publication) => faultsOf(nft, attachment, wanted),
    others: (...commands: readonly Command[]) => fake.open().commit(commands),
    text: () =>
      fake
        .text()
        .replaceAll("\t", "  ")
        .replaceAll(/[0-9a-f:]{30,39}/g, "ID"),
  };
}

const onlyV4 = (one: Publication): Publication => ({ ...one, containers: one.containers.slice(0, 1) });

describe("ADD", () => {
  it("makes the table with the first attachment", () => {
    const { add, text } = node();
    add(at("c1"), onlyV4(publication(2, ["8080:80/tcp", "192.0.2.1:53:5353/udp"])));
    expect(text()).toBe(`table ip bauta_portmap {
  comment "ports that containers publish; see bauta list"
  map owners {
    type ipv6_addr : ipv4_addr
    elements = { ID comment "net eth0 c1" : 10.0.0.2 }
  }

  map counted {
    type ipv6_addr : verdict
    elements = { ID : goto attachments }
  }

  map addresses {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
    elements = { 192.0.2.1 . udp . 53 comment "net eth0 c1" : 10.0.0.2 . 5353 }
  }

  map ports {
    type inet_proto . inet_service : ipv4_addr . inet_service
    elements = { tcp . 8080 comment "net eth0 c1" : 10.0.0.2 . 80 }
  }

  map conditional_addresses {
    type ipv4_addr . inet_proto . inet_service : verdict
  }

  map conditional_ports {
    type inet_proto . inet_service : verdict
  }

  map exceptions {
    type inet_proto : verdict
    elements = { udp : goto with_exceptions }
  }

  set returning {
    type ifname . ipv4_addr
    elements = { "cni0" . 10.0.0.2 }
  }

  set pairs {
    type ipv4_addr . ipv4_addr
    elements = { 10.0.0.2 . 10.0.0.2, 127.0.0.1 . 10.0.0.2 }
  }

  set everyone {
    type ipv4_addr
  }

  chain attachments {
  }

  chain any_address {
    meta l4proto . th dport vmap @conditional_ports
    dnat ip to meta l4proto . th dport map @ports
  }

  chain with_exceptions {
    ip daddr . meta l4proto . th dport vmap @conditional_addresses
    dnat ip to ip daddr . meta l4proto . th dport map @addresses
    goto any_address
  }

  chain published {
    meta l4proto vmap @exceptions
    dnat ip to meta l4proto . th dport map @ports
  }

  chain translated {
    iifname . ip daddr @returning masquerade
    ip saddr . ip daddr @pairs masquerade
    ip daddr @everyone masquerade
  }

  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local jump published
  }

  chain output {
    type nat hook output priority dstnat; policy accept;
    fib daddr type local jump published
  }

  chain postrouting {
    type nat hook postrouting priority 90; policy accept;
    ct status dnat jump translated
  }

  chain loopback {
    type filter hook prerouting priority raw; policy accept;
    iifname != "lo" ip saddr 127.0.0.0/8 drop
    iifname != "lo" ip daddr 127.0.0.0/8 drop
  }
}
`);
  });

  it("adds elements of both families in one transaction, and nothing else, where the tables are there", () => {
    const { fake, add } = node();
    add(at("c1"), publication(2, ["8080:80/tcp"]));
    const before = fake.transactions.length;
    add(at("c2"), publication(3, ["8081:80/tcp", "8082:81/udp"]));
    expect(fake.transactions.slice(before)).toEqual([new Array(10).fill(12)]); // NFT_MSG_NEWSETELEM, five sets a family
  });

  it("replaces what was there of the attachment, also in a family that it has no address of any more", () => {
    const { add, faults, text } = node();
    add(at("c1"), publication(2, ["8080:80/tcp", "8081:81/tcp"]));
    add(at("c1"), publication(2, ["8080:80/tcp", "8081:81/tcp"]));
    expect(text().match(/tcp \. 8080 /g)).toHaveLength(2);
    add(at("c1"), onlyV4(publication(4, ["8081:90/tcp"])));
    expect(faults(at("c1"), onlyV4(publication(4, ["8081:90/tcp"])))).toEqual([]);
    expect(text()).not.toMatch(/8080|10\.0\.0\.2|fd00::2/);
  });

  it("takes the place of an attachment that had the same address", () => {
    const { add, faults, remove, text } = node();
    add(at("old"), publication(2, ["8080:80/tcp"]));
    add(at("new"), publication(2, ["8080:81/tcp"]));
    expect(faults(at("new"), publication(2, ["8080:81/tcp"]))).toEqual([]);
    expect(text()).not.toContain("old");
    remove(at("old"), publication(2, ["8080:80/tcp"]));
    expect(faults(at("new"), publication(2, ["8080:81/tcp"]))).toEqual([]);
  });

  it("refuses a port that another attachment has, names that attachment, and does nothing", () => {
    const { add, text } = node();
    add(at("c1", "front", "net1"), publication(2, ["8080:80/tcp", "192.0.2.1:53:53/udp"]));
    const before = text();
    expect(() => add(at("c2"), publication(3, ["9090:80/tcp", "8080:80/tcp"]))).toThrow(
      "host port 8080/tcp is published for container c1, interface net1, network front",
    );
    expect(() => add(at("c2"), publication(3, ["192.0.2.1:53:53/udp"]))).toThrow("host port 192.0.2.1:53/udp");
    expect(text()).toBe(before);
    add(at("c2"), publication(3, ["192.0.2.1:8080:80/tcp", "8080:80/udp"]));
  });

  it("makes a table whole again in which parts are missing, and leaves the ports of others", () => {
    const { add, faults, others } = node();
    add(at("c1"), publication(2, ["8080:80/tcp"]));
    others(
      deleteChain(chainIn(4, "prerouting")),
      flushChain({ ...chainIn(4, "published"), chain: "published" }),
      flushChain({ ...chainIn(6, "translated"), chain: "translated" }),
    );
    expect(faults(at("c1"), publication(2, ["8080:80/tcp"]))).toEqual([
      "chain published of table ip bauta_portmap has been altered",
      "chain prerouting of table ip bauta_portmap is missing",
      "chain translated of table ip6 bauta_portmap has been altered",
    ]);
    others(...deleteElements({ ...setIn(4, OWNERS), elements: [] }));
    add(at("c1"), publication(2, ["8080:80/tcp"]));
    expect(faults(at("c1"), publication(2, ["8080:80/tcp"]))).toEqual([]);
  });
});

describe("a port that becomes free while ADD looks", () => {
  it("is published, and told so, whatever an attempt before has left out", () => {
    const { fake, nft, add, faults } = node();
    add(at("older"), publication(2, ["8080:80/tcp"]));
    const wanted = publication(3, ["8080:80/tcp", "9090:80/tcp"]);
    const published = publish(nft, at("c1"), wanted, () => {
      withdraw(fake.open(), at("older"), publication(2, ["8080:80/tcp"]));
      return { ...wanted, mappings: wanted.mappings.slice(1) };
    });
    expect(published).toBe(wanted);
    expect(faults(at("c1"), published)).toEqual([]);
  });
});

describe("conditions", () => {
  const words = { v4: ["iifname", "eth0", "ip saddr != { 10.0.0.0/8, 192.0.2.7 }"], v6: [] };
  const conditional = publication(2, ["8080:80/tcp", "192.0.2.1:81:81/tcp"], { conditions: words });

  it("have two chains, which attachments with the same conditions share, and which go with the last of them", () => {
    const { add, remove, faults, text } = node();
    add(at("c0"), publication(9, ["9999:80/tcp"]));
    add(at("c1"), conditional);
    const other = publication(3, ["8081:80/tcp"], { conditions: words });
    add(at("c2"), other);
    expect([faults(at("c1"), conditional), faults(at("c2"), other)]).toEqual([[], []]);
    expect(text().match(/chain (ports|addresses)_[0-9a-f]{16} /g)).toHaveLength(2);
    expect(text()).toContain(
      `iifname "eth0" ip saddr != 10.0.0.0/8 ip saddr != 192.0.2.7 dnat ip to meta l4proto . th dport map @ports`,
    );
    remove(at("c1"), conditional);
    expect(text().match(/chain (ports|addresses)_[0-9a-f]{16} /g)).toHaveLength(1);
    remove(at("c2"), other);
    expect(text()).not.toMatch(/(ports|addresses)_[0-9a-f]/);
    remove(at("c0"));
    expect(text()).toBe("");
  });

  it("are nobody else's", () => {
    const { add, faults, text } = node();
    add(at("c1"), conditional);
    const before = /chain ports_[^}]*\}/.exec(text())?.[0];
    add(at("c2"), publication(3, ["8081:80/tcp"]));
    expect(/chain ports_[^}]*\}/.exec(text())?.[0]).toBe(before);
    expect(text()).toMatch(/map conditional_ports \{[^}]*elements = \{ tcp \. 8080 : goto ports_[0-9a-f]{16} \}/);
    expect(faults(at("c1"), conditional)).toEqual([]);
  });
});

describe("a port at one address, and one with conditions", () => {
  const atAddress = publication(2, ["192.0.2.1:53:53/udp"]);

  it("send its protocol through all look-ups, until the table goes", () => {
    const { add, remove, faults, text } = node();
    add(at("c0"), publication(9, ["9999:80/tcp", "9999:80/udp"]));
    expect(text()).not.toContain("goto with_exceptions");
    add(at("c1"), atAddress);
    add(at("c2"), publication(3, ["192.0.2.1:54:53/udp"]));
    const exceptions = "elements = { udp : goto with_exceptions }";
    expect(text().split(exceptions)).toHaveLength(2); // of IPv4 alone, as the address is
    remove(at("c1"), atAddress);
    expect(text()).toContain(exceptions);
    add(at("c1"), publication(2, ["81:81/tcp"], { conditions: { v4: ["iifname", "eth0"], v6: [] } }));
    expect(text()).toContain("elements = { tcp : goto with_exceptions, udp : goto with_exceptions }");
    expect(faults(at("c2"), publication(3, ["192.0.2.1:54:53/udp"]))).toEqual([]);
    for (const id of ["c0", "c1", "c2"]) remove(at(id));
    expect(text()).toBe("");
  });

  it("are not served where that is gone, which CHECK tells and another ADD mends", () => {
    const { add, faults, others } = node();
    add(at("c1"), atAddress);
    others(...deleteElements({ ...setIn(4, EXCEPTIONS), elements: [{ key: Uint8Array.of(17) }] }));
    expect(faults(at("c1"), atAddress)).toEqual([
      "the attachment's element of exceptions of table ip bauta_portmap is missing",
    ]);
    add(at("c1"), atAddress);
    expect(faults(at("c1"), atAddress)).toEqual([]);
  });

  it.each([
    ["at one address", atAddress, publication(3, ["192.0.2.1:54:53/udp"])],
    ["at all", publication(2, ["53:53/udp"]), publication(4, ["54:53/udp", "192.0.2.1:55:53/udp"])],
  ])("nor those %s where that is altered, which CHECK tells and another ADD mends", (_, one, other) => {
    const { add, faults, others, text } = node();
    add(at("c1"), one);
    const [key, set] = [Uint8Array.of(17), setIn(4, EXCEPTIONS)];
    const data = { code: NFT_VERDICT.GOTO, chain: ANY_ADDRESS };
    if (text().includes("goto with_exceptions")) others(...deleteElements({ ...set, elements: [{ key }] }));
    others(...createElements({ ...set, elements: [{ key, data }] }));
    const altered = ["the element udp of map exceptions of table ip bauta_portmap has been altered"];
    expect(faults(at("c1"), one)).toEqual(altered);
    add(at("c2"), other);
    expect([faults(at("c1"), one), faults(at("c2"), other)]).toEqual([[], []]);
  });
});

describe("DEL", () => {
  it("takes its own, and with the last one the tables", () => {
    const { add, remove, faults, text, fake } = node();
    const [one, two] = [publication(2, ["8080:80/tcp"]), publication(3, ["8081:80/tcp"])];
    add(at("c1"), one);
    add(at("c2"), two);
    const before = fake.transactions.length;
    remove(at("c1"), one);
    expect(fake.transactions.length - before).toBe(1);
    expect(faults(at("c2"), two)).toEqual([]);
    expect(text()).not.toMatch(/c1|10\.0\.0\.2|fd00::2/);
    remove(at("c1"), one);
    remove(at("c2"), two);
    expect(text()).toBe("");
    remove(at("c2"), two);
    expect(text()).toBe("");
  });

  it("needs no record, and keeps to one network where a container is on two", () => {
    const { add, remove, faults, text } = node();
    const [one, two] = [publication(2, ["8080:80/tcp"]), publication(3, ["8081:80/tcp"])];
    add(at("c1", "n1"), one);
    add(at("c1", "n2"), two);
    remove(at("c1", "n2"));
    expect(faults(at("c1", "n1"), one)).toEqual([]);
    expect(text()).not.toContain("n2");
    remove(at("c1", "n1"));
    expect(text()).toBe("");
  });

  it("does nothing where only a record is left of an ADD that another's port has stopped", () => {
    const { add, remove, faults } = node();
    const one = publication(2, ["8080:80/tcp"]);
    add(at("c1"), one);
    remove(at("c2"), publication(3, ["8080:80/tcp"]));
    expect(faults(at("c1"), one)).toEqual([]);
  });

  it("leaves a port that somebody has given to another since", () => {
    const { add, remove, faults, others } = node();
    const [one, two] = [publication(2, ["8080:80/tcp", "8081:81/tcp"]), publication(3, ["8080:80/tcp"])];
    add(at("c1"), one);
    add(at("c0"), publication(9, ["9999:80/tcp"]));
    for (const { family, entries } of partsOf(two)) {
      others(...deleteElements({ ...setIn(family, PORTS), elements: entries.map(({ key }) => ({ key })) }));
    }
    add(at("c2"), two);
    remove(at("c1"), one);
    expect(faults(at("c2"), two)).toEqual([]);
  });

  it("leaves the table where it has something that is not ours", () => {
    const { add, remove, others, text } = node();
    add(at("c1"), publication(2, ["8080:80/tcp"]));
    others(addChain(chainIn(4, "theirs")));
    remove(at("c1"));
    expect(text()).toBe("");
  });
});

describe("GC", () => {
  it("finds the network's attachments that are not valid any more", () => {
    const { nft, add, faults, text } = node();
    add(at("c1"), publication(2, ["8080:80/tcp"]));
    add(at("c2"), publication(3, ["8081:80/tcp"]));
    add(at("c1", "other"), publication(4, ["8082:80/tcp"]));
    withdrawByIds(nft, staleIds(nft, "net", [at("c2")]));
    expect(faults(at("c2"), publication(3, ["8081:80/tcp"]))).toEqual([]);
    expect(faults(at("c1", "other"), publication(4, ["8082:80/tcp"]))).toEqual([]);
    expect(text()).not.toContain("net eth0 c1");
  });
});

describe("CHECK", () => {
  it("says where a port leads by now", () => {
    const { add, others, faults } = node();
    const one = onlyV4(publication(2, ["8080:80/tcp"]));
    add(at("c1"), one);
    const [part] = partsOf(one);
    const [entry] = part?.entries ?? [];
    if (entry === undefined) throw new Error("no entry");
    others(...deleteElements({ ...setIn(4, PORTS), elements: [{ key: entry.key }] }));
    expect(faults(at("c1"), one)).toEqual(["host port 8080/tcp (map ports of table ip bauta_portmap) is missing"]);
    add(at("c2"), onlyV4(publication(3, ["8080:81/tcp"])));
    expect(faults(at("c1"), one)).toEqual(["host port 8080/tcp leads to 10.0.0.3:81 instead of 10.0.0.2:80"]);
  });
});

describe("partsOf", () => {
  const names = (one: Publication): string[][] =>
    partsOf(one).map(({ entries }) => entries.map(({ mapping, set }) => `${set} ${mapping.hostPort}`));

  it("takes 0.0.0.0 for any address of IPv4, and :: for any of IPv6", () => {
    expect(names(publication(2, ["0.0.0.0:1:1/tcp", "[::]:2:2/tcp", "3:3/tcp"]))).toEqual([
      ["ports 1", "ports 3"],
      ["ports 2", "ports 3"],
    ]);
  });

  it("leaves out a family without a mapping, or without an address", () => {
    expect(names(publication(2, ["[2001:db8::1]:1:1/tcp"]))).toEqual([["addresses 1"]]);
    expect(names(onlyV4(publication(2, ["[2001:db8::1]:1:1/tcp"])))).toEqual([]);
  });

  it("has each key once", () => {
    const [part] = partsOf(publication(2, ["1:1/tcp", "0.0.0.0:1:2/tcp"]));
    expect(part?.entries.map(entryName)).toHaveLength(1);
  });
});
