// The bandwidth plugin beside containernetworking/plugins' own: the same calls on nodes of their own, either implementation
// where the other has been at work, and what upstream does wrong.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { records } from "../../src/bandwidth/records.ts";
import { plugin as bandwidth } from "../../src/plugins/bandwidth/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { startBeside } from "../support/background.ts";
import { cli } from "../support/cli.ts";
import { ourNode, peerNode, peerOn, type TestNode } from "../support/differential.ts";
import { filters, ifbs, makePair, type Pair, qdiscs } from "../support/limited.ts";
import { makeNetns, requireNamespaces } from "../support/netns.ts";
import { type CallPlugin, inProcess, type PluginCall, type PluginOutcome, succeed } from "../support/plugin.ts";

beforeAll(() => requireNamespaces());

const MBIT = 1_000_000;
const CONTAINERD_BURST = 0xffffffff;
/** Of network "n" and container "c1": SUITE of names made from hashes, `echo -n nc1 | sha512sum`. */
const UPSTREAM_IFB = "bwp9b00b9b7c279";

const both = (rate: number, burst: number) => ({
  ...{ ingressRate: rate, ingressBurst: burst, egressRate: rate, egressBurst: burst },
});

const configOf = (keys: object, more: object = {}) => ({
  ...{ cniVersion: "1.0.0", name: "n", type: "bandwidth", capabilities: { bandwidth: true } },
  ...{ runtimeConfig: { bandwidth: keys }, ...more },
});

interface Setting {
  readonly node: TestNode;
  readonly pair: Pair;
}

function setting(node: TestNode): Setting {
  return { node, pair: makePair(node.node, node.container) };
}

const ours = (): Setting => setting(ourNode(bandwidth));
const theirs = (): Setting => setting(peerNode("bandwidth"));

/** Our plugin on any node. */
function oursOn({ node, container }: TestNode): CallPlugin {
  const call = inProcess(bandwidth);
  const attachment = { containerId: "c1", netns: container.path, ifname: "eth0" };
  return (given) => inNetns(node.fd, () => call({ ...attachment, ...given }));
}

function add({ node, pair }: Setting, keys: object, call = node.call, more: Partial<PluginCall> = {}): PluginOutcome {
  const config = configOf(keys, { prevResult: { cniVersion: "1.0.0", ...pair.prevResult } });
  return call({ command: "ADD", containerId: "c1", config, ...more });
}

function later(command: string, keys: object, prevResult: object | undefined, call: CallPlugin): PluginOutcome {
  const config = configOf(keys, prevResult === undefined ? {} : { prevResult });
  return call({ command, containerId: "c1", config });
}

/** What tc(8) and ip(8) tell of the limits on a node. */
function seen({ node: { node }, pair }: Setting): object {
  const [ifb] = node.ipJson("link show type ifb");
  const { mtu, txqlen, flags } = ifb ?? {};
  const roots = (dev: string) => qdiscs(node, dev).filter(({ root }) => root);
  return {
    pair: roots(pair.name),
    ifb: ifb && { name: ifb.ifname, mtu, txqlen, isUp: flags.includes("UP"), qdiscs: roots(ifb.ifname) },
    filters: filters(node, pair.name).map(({ protocol, options: { match, actions } }) => {
      return { protocol, match, to: actions?.[0]?.to_dev, action: actions?.[0]?.control_action?.type };
    }),
  };
}

describe("the same ADD", () => {
  it.each([
    ["1 Mbit/s, a second of burst", both(MBIT, MBIT)],
    ["10 Mbit/s", both(10 * MBIT, 2 * MBIT)],
    ["123 and 456 bits", both(123, 456)],
    ["1 Gbit/s", both(1000 * MBIT, 100 * MBIT)],
    ["10 Gbit/s", both(10_000 * MBIT, 80 * MBIT)],
    ["40 Gbit/s, which has more than 32 bits in bytes a second", both(40_000 * MBIT, 400 * MBIT)],
    ["one way only, to the container", { ingressRate: MBIT, ingressBurst: MBIT }],
    ["one way only, from the container", { egressRate: MBIT, egressBurst: MBIT }],
  ])("makes the same of %s, and returns the same", (_, keys) => {
    const [mine, other] = [ours(), theirs()];
    const results = [mine, other].map((one) => succeed(add(one, keys)));
    expect(seen(mine)).toEqual({ ...seen(other), ...(mine === other ? {} : {}) });
    const names = results.map(({ interfaces }) => interfaces.map(({ name }: { name: string }) => name));
    const tail = names.map((list: string[]) => list.slice(2));
    expect(tail[0]).toEqual(tail[1]);
    expect(results[0].ips.length).toBe(results[1].ips.length);
    expect(results[0].interfaces.at(-1)).toMatchObject(
      "egressRate" in keys ? { name: UPSTREAM_IFB, mac: expect.stringMatching(/^..:/) } : {},
    );
  });

  it("without limits returns the result, and makes nothing", () => {
    for (const one of [ours(), theirs()]) {
      const result = succeed(add(one, {}));
      expect(result.interfaces).toHaveLength(2);
      expect(seen(one)).toEqual({ pair: [], ifb: undefined, filters: [] });
    }
  });
});

describe("either implementation where the other has been", () => {
  const KEYS = both(10 * MBIT, 2 * MBIT);

  it("CHECK and DEL of ours take upstream's ADD", () => {
    const one = theirs();
    const call = oursOn(one.node);
    const result = succeed(add(one, KEYS));
    expect(later("CHECK", KEYS, result, call)).toMatchObject({ status: 0 });
    expect(later("CHECK", both(20 * MBIT, 2 * MBIT), result, call).json.msg).toContain("rate 1250000bps");
    expect(later("DEL", KEYS, result, call)).toMatchObject({ status: 0 });
    expect(ifbs(one.node.node)).toEqual([]);
  });

  it("DEL of ours needs no prevResult for it", () => {
    const one = theirs();
    succeed(add(one, KEYS));
    expect(later("DEL", {}, undefined, oursOn(one.node))).toMatchObject({ status: 0 });
    expect(ifbs(one.node.node)).toEqual([]);
  });

  it("CHECK and DEL of upstream's take our ADD", () => {
    const one = ours();
    const call = peerOn(one.node, "bandwidth");
    const result = succeed(add(one, KEYS));
    expect(later("CHECK", KEYS, result, call)).toMatchObject({ status: 0 });
    expect(later("DEL", KEYS, result, call)).toMatchObject({ status: 0 });
    expect(ifbs(one.node.node)).toEqual([]);
  });

  it("ADD of ours takes over what upstream's has made, and what it has left half done", () => {
    const one = theirs();
    const call = oursOn(one.node);
    succeed(add(one, KEYS));
    const before = filters(one.node.node, one.pair.name);
    succeed(add(one, both(20 * MBIT, 2 * MBIT), call));
    const after = filters(one.node.node, one.pair.name);
    expect([before.length, after.length]).toEqual([1, 1]);
    expect(ifbs(one.node.node)).toEqual([UPSTREAM_IFB]);
    expect(qdiscs(one.node.node, UPSTREAM_IFB)).toMatchObject([{ options: { rate: 2_500_000 } }]);
    one.node.node.exec("tc", "qdisc", "delete", "dev", UPSTREAM_IFB, "root");
    one.node.node.ip(`link set ${UPSTREAM_IFB} alias x`);
    expect(later("CHECK", both(20 * MBIT, 2 * MBIT), undefined, call).status).toBe(1);
  });

  it("CHECK of ours takes upstream's numbers for containerd's burst", () => {
    const one = theirs();
    const keys = both(10 * MBIT, CONTAINERD_BURST);
    const result = succeed(add(one, keys));
    expect(qdiscs(one.node.node, one.pair.name)).toMatchObject([{ options: { burst: 193273526 } }, {}]);
    expect(later("CHECK", keys, result, oursOn(one.node)).json).toBeUndefined();
  });
});

describe("wrong upstream, right here", () => {
  const KEYS = both(10 * MBIT, 2 * MBIT);

  it("W1, W3, D32: containerd's burst bounds neither the bucket's numbers nor what waits", () => {
    const [mine, other] = [ours(), theirs()];
    const keys = both(10 * MBIT, CONTAINERD_BURST);
    for (const one of [mine, other]) succeed(add(one, keys));
    const options = (one: Setting) => qdiscs(one.node.node, one.pair.name)[0]?.options;
    expect(options(other)).toMatchObject({ limit: 536_902_161 });
    expect(options(mine)).toMatchObject({ rate: 1_250_000, limit: 104_978 });
  });

  it("W2, D18: no prevResult is an error, no crash", () => {
    const [mine, other] = [ours(), theirs()];
    const call = (one: Setting) => one.node.call({ command: "ADD", containerId: "c1", config: configOf({}) });
    expect(call(other)).toMatchObject({ status: 2, stdout: "" });
    expect(call(mine).json).toMatchObject({ code: 7, msg: expect.stringContaining("prevResult") });
  });

  it("W4: two interfaces of a container on one network have limits of their own", () => {
    const [mine, other] = [ours(), theirs()];
    const [first, second] = [mine, other].map((one) => {
      succeed(add(one, KEYS));
      const pair = makePair(one.node.node, one.node.container, "eth1");
      const config = configOf(both(20 * MBIT, 4 * MBIT), { prevResult: { cniVersion: "1.0.0", ...pair.prevResult } });
      return one.node.call({ command: "ADD", containerId: "c1", ifname: "eth1", config });
    });
    expect(second?.json.msg).toContain("file exists");
    const names: string[] = succeed(first ?? ({} as PluginOutcome)).interfaces.map(
      ({ name }: { name: string }) => name,
    );
    expect(names.at(-1)).toMatch(/^bwe/);
    expect(ifbs(mine.node.node)).toHaveLength(2);
    const del = (ifname: string) => mine.node.call({ command: "DEL", containerId: "c1", ifname, config: configOf({}) });
    expect(del("eth1")).toMatchObject({ status: 0 });
    expect(del("eth1")).toMatchObject({ status: 0 });
    expect(ifbs(mine.node.node)).toEqual([UPSTREAM_IFB]);
    expect(later("CHECK", KEYS, mine.pair.prevResult, mine.node.call).json).toBeUndefined();
    expect(del("eth0")).toMatchObject({ status: 0 });
    expect(ifbs(mine.node.node)).toEqual([]);
  });

  it.each(["clsact", "ingress"])("W5, D33: a %s that is there is used, and keeps its own filters", (kind) => {
    const [mine, other] = [ours(), theirs()];
    for (const {
      node: { node },
      pair,
    } of [mine, other]) {
      node.exec("tc", "qdisc", "add", "dev", pair.name, kind);
      const match = "protocol ip pref 1 u32 match ip dst 192.0.2.1/32 flowid 1:9".split(" ");
      node.exec("tc", "filter", "add", "dev", pair.name, "parent", kind === "clsact" ? "ffff:fff2" : "ffff:", ...match);
    }
    expect(add(other, KEYS).json.msg).toContain("create ingress qdisc: file exists");
    expect(ifbs(other.node.node)).toHaveLength(1);
    const outcome = add(mine, KEYS);
    const result = succeed(outcome);
    expect(outcome.stderr).toMatch(/filters of others come first at pair\d+ ingress \(u32 pref 1\)/);
    expect(later("CHECK", KEYS, result, mine.node.call).json).toBeUndefined();
    const { node } = mine.node;
    expect(filters(node, mine.pair.name).map(({ pref }) => pref)).toEqual([1, 65535]);
    expect(later("DEL", KEYS, result, mine.node.call)).toMatchObject({ status: 0 });
    expect(filters(node, mine.pair.name).map(({ pref }) => pref)).toEqual([1]);
    expect(qdiscs(node, mine.pair.name).map((one) => one.kind)).toEqual([kind]);
  });

  it("W6: CHECK without limits asks for no veth", () => {
    const [mine, other] = [ours(), theirs()];
    for (const { node } of [mine, other]) {
      node.container.ip("link delete eth0");
      node.container.ip("link add eth0 type bridge");
    }
    const check = (one: Setting) => later("CHECK", {}, one.pair.prevResult, one.node.call);
    expect(check(other).json.msg).toContain("has no veth peer");
    expect(check(mine)).toMatchObject({ status: 0 });
  });

  it("W7, D34: CHECK sees that the tbf is another discipline", () => {
    const [mine, other] = [ours(), theirs()];
    const [first, second] = [mine, other].map((one) => {
      const result = succeed(add(one, KEYS));
      one.node.node.exec("tc", "qdisc", "replace", "dev", one.pair.name, "root", "handle", "7:", "pfifo");
      return later("CHECK", KEYS, result, one.node.call);
    });
    expect(second).toMatchObject({ status: 0 });
    expect(first?.json.msg).toMatch(/ingress: the root of pair\d+ is pfifo, not tbf/);
  });

  it("W8: an ADD that fails leaves nothing", () => {
    const [mine, other] = [ours(), theirs()];
    for (const {
      node: { node },
      pair,
    } of [mine, other]) {
      node.exec("tc", "qdisc", "add", "dev", pair.name, "clsact");
      // A filter of another kind where ours goes.
      node.exec(
        "tc",
        "filter",
        "add",
        "dev",
        pair.name,
        "ingress",
        "protocol",
        "ip",
        "pref",
        "65535",
        "u32",
        "match",
        "u32",
        "0",
        "0",
        "flowid",
        "1:9",
      );
    }
    expect(add(other, KEYS).status).toBe(1);
    expect(ifbs(other.node.node)).toHaveLength(1);
    const { json } = add(mine, KEYS);
    expect(json.msg).toMatch(/cannot filter add dev pair\d+ ingress protocol all pref 65535 u32/);
    expect(ifbs(mine.node.node)).toEqual([]);
    expect(qdiscs(mine.node.node, mine.pair.name).map(({ kind }) => kind)).toEqual(["clsact"]);
  });

  it("W9: without a veth peer on the node the container's own link has the limits", () => {
    const [mine, other] = [ours(), theirs()];
    const prepare = ({ node }: Setting): object => {
      node.container.ip("link delete eth0");
      node.node.ip("link add low up type bridge");
      node.node.ip(`link add link low name mv0 netns ${node.container.name} type macvlan mode bridge`);
      node.container.ip("link set mv0 name eth0 up");
      return { cniVersion: "1.0.0", interfaces: [{ name: "eth0", sandbox: node.container.path }] };
    };
    const [first, second] = [mine, other].map((one) => {
      const config = configOf(KEYS, { prevResult: prepare(one) });
      return one.node.call({ command: "ADD", containerId: "c1", config });
    });
    expect(second?.json.msg).toContain("has no veth peer");
    const result = succeed(first ?? ({} as PluginOutcome));
    const { container } = mine.node;
    expect(result.interfaces.at(-1)).toMatchObject({ name: expect.stringMatching(/^bwi/), sandbox: container.path });
    expect(ifbs(mine.node.node)).toEqual([]);
    expect(qdiscs(container, "eth0").map(({ kind }) => kind)).toEqual(["tbf", "clsact"]);
    expect(later("CHECK", KEYS, result, mine.node.call).json).toBeUndefined();
    expect(later("DEL", KEYS, result, mine.node.call)).toMatchObject({ status: 0 });
    expect(ifbs(container)).toEqual([]);
    expect(qdiscs(container, "eth0")).toEqual([]);
  });

  it("W9: nor does a veth whose peer is in a third namespace fool it by its index", () => {
    const mine = ours();
    const third = makeNetns();
    onTestFinished(() => third.remove());
    const { node, container } = mine.node;
    const [{ ifindex }] = container.ipJson("link show eth0");
    const [{ ifindex: peer }] = node.ipJson(`link show ${mine.pair.name}`);
    container.ip("link delete eth0");
    // The same indexes at both ends of another pair, and at the node's end of the pair of another container.
    third.ip(`link add p index ${peer} up type veth peer name eth0 index ${ifindex} netns ${container.name}`);
    const stranger = makeNetns();
    onTestFinished(() => stranger.remove());
    node.ip(`link add other index ${peer} up type veth peer name eth0 index ${ifindex} netns ${stranger.name}`);
    container.ip("link set eth0 up");
    const result = succeed(add(mine, KEYS));
    expect(result.interfaces.at(-1)).toMatchObject({ sandbox: container.path });
    expect(qdiscs(node, "other")).toEqual([]);
    expect(later("DEL", KEYS, result, mine.node.call)).toMatchObject({ status: 0 });
  });

  it("W10: DEL reads no rates", () => {
    const [mine, other] = [ours(), theirs()];
    const [first, second] = [mine, other].map((one) => {
      succeed(add(one, KEYS));
      return later("DEL", { ingressRate: 5 }, undefined, one.node.call);
    });
    expect(second?.json.msg).toContain("burst must also be set");
    expect(first).toMatchObject({ status: 0 });
    expect([ifbs(mine.node.node).length, ifbs(other.node.node).length]).toEqual([0, 1]);
  });

  it.each([
    ["ingressRate", { ingressRate: 7, ingressBurst: 800 }],
    ["egressRate", { egressRate: 7, egressBurst: 800 }],
    ["egressBurst", { egressRate: 800, egressBurst: 7 }],
    ["egressBurst", { egressRate: 800, egressBurst: 8 * 0xffffffff }],
    ["ingressBurst", { ingressRate: 800 }],
    ["ingressRate", { ingressBurst: 800 }],
    ["ingressRate", { ingressRate: -1, ingressBurst: 800 }],
    ["ingressRate", { ingressRate: 2 ** 53, ingressBurst: 800 }],
  ])("W11: a wrong %s is named with code 7, and nothing is made: %j", (key, keys) => {
    const mine = ours();
    expect(add(mine, keys).json).toMatchObject({
      code: 7,
      msg: expect.stringContaining(`runtimeConfig.bandwidth.${key}`),
    });
    expect(seen(mine)).toEqual({ pair: [], ifb: undefined, filters: [] });
  });

  it("D33: a second ADD changes the limits, and makes nothing twice", () => {
    const [mine, other] = [ours(), theirs()];
    for (const one of [mine, other]) succeed(add(one, KEYS));
    expect(add(other, KEYS).json.msg).toContain("file exists");
    succeed(add(mine, KEYS));
    const keys = both(20 * MBIT, 4 * MBIT);
    const result = succeed(add(mine, keys));
    expect(result.interfaces.map(({ name }: { name: string }) => name)).toEqual([mine.pair.name, "eth0", UPSTREAM_IFB]);
    expect(filters(mine.node.node, mine.pair.name)).toHaveLength(1);
    expect(later("CHECK", keys, result, mine.node.call).json).toBeUndefined();
    expect(later("CHECK", KEYS, result, mine.node.call).json.msg).toContain("rate 2500000bps");
  });
});

describe("bauta adopt", () => {
  // The attachment has the same name in every test of this file, and bauta adopt passes over what has a record.
  const forget = (): void => {
    for (const path of ["/var/lib/cni/results", records.directory]) rmSync(path, { recursive: true, force: true });
  };
  beforeEach(forget);
  afterEach(forget);

  const KEYS = both(10 * MBIT, 2 * MBIT);
  const adopt = ({ node }: Setting, ...options: readonly string[]) =>
    inNetns(node.node.fd, () => cli(["adopt", ...options]));

  /** Keeps what libcni keeps of the container, with the runtime's word on its limits. */
  function keep({ node }: Setting, result: object, keys: object): void {
    const plugin = { type: "bandwidth", capabilities: { bandwidth: true } };
    const list = { cniVersion: "1.0.0", name: "n", plugins: [{ type: "bridge" }, plugin] };
    const kept = {
      ...{ kind: "cniCacheV1", containerId: "c1", ifName: "eth0", networkName: "n", netns: node.container.path },
      ...{ config: Buffer.from(JSON.stringify(list)).toString("base64"), capabilityArgs: { bandwidth: keys }, result },
    };
    mkdirSync("/var/lib/cni/results", { recursive: true });
    writeFileSync("/var/lib/cni/results/n-c1-eth0", JSON.stringify(kept));
  }

  it("makes upstream's limits ours, while packets flow: none is lost, and no bucket is made anew", async () => {
    const one = theirs();
    const result = succeed(add(one, KEYS));
    keep(one, result, KEYS);
    const { node, container } = one.node;
    const gateway = result.ips[0].address.replace(/\.2\/24$/, ".1");
    const before = seen(one);
    const counted = (): number =>
      Number(/Sent \d+ bytes (\d+) pkt/.exec(node.exec("tc", "-s", "qdisc", "show", "dev", UPSTREAM_IFB))?.[1]);
    const flow = startBeside("ping", ["-n", "-i", "0.01", "-c", "200", gateway], { netns: container });
    await flow.prints(/icmp_seq=20 /);
    const passed = counted();
    expect(adopt(one, "--dry-run")).toEqual({
      status: 0,
      stdout: expect.stringContaining("would adopt 1 attachment\n"),
      stderr: "",
    });
    expect(node.ipJson(`link show ${UPSTREAM_IFB}`)[0].ifalias).toBeUndefined();
    const outcome = adopt(one);
    expect(outcome).toEqual({
      status: 0,
      stdout: "n c1 eth0 ingress 10Mbit egress 10Mbit\nadopted 1 attachment\n",
      stderr: "",
    });
    expect(flow.printed()).not.toContain("packet loss");
    expect([await flow.ends(), flow.printed()]).toEqual([0, expect.stringContaining(" 0% packet loss")]);
    expect([seen(one), counted() >= passed + 100]).toEqual([before, true]);
    expect(node.ipJson(`link show ${UPSTREAM_IFB}`)[0].ifalias).toBe("bauta: n eth0 c1");
    const call = oursOn(one.node);
    expect(later("CHECK", KEYS, result, call)).toMatchObject({ status: 0 });
    expect(inNetns(node.fd, () => cli(["list"])).stdout).toMatch(/egress 10Mbit +bandwidth pair/);
    expect(adopt(one).stdout).toContain("adopted 0 attachments");
    // What is ours is put back, too.
    node.exec("tc", "qdisc", "delete", "dev", UPSTREAM_IFB, "root");
    expect(inNetns(node.fd, () => cli(["restore"])).status).toBe(0);
    expect(later("CHECK", KEYS, result, call)).toMatchObject({ status: 0 });
    expect(later("DEL", KEYS, result, call)).toMatchObject({ status: 0 });
    // An ingress without filters goes with the pair, as upstream's DEL leaves it.
    const rest = qdiscs(node, one.pair.name).map(({ kind }) => kind);
    expect([ifbs(node), rest, records.list()]).toEqual([[], ["ingress"], []]);
  });

  it("takes upstream's numbers for containerd's burst as they are", () => {
    const one = theirs();
    const keys = both(10 * MBIT, CONTAINERD_BURST);
    keep(one, succeed(add(one, keys)), keys);
    const before = seen(one);
    expect(adopt(one)).toMatchObject({ status: 0, stderr: "" });
    expect(seen(one)).toEqual(before);
  });

  it("leaves what nobody knows, and what is otherwise than the runtime's record says, and tells", () => {
    const one = theirs();
    const result = succeed(add(one, KEYS));
    expect(adopt(one)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`the interface ${UPSTREAM_IFB} stays`),
    });
    keep(one, result, both(20 * MBIT, 2 * MBIT));
    const { status, stderr } = adopt(one);
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining("the limits of n eth0 c1 stay: ingress: the tbf of pair"),
    ]);
    // The record tells whose the interface is.
    expect(stderr).not.toContain("the interface");
    expect(one.node.node.ipJson(`link show ${UPSTREAM_IFB}`)[0].ifalias).toBeUndefined();
    keep(one, result, {});
    expect(adopt(one).stderr).toContain(`the interface ${UPSTREAM_IFB} stays`);
    expect(records.list()).toEqual([]);
  });

  it("tells of an interface whose container is gone", () => {
    const one = theirs();
    keep(one, succeed(add(one, KEYS)), KEYS);
    one.node.container.ip("link delete eth0");
    const { status, stderr } = adopt(one);
    const told = `the interface ${UPSTREAM_IFB} stays: no packets of n eth0 c1 go there`;
    expect([status, stderr]).toEqual([1, expect.stringContaining(told)]);
  });

  it.each(["not base64", "abcde", "AAAA"])("tells of a record with the list %j, and goes on", (config) => {
    const one = theirs();
    keep(one, succeed(add(one, KEYS)), KEYS);
    const path = "/var/lib/cni/results/n-broken-eth0";
    const names = { containerId: "broken", ifName: "eth0", networkName: "n" };
    writeFileSync(path, JSON.stringify({ ...names, config, result: {} }));
    const { status, stdout, stderr } = adopt(one);
    expect([status, stdout]).toEqual([1, expect.stringContaining("adopted 1 attachment")]);
    expect(stderr).toContain(`${path}: `);
  });
});
