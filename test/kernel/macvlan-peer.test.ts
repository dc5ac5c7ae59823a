// The macvlan plugin beside containernetworking/plugins' own: the same results and state for each key, each deletes what the other
// has made, and where upstream's is wrong.

import { describe, expect, it } from "vitest";
import { plugin as macvlan } from "../../src/plugins/macvlan/plugin.ts";
import { observe, ourNode, peerNode, peerOn, type TestNode } from "../support/differential.ts";
import { type PluginCall, succeed } from "../support/plugin.ts";
import { anotherContainer, connectUplink, linkOf, linksOf, UPLINK } from "../support/uplink.ts";
import { hostLocal, reservations } from "../support/upper-suite.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results of any kind
type Json = any;

const configOf = (more: Json = {}): Json => ({
  ...{ cniVersion: "1.1.0", name: "net1", type: "macvlan", master: UPLINK, ...more },
});
const bothNodes = (): TestNode[] =>
  [ourNode(macvlan), peerNode("macvlan")].map((node) => {
    connectUplink(node);
    return node;
  });

const DUAL = ["10.77.0.0/24", "fd00:77::/64"];

interface Case {
  readonly what: string;
  readonly keys?: Json;
  readonly subnets?: readonly string[];
  readonly call?: Partial<PluginCall>;
  readonly prepare?: (node: TestNode) => void;
}

const CASES: readonly Case[] = [
  { what: "IPv4", subnets: ["10.77.0.0/24"] },
  { what: "both families", subnets: DUAL },
  { what: "neither IPAM nor addresses" },
  { what: "dns", keys: { dns: { nameservers: ["192.0.2.53"], search: ["example"] } }, subnets: DUAL },
  { what: "an MTU", keys: { mtu: 1400 }, subnets: DUAL },
  { what: "the master's MTU", keys: { mtu: 1500 } },
  { what: "the mode private", keys: { mode: "private" } },
  { what: "the mode vepa", keys: { mode: "vepa" } },
  { what: "the mode passthru", keys: { mode: "passthru" }, subnets: DUAL },
  { what: "a queue", keys: { bcqueuelen: 55 } },
  { what: "keys in other cases", keys: { MODE: "vepa", Mtu: 1400, BCQueueLen: 55 } },
  { what: "an address", keys: { mac: "C2-11-22-33-44-55" } },
  { what: "the address of CNI_ARGS", keys: { mac: "c2:11:22:33:44:55" }, call: { args: "MAC=c2:11:22:33:44:66" } },
  {
    what: "the runtime's address",
    keys: { mac: "c2:11:22:33:44:55", runtimeConfig: { mac: "c2:11:22:33:44:77" } },
    call: { args: "IgnoreUnknown=true;K8S_POD_NAME=web;MAC=c2:11:22:33:44:66" },
  },
  {
    what: "the default route's link",
    keys: { master: "" },
    prepare: ({ node }) => node.ip(`route add default dev ${UPLINK}`),
  },
  {
    what: "a master in the container",
    keys: { linkInContainer: true, mac: "c2:11:22:33:44:55" },
    subnets: DUAL,
    prepare: ({ node, container }) => {
      node.ip(`link set ${UPLINK} netns ${container.name}`);
      container.ip(`link set ${UPLINK} up`);
    },
  },
];

function optionsOf({ container }: TestNode): Json {
  const { mode, bcqueuelen } = linkOf(container).linkinfo.info_data;
  return { mode, bcqueuelen };
}

describe("macvlan beside upstream's", () => {
  it.each(CASES)("makes the same and leaves the same: $what", ({ keys, subnets = [], call = {}, prepare }) => {
    const [ours, theirs] = bothNodes().map((node) => {
      prepare?.(node);
      const config = configOf({ ...keys, ...(subnets.length > 0 ? hostLocal(node, ...subnets) : {}) });
      const outcome = node.call({ command: "ADD", config, ...call });
      const prevResult = succeed(outcome);
      const added = { ...observe(node, outcome), options: optionsOf(node) };
      succeed(node.call({ command: "CHECK", config: { ...config, prevResult }, ...call }));
      succeed(node.call({ command: "DEL", config: { ...config, prevResult }, ...call }));
      expect(linksOf(node.container)).not.toContain("eth0");
      return added;
    });
    expect(ours).toEqual(theirs);
  });

  it.each(CASES.filter(({ what }) => /families|passthru|in the container/.test(what)))(
    "each deletes what the other has made: $what",
    ({ keys, subnets = DUAL, prepare }) => {
      for (const isOursFirst of [true, false]) {
        const node = ourNode(macvlan);
        connectUplink(node);
        const theirs = peerOn(node, "macvlan");
        const [add, del] = isOursFirst ? [node.call, theirs] : [theirs, node.call];
        prepare?.(node);
        const config = configOf({ ...keys, ...hostLocal(node, ...subnets) });
        const prevResult = succeed(add({ command: "ADD", config }));
        succeed(del({ command: "CHECK", config: { ...config, prevResult } }));
        succeed(del({ command: "DEL", config: { ...config, prevResult } }));
        expect([linksOf(node.container).includes("eth0"), reservations(node)]).toEqual([false, []]);
      }
    },
  );

  it.each<readonly [string, Json, Partial<PluginCall>?]>([
    ["a mode that does not exist", { mode: "source" }],
    ["a master that is not there", { master: "nope0" }],
    ["no default route", { master: undefined }],
    ["the loopback", { master: "lo" }],
    ["an MTU above the master's", { mtu: 9000 }],
    ["an MTU that is text", { mtu: "1500" }],
    ["a negative queue", { bcqueuelen: -1 }],
    ["what is no address", { mac: "zz" }],
    ["an unknown key of CNI_ARGS", {}, { args: "FOO=1" }],
  ])("is refused by both: %s", (_, keys, call = {}) => {
    for (const node of bothNodes()) {
      expect(node.call({ command: "ADD", config: configOf(keys), ...call })).toMatchObject({ status: 1 });
      expect(linksOf(node.container)).toEqual(["lo"]);
    }
  });
});

describe("where upstream's macvlan is wrong", () => {
  /** What each of the two comes to. */
  const both = <T>(work: (node: TestNode) => T): T[] => bothNodes().map(work);

  it("its own namespace is refused after the link was made (D1)", () => {
    const [ours, theirs] = both((node) => {
      const { stdout } = node.call({ command: "ADD", config: configOf(), netns: node.node.path });
      return [stdout.includes('"code": 8'), stdout.includes('"interfaces"'), linksOf(node.node).includes("eth0")];
    });
    expect([ours, theirs]).toEqual([
      [true, false, false],
      [true, true, true],
    ]);
  });

  it("a failed IPAM leaves the link (D2)", () => {
    const left = both((node) => {
      expect(node.call({ command: "ADD", config: configOf({ ipam: { type: "nonexist" } }) }).status).toBe(1);
      return linksOf(node.container);
    });
    expect(left).toEqual([["lo"], ["lo", "eth0"]]);
  });

  it("IPAM's name servers are lost (D3)", () => {
    const dns = { nameservers: ["192.0.2.53"] };
    const ipam = { type: "static", addresses: [{ address: "10.77.0.5/24" }], dns };
    const found = both((node) => succeed(node.call({ command: "ADD", config: configOf({ ipam }) })).dns ?? {});
    expect(found).toEqual([dns, {}]);
  });

  it("mtu and advmss of routes are told and not set (D4)", () => {
    const routes = [{ dst: "192.0.2.0/24", mtu: 1400, advmss: 1300, priority: 50 }];
    const ipam = { type: "static", addresses: [{ address: "10.77.0.5/24", gateway: "10.77.0.1" }], routes };
    const found = both((node) => {
      const result = succeed(node.call({ command: "ADD", config: configOf({ ipam }) }));
      expect(result.routes).toMatchObject([{ mtu: 1400, advmss: 1300 }]);
      return node.container.ipJson("route show 192.0.2.0/24")[0].metrics;
    });
    expect(found).toEqual([[{ mtu: 1400, advmss: 1300 }], undefined]);
  });

  it("an IPv6 address without a gateway is tentative when ADD returns (D5)", () => {
    const ipam = { type: "static", addresses: [{ address: "fd00:77::5/64" }] };
    const nodes = [ourNode(macvlan, { detectsDuplicates: true }), peerNode("macvlan", { detectsDuplicates: true })];
    const found = nodes.map((node) => {
      connectUplink(node);
      succeed(node.call({ command: "ADD", config: configOf({ ipam }) }));
      return node.container.ipJson("-6 address show dev eth0 scope global tentative").length;
    });
    expect(found).toEqual([0, 1]);
  });

  it("CHECK fails with a single address, and after sbr (D6)", () => {
    const single = { type: "static", addresses: [{ address: "10.77.0.5/32" }] };
    const alone = both((node) => {
      const config = configOf({ ipam: single });
      const prevResult = succeed(node.call({ command: "ADD", config }));
      return node.call({ command: "CHECK", config: { ...config, prevResult } }).status;
    });
    const moved = both((node) => {
      const config = configOf({ ...hostLocal(node, ...DUAL) });
      const prevResult = succeed(node.call({ command: "ADD", config }));
      const chained = { cniVersion: "1.1.0", name: "net1", type: "sbr", prevResult };
      succeed(peerOn(node, "sbr")({ command: "ADD", config: chained }));
      return node.call({ command: "CHECK", config: { ...config, prevResult } }).status;
    });
    expect([alone, moved]).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it("CHECK passes with a default route by another gateway (D7)", () => {
    const found = both((node) => {
      const config = configOf(hostLocal(node, "10.77.0.0/24"));
      const prevResult = succeed(node.call({ command: "ADD", config }));
      node.container.ip("route replace default via 10.77.0.9 dev eth0");
      return node.call({ command: "CHECK", config: { ...config, prevResult } }).status;
    });
    expect(found).toEqual([1, 0]);
  });

  it("a passthru beside others is an invalid argument (W5)", () => {
    const [ours, theirs] = both((node) => {
      succeed(node.call({ command: "ADD", config: configOf() }));
      const { call } = anotherContainer();
      return node.call({ command: "ADD", config: configOf({ mode: "passthru" }), ...call }).json.msg;
    });
    expect(theirs).toMatch(/invalid argument$/);
    expect(ours).toContain(`"${UPLINK}" for itself, which has "eth0" in `);
  });

  it("STATUS does not miss the master", () => {
    const found = both((node) => node.call({ command: "STATUS", config: configOf({ master: "nope0" }) }).json?.code);
    expect(found).toEqual([50, undefined]);
  });

  it("a passthru's own address is passed over (W6)", () => {
    const found = both((node) => {
      succeed(node.call({ command: "ADD", config: configOf({ mode: "passthru", mac: "c2:11:22:33:44:55" }) }));
      return linkOf(node.container).address;
    });
    expect(found[0]).toBe("c2:11:22:33:44:55");
    expect(found[1]).not.toBe("c2:11:22:33:44:55");
  });
});
