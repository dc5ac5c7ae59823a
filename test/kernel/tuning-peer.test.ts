// The tuning plugin beside containernetworking/plugins' own: the same state after ADD, CHECK and DEL for each key, the same
// backup file, and each restores what the other has changed.

import { describe, expect, it } from "vitest";
import { plugin as tuning } from "../../src/plugins/tuning/plugin.ts";
import { ourNode, peerNode, peerOn, type TestNode } from "../support/differential.ts";
import { type PluginCall, type PluginOutcome, succeed } from "../support/plugin.ts";
import { backups, linkOf, MAC, makeInterface, parameter } from "../support/tuned-container.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results of any kind
type Json = any;

const FILE = "container-1_eth0.json";

interface Case {
  readonly what: string;
  readonly keys: Json;
  readonly call?: Partial<PluginCall>;
  readonly prepare?: (node: TestNode) => void;
}

const CASES: readonly Case[] = [
  { what: "nothing", keys: {} },
  { what: "an address", keys: { mac: "c2:11:22:33:44:55" } },
  { what: "an MTU", keys: { mtu: 1400 } },
  { what: "an MTU of 0", keys: { mtu: 0 } },
  { what: "promiscuous mode", keys: { promisc: true } },
  { what: "promisc false", keys: { promisc: false } },
  {
    what: "promiscuous mode that is on",
    keys: { promisc: true },
    prepare: ({ container }) => container.ip("link set eth0 promisc on"),
  },
  { what: "all-multicast mode on", keys: { allmulti: true } },
  {
    what: "all-multicast mode off",
    keys: { allmulti: false },
    prepare: ({ container }) => container.ip("link set eth0 allmulticast on"),
  },
  { what: "a queue of 50", keys: { txQLen: 50 } },
  { what: "a queue of 0", keys: { txQLen: 0 } },
  {
    what: "everything of an interface",
    keys: { mac: "c2:11:22:33:44:55", mtu: 1400, promisc: true, allmulti: true, txQLen: 50 },
  },
  {
    what: "parameters, with dots, slashes and IFNAME",
    keys: {
      sysctl: {
        "net.ipv4.conf.IFNAME.arp_filter": "1",
        "net/ipv4/conf/IFNAME/arp_notify": "0",
        "net.ipv4.tcp_wmem": "4096 87380 5000000",
        "net.ipv4.ip_local_port_range": "20000 30000",
      },
    },
  },
  { what: "keys in other cases", keys: { MTU: 1400, TxQlen: 50, SYSCTL: { "net.ipv4.conf.all.arp_filter": "1" } } },
  { what: "null", keys: { mtu: null, promisc: null, allmulti: null, txQLen: null, sysctl: null, mac: null } },
  {
    what: "the address of CNI_ARGS before that of the configuration",
    keys: { mac: "c2:11:22:33:44:55" },
    call: { args: "IgnoreUnknown=1;K8S_POD_NAME=web;MAC=c2:11:22:33:44:66" },
  },
  {
    what: "the runtime's address before that of CNI_ARGS",
    keys: { mac: "c2:11:22:33:44:55", capabilities: { mac: true }, runtimeConfig: { mac: "c2:11:22:33:44:77" } },
    call: { args: "MAC=c2:11:22:33:44:66" },
  },
  {
    what: "the address of args before the runtime's",
    keys: { runtimeConfig: { mac: "c2:11:22:33:44:77" }, args: { cni: { mac: "c2:11:22:33:44:88" } } },
    call: { args: "MAC=c2:11:22:33:44:66" },
  },
  {
    what: "what args say before all else",
    keys: {
      tuningOptions: { allow: ["sysctl", "promisc", "mtu", "allmulti", "txQLen"] },
      ...{ mtu: 1400, promisc: true, allmulti: true, txQLen: 50, sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" } },
      args: {
        cni: {
          ...{ mtu: 1300, promisc: false, allmulti: false, txQLen: 60 },
          sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "0", "net.ipv4.conf.IFNAME.arp_notify": "1" },
        },
      },
    },
  },
];

const PARAMETERS = [
  "net/ipv4/conf/eth0/arp_filter",
  "net/ipv4/conf/eth0/arp_notify",
  "net/ipv4/conf/all/arp_filter",
  "net/ipv4/tcp_wmem",
  "net/ipv4/ip_local_port_range",
];

/** The result of ADD, and what ip(8), /proc/sys and the data directory tell. */
function stateOf(node: TestNode, json: Json): Json {
  const interfaces = json?.interfaces?.map(({ name, mac, mtu }: Json) =>
    name === "eth0" ? { name, mac, mtu } : { name },
  );
  return {
    result: { ...json, interfaces },
    link: linkOf(node),
    parameters: PARAMETERS.map((name) => parameter(node, name)),
    files: backups(node),
  };
}

function configOf({ dataDir }: TestNode, keys: Json, prevResult: Json): Json {
  return { cniVersion: "1.1.0", name: "net", type: "tuning", dataDir, ...keys, prevResult };
}

describe("tuning beside upstream's", () => {
  it.each(CASES)("leaves the same after ADD, CHECK and DEL: $what", ({ keys, call = {}, prepare }) => {
    const [ours, theirs] = [ourNode(tuning), peerNode("tuning")].map((node) => {
      const given = makeInterface(node);
      prepare?.(node);
      const before = { link: linkOf(node), files: backups(node) };
      const run = (command: string, prevResult: Json): PluginOutcome =>
        node.call({ command, config: configOf(node, keys, prevResult), ...call });
      const prevResult = succeed(run("ADD", given));
      const added = stateOf(node, prevResult);
      const checked = run("CHECK", prevResult).status;
      succeed(run("DEL", prevResult));
      expect({ link: linkOf(node), files: backups(node) }).toEqual(before);
      return { added, checked, deleted: stateOf(node, undefined) };
    });
    // On purpose, our result has the MTU that was set, and our CHECK takes a tab for a blank.
    const mtu = keys.args?.cni?.mtu ?? keys.mtu ?? keys.MTU ?? 0;
    if (mtu > 0) theirs?.added.result.interfaces.splice(1, 1, { ...theirs.added.result.interfaces[1], mtu });
    const hasTabs = keys.sysctl?.["net.ipv4.tcp_wmem"] !== undefined;
    expect([ours?.checked, theirs?.checked]).toEqual([0, hasTabs ? 1 : 0]);
    expect({ ...ours, checked: 0 }).toEqual({ ...theirs, checked: 0 });
  });

  it("writes the backup file as upstream's does, byte by byte", () => {
    const keys = { mac: "c2:11:22:33:44:55", mtu: 1400, promisc: true, allmulti: true, txQLen: 50 };
    for (const node of [ourNode(tuning), peerNode("tuning")]) {
      succeed(node.call({ command: "ADD", config: configOf(node, keys, makeInterface(node)) }));
      const text = `{\n "mac": "${MAC}",\n "promisc": false,\n "mtu": 1500,\n "allmulti": false,\n "txQLen": 1000\n}`;
      expect(backups(node)).toEqual({ [FILE]: [text, "600"] });
    }
  });

  const changed = CASES.filter(({ what }) => what !== "nothing" && what !== "null");
  it.each(changed)("restores what the other has changed: $what", ({ keys, call = {}, prepare }) => {
    for (const isOursFirst of [true, false]) {
      const node = ourNode(tuning);
      const theirs = peerOn(node, "tuning");
      const [add, del] = isOursFirst ? [node.call, theirs] : [theirs, node.call];
      const given = makeInterface(node);
      prepare?.(node);
      const before = linkOf(node);
      const prevResult = succeed(add({ command: "ADD", config: configOf(node, keys, given), ...call }));
      succeed(del({ command: "DEL", config: configOf(node, keys, prevResult), ...call }));
      expect({ link: linkOf(node), files: backups(node) }).toEqual({ link: before, files: {} });
    }
  });

  it.each<[what: string, keys: Json, call?: Partial<PluginCall>]>([
    ["a parameter of another kind", { sysctl: { "kernel.hostname": "x" } }],
    ["a parameter that is not there", { sysctl: { "net.ipv4.conf.IFNAME.nonsuch": "1" } }],
    ["a value that the kernel does not take", { sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "x" } }],
    ["a value that is a number", { sysctl: { "net.ipv4.conf.IFNAME.arp_filter": 1 } }],
    ["an address of five bytes", { mac: "c2:11:22:33:44" }],
    ["a multicast address", { mac: "01:00:5e:00:00:01" }],
    ["an MTU that no link has", { mtu: 20 }],
    ["an MTU beyond all", { mtu: 70000 }],
    ["an MTU that is a text", { mtu: "1400" }],
    ["promisc that is a text", { promisc: "true" }],
    ["a queue that is a text", { txQLen: "50" }],
    ["an unknown key of CNI_ARGS", {}, { args: "FOO=1" }],
    ["no prevResult", { prevResult: undefined }],
  ])("is refused by both: %s", (_, keys, call = {}) => {
    for (const node of [ourNode(tuning), peerNode("tuning")]) {
      const config = { ...configOf(node, {}, makeInterface(node)), ...keys };
      expect(node.call({ command: "ADD", config, ...call })).toMatchObject({ status: 1 });
    }
  });
});

describe("where upstream's is wrong", () => {
  /** ADDs the configurations one after the other, and returns the last result. */
  function addAll(node: TestNode, ...all: readonly Json[]): Json {
    let result = makeInterface(node);
    for (const keys of all) result = succeed(node.call({ command: "ADD", config: configOf(node, keys, result) }));
    return result;
  }

  it("takes args.cni.sysctl without sysctl (W1)", () => {
    const keys = {
      tuningOptions: { allow: ["sysctl"] },
      args: { cni: { sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" } } },
    };
    const peer = peerNode("tuning");
    const crash = peer.call({ command: "ADD", config: configOf(peer, keys, makeInterface(peer)) });
    expect([crash.status, crash.stdout]).toEqual([2, ""]);
    const node = ourNode(tuning);
    addAll(node, keys);
    expect(parameter(node, "net/ipv4/conf/eth0/arp_filter")).toBe("1");
  });

  it.each(["C2:11:22:33:44:55", "c2-11-22-33-44-55", "c211.2233.4455"])("compares %s as bytes (W2)", (mac) => {
    const [ours, theirs] = [ourNode(tuning), peerNode("tuning")].map((node) => {
      const prevResult = addAll(node, { mac });
      expect(linkOf(node).mac).toBe("c2:11:22:33:44:55");
      const { status } = node.call({ command: "CHECK", config: configOf(node, { mac }, prevResult) });
      return [prevResult.interfaces[1].mac, status];
    });
    expect([ours, theirs]).toEqual([
      ["c2:11:22:33:44:55", 0],
      [mac, 1],
    ]);
  });

  it("keeps what the first of two tunings found (W3)", () => {
    const lists = [
      [{ mtu: 1400 }, { mtu: 1300 }],
      [{ mtu: 1400 }, { mtu: 1400 }],
      [{ mtu: 1400 }, { mac: "c2:11:22:33:44:55", promisc: true, mtu: 1300 }],
    ];
    for (const list of lists) {
      const mtus = [ourNode(tuning), peerNode("tuning")].map((node) => {
        const prevResult = addAll(node, ...list);
        for (const keys of [...list].reverse())
          succeed(node.call({ command: "DEL", config: configOf(node, keys, prevResult) }));
        return linkOf(node);
      });
      const first = { mac: MAC, mtu: 1500, txqlen: 1000, promiscuity: 0, promisc: false, allmulti: false };
      expect(mtus).toEqual([first, { ...first, mtu: 1400 }]);
    }
  });

  it("removes the file where the namespace, or the interface, is gone (W4)", () => {
    const gone: readonly [string, (node: TestNode) => Partial<PluginCall>][] = [
      ["no namespace", () => ({ netns: "" })],
      ["a namespace that is not there", () => ({ netns: "/run/netns/nonexistent" })],
      ["no interface", ({ container }) => ({ ifname: "eth0", args: container.ip("link delete eth0") })],
    ];
    for (const [what, prepare] of gone) {
      const left = [ourNode(tuning), peerNode("tuning")].map((node) => {
        const prevResult = addAll(node, { mtu: 1400 });
        expect(Object.keys(backups(node))).toEqual([FILE]);
        succeed(node.call({ command: "DEL", config: configOf(node, { mtu: 1400 }, prevResult), ...prepare(node) }));
        return Object.keys(backups(node));
      });
      expect([what, ...left]).toEqual([what, [], [FILE]]);
    }
  });

  it("does not mind what others do to promiscuous mode, in CHECK and in the backup (W5)", () => {
    const [ours, theirs] = [ourNode(tuning), peerNode("tuning")].map((node) => {
      const prevResult = addAll(node, { mtu: 1400 });
      node.container.ip("link add link eth0 name mac0 up type macvlan mode passthru");
      expect(linkOf(node)).toMatchObject({ promiscuity: 1, promisc: false });
      const { status } = node.call({ command: "CHECK", config: configOf(node, { mtu: 1400 }, prevResult) });
      succeed(node.call({ command: "DEL", config: configOf(node, { mtu: 1400 }, prevResult) }));
      const keys = { promisc: true };
      const again = succeed(node.call({ command: "ADD", config: configOf(node, keys, prevResult) }));
      succeed(node.call({ command: "DEL", config: configOf(node, keys, again) }));
      return [status, linkOf(node).promisc];
    });
    expect([ours, theirs]).toEqual([
      [0, false],
      [1, true],
    ]);
  });
});
