// The masquerade of attachments in the kernel's tables, with nft(8) as the witness. Packets go through it in the tests of
// the plugins.

import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import {
  checkMasquerade,
  collectMasquerade,
  masqueradeUnavailable,
  setUpMasquerade,
  tearDownMasquerade,
} from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { Nftables } from "../../src/nftables/nftables.ts";
import { errno } from "../../src/sys/errno.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { withSyscalls } from "../support/intercept-syscalls.ts";
import { requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => {
  requireNamespaces();
});

// Each test has a node of its own: this thread, and the programs that it starts, move into an empty namespace.
beforeEach(() => unshareNetns());
afterEach(() => rmSync(RECORDS, { recursive: true, force: true }));

const at = (containerId: string, network = "dual"): Attachment => ({ network, containerId, ifname: "eth0" });
const cidrs = (...texts: readonly string[]): Cidr[] =>
  texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw new Error(text);
    return cidr;
  });
const dual = (n: number): Cidr[] => cidrs(`198.18.0.${n}/17`, `fd61:7465:6d65:1000::${n.toString(16)}/112`);

const ruleset = (): string => run("nft", "list", "ruleset").replaceAll("\t", "  ");
const elements = (family: string, map: string): string[] => {
  const text = run("nft", "-j", "list", "map", family, "bauta_masquerade", map);
  const found: { map?: { elem?: unknown[] } }[] = JSON.parse(text).nftables;
  return (found.find((entry) => entry.map)?.map?.elem ?? []).map((entry) => JSON.stringify(entry));
};
const owned = (family: string): string[] =>
  elements(family, "owners").map((text) => /"val":"([^"]*)"/.exec(text)?.[1] ?? text);
const records = (): string[] => (existsSync(RECORDS) ? readdirSync(RECORDS) : []);

describe("setUpMasquerade", () => {
  it("makes a table a family that nft lists as what it is", () => {
    setUpMasquerade(at("c1"), dual(5));
    const text = ruleset().replace(/: [0-9a-f:]+ }/g, ": ID }");
    expect(text).toBe(`table ip bauta_masquerade {
  comment "IP masquerade of containers; see bauta list"
  map owners {
    type ipv4_addr : ipv6_addr
    elements = { 198.18.0.5 comment "dual eth0 198.18.0.5/17 c1" : ID }
  }

  map policies {
    type ipv4_addr : verdict
    elements = { 198.18.0.5 : goto outside-198.18.0.0/17 }
  }

  set members {
    type ipv4_addr
    counter
    elements = { 198.18.0.5 counter packets 0 bytes 0 }
  }

  map networks {
    type ipv4_addr : verdict
    flags interval
    elements = { 198.18.0.0/17 : goto outside-198.18.0.0/17 }
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

  chain outside-198.18.0.0/17 {
    ip daddr 198.18.0.0/17 return
    counter packets 0 bytes 0 masquerade fully-random
  }
}
table ip6 bauta_masquerade {
  comment "IP masquerade of containers; see bauta list"
  map owners {
    type ipv6_addr : ipv6_addr
    elements = { fd61:7465:6d65:1000::5 comment "dual eth0 fd61:7465:6d65:1000::5/112 c1" : ID }
  }

  map policies {
    type ipv6_addr : verdict
    elements = { fd61:7465:6d65:1000::5 : goto outside-fd61-7465-6d65-1000--/112 }
  }

  set members {
    type ipv6_addr
    counter
    elements = { fd61:7465:6d65:1000::5 counter packets 0 bytes 0 }
  }

  map networks {
    type ipv6_addr : verdict
    flags interval
    elements = { fd61:7465:6d65:1000::/112 : goto outside-fd61-7465-6d65-1000--/112 }
  }

  map exceptions {
    type ipv6_addr : verdict
    counter
  }

  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip6 daddr ff00::/8 return
    ip6 saddr vmap @exceptions
    ip6 saddr @members ip6 saddr vmap @networks
  }

  chain outside-fd61-7465-6d65-1000--/112 {
    ip6 daddr fd61:7465:6d65:1000::/112 return
    counter packets 0 bytes 0 masquerade fully-random
  }
}
`);
  });

  it("survives nft list ruleset into a file and back", () => {
    setUpMasquerade(at("c1"), dual(5));
    const before = ruleset();
    writeFileSync(`/run/ruleset-${process.pid}`, `flush ruleset\n${before}`);
    run("nft", "-f", `/run/ruleset-${process.pid}`);
    expect(ruleset()).toBe(before);
    checkMasquerade(at("c1"), dual(5));
    tearDownMasquerade(at("c1"), []);
    expect(ruleset()).toBe("");
  });

  it("takes two IPv4 and five IPv6 ranges at once", () => {
    const many = cidrs("10.1.0.2/24", "10.2.0.2/24", ...[1, 2, 3, 4, 5].map((n) => `fd00:${n}::2/64`));
    setUpMasquerade(at("c1"), many);
    expect([owned("ip").length, owned("ip6").length]).toEqual([2, 5]);
    checkMasquerade(at("c1"), many);
    tearDownMasquerade(at("c1"), []);
    expect([ruleset(), records()]).toEqual(["", []]);
  });

  it("shares a policy's chain among the addresses of a subnet", () => {
    for (let n = 1; n <= 3; n++) setUpMasquerade(at(`c${n}`), dual(n));
    expect(ruleset().match(/chain outside-/g)).toHaveLength(2);
  });

  it("takes an address over from the attachment that had it, whose teardown then changes nothing", () => {
    setUpMasquerade(at("old"), dual(5));
    setUpMasquerade(at("new"), dual(5));
    expect(() => checkMasquerade(at("old"), dual(5))).toThrow("198.18.0.5 belongs to another attachment");
    checkMasquerade(at("new"), dual(5));
    tearDownMasquerade(at("old"), dual(5));
    checkMasquerade(at("new"), dual(5));
    tearDownMasquerade(at("new"), dual(5));
    expect([ruleset(), records()]).toEqual(["", []]);
  });

  it("gives an address back to the attachment it was taken from when that one outlives the taker", () => {
    const [a, b, c] = [at("a", "one"), at("b", "two"), at("c", "three")];
    setUpMasquerade(a, cidrs("10.0.0.5/16"));
    setUpMasquerade(b, cidrs("10.0.0.5/24"));
    setUpMasquerade(c, cidrs("10.0.0.5/25"));
    tearDownMasquerade(b, []);
    tearDownMasquerade(c, []);
    checkMasquerade(a, cidrs("10.0.0.5/16"));
    expect(ruleset().match(/chain outside-\S*/g)).toEqual(["chain outside-10.0.0.0/16"]);
    tearDownMasquerade(a, []);
    expect([ruleset(), records()]).toEqual(["", []]);
  });

  it("replaces what an earlier ADD of the same attachment left when it was killed", () => {
    setUpMasquerade(at("c1"), dual(5));
    setUpMasquerade(at("c1"), dual(6));
    expect([owned("ip"), owned("ip6")]).toEqual([["198.18.0.6"], ["fd61:7465:6d65:1000::6"]]);
  });

  it("puts right what someone has altered", () => {
    setUpMasquerade(at("c1"), dual(5));
    run("nft", "flush", "chain", "ip", "bauta_masquerade", "postrouting");
    run("nft", "delete", "table", "ip6", "bauta_masquerade");
    setUpMasquerade(at("c2"), dual(6));
    checkMasquerade(at("c2"), dual(6));
  });

  it("puts the rules of the base chain back although other attachments are there", () => {
    for (const n of [1, 2]) setUpMasquerade(at(`c${n}`), dual(n));
    run("nft", "flush", "chain", "ip6", "bauta_masquerade", "postrouting");
    setUpMasquerade(at("c3"), dual(3));
    for (const n of [1, 2, 3]) checkMasquerade(at(`c${n}`), dual(n));
  });

  it("leaves all that others own as it is", () => {
    run(
      "nft",
      "add table inet other { map m { type ipv4_addr : verdict; }; chain c { type nat hook postrouting priority 100; masquerade; }; }",
    );
    const before = ruleset();
    setUpMasquerade(at("c1"), dual(5));
    expect(ruleset()).toContain(before);
    tearDownMasquerade(at("c1"), []);
    expect(ruleset()).toBe(before);
  });
});

describe("tearDownMasquerade", () => {
  it("does nothing, and no harm, where there is nothing", () => {
    tearDownMasquerade(at("c1"), []);
    tearDownMasquerade(at("c1"), dual(5));
    expect(ruleset()).toBe("");
  });

  it("can be repeated, with and without hints, beside other attachments", () => {
    setUpMasquerade(at("c1"), dual(5));
    setUpMasquerade(at("c2"), dual(6));
    for (const hints of [[], dual(5), []]) tearDownMasquerade(at("c1"), hints);
    checkMasquerade(at("c2"), dual(6));
    expect(owned("ip")).toEqual(["198.18.0.6"]);
  });

  it("finds the elements although the records are gone", () => {
    setUpMasquerade(at("c1"), dual(5));
    setUpMasquerade(at("c2"), dual(6));
    rmSync(RECORDS, { recursive: true });
    tearDownMasquerade(at("c1"), []);
    expect([owned("ip"), owned("ip6")]).toEqual([["198.18.0.6"], ["fd61:7465:6d65:1000::6"]]);
  });

  it("ends cleanly when one family's table has been removed meanwhile", () => {
    setUpMasquerade(at("c1"), dual(5));
    run("nft", "delete", "table", "ip", "bauta_masquerade");
    tearDownMasquerade(at("c1"), []);
    expect([ruleset(), records()]).toEqual(["", []]);
  });

  it("removes what upstream's plugin made for the same attachment, and nothing else of it", () => {
    const comment = (id: string): string => `${id}, net: dual, if: eth0, id: c1`;
    // sha512("dual") and sha512("eth0:c1"), 16 digits each, as sha512sum(1) prints them
    const digits = (text: string): string => run("sh", "-c", `printf %s '${text}' | sha512sum`).slice(0, 16);
    const mine = `${digits("dual")}-${digits("eth0:c1")}`;
    run(
      "nft",
      `add table inet cni_plugins_masquerade { chain masq_checks { ip saddr 10.0.0.1 masquerade comment "${comment(mine)}"; ip saddr 10.0.0.2 masquerade comment "${comment(`${digits("dual")}-0123456789abcdef`)}"; }; }`,
    );
    tearDownMasquerade(at("c1"), []);
    expect(ruleset()).not.toContain("10.0.0.1");
    expect(ruleset()).toContain("10.0.0.2");
  });
});

describe("a kernel without nf_tables", () => {
  it("fails an ADD, which leaves no record, and neither a DEL nor a GC", () => {
    withoutNftables(() => {
      expect(() => setUpMasquerade(at("c1"), dual(5))).toThrow(
        expect.objectContaining({
          message: expect.stringContaining("has no nf_tables"),
          cause: expect.objectContaining({ code: "EINVAL" }),
        }),
      );
      expect(records()).toEqual([]);
      tearDownMasquerade(at("c1"), dual(5));
      expect(records()).toEqual([]);
      expect(() => setUpMasquerade(at("c2"), dual(5))).toThrow("has no nf_tables");
      collectMasquerade("dual", []);
      expect(records()).toEqual([]);
      expect(masqueradeUnavailable()).toContain("EINVAL");
    });
  });

  it("is not what every other mistake is taken for", () => {
    const once = { count: 1 };
    expect(() => withoutNftables(() => tearDownMasquerade(at("c1"), dual(5)), once)).toThrow("EINVAL");
  });
});

/** Every answer of the kernel, or the first of them, is that it doesn't know the subsystem (nfnetlink_rcv_msg()). */
function withoutNftables(work: () => void, { count }: { count: number } = { count: Number.POSITIVE_INFINITY }): void {
  const NLMSG_ERROR = 2;
  let left = count;
  withSyscalls(
    () => undefined,
    work,
    (name, [, bytes], length) => {
      if (name !== "recvfrom" || !(bytes instanceof Uint8Array) || length < 20 || left-- <= 0) return;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      view.setUint16(4, NLMSG_ERROR, true);
      view.setInt32(16, -errno("EINVAL"), true);
    },
  );
}

describe("checkMasquerade", () => {
  const spoil: readonly (readonly [string, string])[] = [
    ["delete table ip6 bauta_masquerade", "table ip6 bauta_masquerade is missing"],
    ["delete element ip bauta_masquerade owners { 198.18.0.5 }", "the element 198.18.0.5 of map owners is missing"],
    ["delete element ip bauta_masquerade policies { 198.18.0.5 }", "the element 198.18.0.5 of map policies is missing"],
    [
      "delete element ip6 bauta_masquerade policies { fd61:7465:6d65:1000::5 }",
      "fd61:7465:6d65:1000::5 of map policies is missing",
    ],
    ["flush chain ip bauta_masquerade postrouting", "chain postrouting of table ip bauta_masquerade has been altered"],
    [
      "insert rule ip6 bauta_masquerade postrouting accept",
      "chain postrouting of table ip6 bauta_masquerade has been altered",
    ],
    [
      "flush chain ip bauta_masquerade outside-198.18.0.0/17",
      "chain outside-198.18.0.0/17 of table ip bauta_masquerade has been altered",
    ],
    [
      "add chain ip bauta_masquerade postrouting { policy drop; }",
      "chain postrouting of table ip bauta_masquerade has been altered",
    ],
    ["add table ip bauta_masquerade { flags dormant; }", "table ip bauta_masquerade is dormant"],
    [
      "add chain ip bauta_masquerade other; delete element ip bauta_masquerade policies { 198.18.0.5 }; add element ip bauta_masquerade policies { 198.18.0.5 : goto other }",
      "198.18.0.5 of map policies says goto other, not goto outside-198.18.0.0/17",
    ],
  ];
  for (const [command, fault] of spoil) {
    it(`tells it after nft ${command}`, () => {
      setUpMasquerade(at("c1"), dual(5));
      checkMasquerade(at("c1"), dual(5));
      run("nft", command);
      expect(() => checkMasquerade(at("c1"), dual(5))).toThrow(fault);
      setUpMasquerade(at("c1"), dual(5));
      checkMasquerade(at("c1"), dual(5));
    });
  }
});

describe("collectMasquerade", () => {
  it("ends exactly what is not valid any more on the network, records or not", () => {
    for (let n = 1; n <= 4; n++) setUpMasquerade(at(`c${n}`), dual(n));
    setUpMasquerade(at("c1", "other"), cidrs("10.9.0.1/24"));
    rmSync(RECORDS, { recursive: true });
    setUpMasquerade(at("c5"), dual(5));
    collectMasquerade("dual", [at("c2"), at("c4")]);
    expect(owned("ip").sort()).toEqual(["10.9.0.1", "198.18.0.2", "198.18.0.4"]);
    expect(owned("ip6").sort()).toEqual(["fd61:7465:6d65:1000::2", "fd61:7465:6d65:1000::4"]);
    collectMasquerade("dual", []);
    collectMasquerade("other", []);
    expect([ruleset(), records()]).toEqual(["", []]);
  });
});

describe("masqueradeUnavailable", () => {
  it("has nothing to say where nf_tables has all that it takes, and leaves nothing of the attempt", () => {
    const generation = (): number => {
      const nft = Nftables.open();
      const found = nft.generation();
      nft.close();
      return found;
    };
    const before = generation();
    expect(masqueradeUnavailable()).toBeUndefined();
    expect([ruleset(), generation()]).toEqual(["", before]);
  });

  it("does not try it out where there is a masquerade", () => {
    setUpMasquerade(at("c1"), dual(5));
    const before = ruleset();
    expect(masqueradeUnavailable()).toBeUndefined();
    expect(ruleset()).toBe(before);
  });
});
