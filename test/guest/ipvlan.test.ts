// The ipvlan plugin. Runs in guests only (npm run test:kernels): it takes the kernel's module ipvlan.

import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { plugin as ipvlan } from "../../src/plugins/ipvlan/plugin.ts";
import { plugin as macvlan } from "../../src/plugins/macvlan/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { isAnswered, ping } from "../support/outside.ts";
import { type CallPlugin, inProcess, succeed } from "../support/plugin.ts";
import { anotherContainer, connectUplink, linkOf, linksOf, ROUTER, UPLINK } from "../support/uplink.ts";
import { hostLocal, reservations, runUpperSuite } from "../support/upper-suite.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations, and whatever ip(8) prints
type Json = any;

runUpperSuite({ plugin: ipvlan, sharesMac: true, takesDefaultRoute: true });

const configOf = (more: Json = {}): Json => ({
  ...{ cniVersion: "1.1.0", name: "net1", type: "ipvlan", master: UPLINK, ...more },
});
const notes = (): string[] => (existsSync("/run/bauta/ipvlan") ? readdirSync("/run/bauta/ipvlan") : []);
const modeOf = (info: Json): string => info.linkinfo.info_data.mode;
const other = (node: TestNode, plugin: Parameters<typeof inProcess>[0]): CallPlugin => {
  const call = inProcess(plugin);
  const names = { containerId: "container-1", netns: node.container.path, ifname: "eth0" };
  return (given) => inNetns(node.node.fd, () => call({ ...names, ...given }));
};

describe("ipvlan's modes", () => {
  it("all ipvlans of one master have one mode, and an ADD with another is refused, naming both (D44)", () => {
    const node = ourNode(ipvlan);
    connectUplink(node);
    const config = configOf({ mode: "l3", ...hostLocal(node, "10.77.0.0/24") });
    const first = succeed(node.call({ command: "ADD", config }));
    const { netns, call } = anotherContainer();
    for (const [keys, wanted] of [
      [{ mode: "l2" }, "l2"],
      [{ mode: "l3s" }, "l3s"],
      [{ mode: "l3", flags: "private" }, "l3 private"],
    ] as const) {
      const { json } = node.call({ command: "ADD", config: { ...config, ...keys }, ...call });
      expect(json).toMatchObject({ code: 7 });
      expect(json.msg).toBe(
        `mode: ${wanted} cannot be beside l3, which "eth0" in ${node.container.path} has: all ipvlans of "${UPLINK}" have one mode`,
      );
      expect([linksOf(netns), reservations(node), modeOf(linkOf(node.container))]).toEqual([
        ["lo"],
        ["10.77.0.10"],
        "l3",
      ]);
    }
    succeed(node.call({ command: "ADD", config, ...call }));
    for (const given of [{ config: { ...config, prevResult: first } }, { config, ...call }]) {
      succeed(node.call({ command: "DEL", ...given }));
    }
    // Nobody is left whose mode could change.
    succeed(node.call({ command: "ADD", config: { ...config, mode: "l2" } }));
    expect(modeOf(linkOf(node.container))).toBe("l2");
  });

  it("the mode that counts is what there is, whatever ADDs before have noted", () => {
    const node = ourNode(ipvlan);
    connectUplink(node);
    const config = configOf(hostLocal(node, "10.77.0.0/24"));
    succeed(node.call({ command: "ADD", config }));
    succeed(node.call({ command: "DEL", config }));
    const { netns } = anotherContainer();
    node.node.ip(`link add link ${UPLINK} name theirs netns ${netns.name} type ipvlan mode l3`);
    const { json } = node.call({ command: "ADD", config });
    expect(json.msg).toContain(`l2 cannot be beside l3, which "theirs" in ${netns.path} has`);
    expect(linksOf(node.container)).toEqual(["lo"]);
  });

  it("a master in the container has ipvlans there, of one mode, and an ADD leaves no note and no lock of it", () => {
    const node = ourNode(ipvlan);
    node.container.ip("link add inside type veth peer name edisni");
    node.container.ip("link set inside up");
    const config = configOf({
      master: "inside",
      linkInContainer: true,
      mode: "l3",
      ...hostLocal(node, "10.77.0.0/24"),
    });
    const before = notes();
    succeed(node.call({ command: "ADD", config }));
    const second = { config: { ...config, mode: "l2" }, ifname: "net2" };
    expect(node.call({ command: "ADD", ...second }).json.msg).toContain('l2 cannot be beside l3, which "eth0" has');
    succeed(node.call({ command: "ADD", config, ifname: "net2" }));
    expect(notes()).toEqual(before);
  });

  it("one that somebody else has made has a mode, too, of one mode with ours", () => {
    const node = ourNode(ipvlan);
    connectUplink(node);
    node.node.ip(`link add link ${UPLINK} name theirs type ipvlan mode l3s`);
    const config = configOf(hostLocal(node, "10.77.0.0/24"));
    expect(node.call({ command: "ADD", config }).json.msg).toContain('l2 cannot be beside l3s, which "theirs" has');
    succeed(node.call({ command: "ADD", config: { ...config, mode: "l3s" } }));
  });

  it.each(["l2", "l3", "l3s"])("%s carries packets between containers", (mode) => {
    const node = ourNode(ipvlan);
    connectUplink(node);
    const config = configOf({ mode, ...hostLocal(node, "10.77.0.0/24", "fd00:77::/64") });
    succeed(node.call({ command: "ADD", config }));
    const { netns, call } = anotherContainer();
    succeed(node.call({ command: "ADD", config, ...call }));
    for (const address of ["10.77.0.10", "fd00:77::10"]) ping(netns, address);
  });

  it.each(["private", "vepa"])("the flag %s is set, and keeps containers from reaching each other", (flags) => {
    const node = ourNode(ipvlan);
    connectUplink(node);
    const config = configOf({ flags, ...hostLocal(node, "10.77.0.0/24") });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    expect(linkOf(node.container).linkinfo.info_data).toMatchObject({ [flags]: true });
    const { netns, call } = anotherContainer();
    succeed(node.call({ command: "ADD", config, ...call }));
    for (const one of [node.container, netns]) ping(one, ROUTER[4]);
    // Without a flag they reach each other: see above.
    expect(isAnswered(netns, "10.77.0.10")).toBe(false);
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
    const changed = { ...config, flags: undefined, prevResult };
    expect(node.call({ command: "CHECK", config: changed }).json.msg).toContain(`has the mode l2 ${flags}, not l2`);
  });

  it("a mode that somebody has changed is noticed by CHECK", () => {
    const node = ourNode(ipvlan);
    connectUplink(node);
    const config = configOf(hostLocal(node, "10.77.0.0/24"));
    const prevResult = succeed(node.call({ command: "ADD", config }));
    node.container.ip("link set eth0 type ipvlan mode l3");
    expect(node.call({ command: "CHECK", config: { ...config, prevResult } }).json.msg).toContain("mode l3, not l2");
  });

  it("an ipvlan as master has a mode that the new one must have, too", () => {
    const node = ourNode(ipvlan);
    connectUplink(node);
    node.node.ip(`link add link ${UPLINK} name theirs up type ipvlan mode l3`);
    const config = configOf({ master: "theirs", ...hostLocal(node, "10.77.0.0/24") });
    expect(node.call({ command: "ADD", config }).json.msg).toContain("l2 cannot be beside l3, which theirs has");
    const prevResult = succeed(node.call({ command: "ADD", config: { ...config, mode: "l3" } }));
    succeed(node.call({ command: "CHECK", config: { ...config, mode: "l3", prevResult } }));
  });
});

describe("ipvlan behind another plugin", () => {
  it("hangs on the interface of that and takes its addresses", () => {
    const node = ourNode(ipvlan);
    connectUplink(node);
    const chained = configOf({ type: "macvlan", ...hostLocal(node, "10.77.0.0/24", "fd00:77::/64") });
    const before = succeed(other(node, macvlan)({ command: "ADD", config: chained, ifname: "mac0" }));
    const config = configOf({ master: undefined, linkInContainer: true, mode: "l3", prevResult: before });
    const outcome = node.call({ command: "ADD", config });
    const result = succeed(outcome);
    expect(result.interfaces).toMatchObject([{ name: "eth0" }]);
    expect([result.ips, result.routes]).toEqual([before.ips, before.routes]);
    expect(linkOf(node.container)).toMatchObject({ link: "mac0" });
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult: result } }));
    // A later plugin has added an interface to the result.
    const final = { ...result, interfaces: [...result.interfaces, { name: "more" }] };
    succeed(node.call({ command: "DEL", config: { ...config, prevResult: final } }));
    expect(linksOf(node.container)).toEqual(["lo", "mac0"]);
  });

  it.each([
    ["no interface", []],
    ["two", [{ name: "a" }, { name: "b" }]],
    ["one without a name", [{ name: "" }]],
  ])("is refused where that has made %s", (_, interfaces) => {
    const node = ourNode(ipvlan);
    connectUplink(node);
    const prevResult = { cniVersion: "1.1.0", interfaces, ips: [{ address: "10.77.0.5/24" }] };
    const { json } = node.call({ command: "ADD", config: configOf({ master: undefined, prevResult }) });
    expect(json).toMatchObject({ code: 7, msg: expect.stringContaining("has not made exactly one interface") });
    expect(linksOf(node.container)).toEqual(["lo"]);
  });
});

it("macvlan and ipvlan do not take each other's master, and say who has it", () => {
  const node = ourNode(ipvlan);
  connectUplink(node);
  const callMacvlan = other(node, macvlan);
  const config = configOf(hostLocal(node, "10.77.0.0/24"));
  const second = anotherContainer();
  succeed(node.call({ command: "ADD", config }));
  const refused = callMacvlan({ command: "ADD", config: { ...config, type: "macvlan" }, ...second.call });
  expect(refused.json).toMatchObject({ code: 7 });
  expect(refused.json.msg).toContain(`"${UPLINK}" is in use by ipvlan "eth0" in ${node.container.path}`);
  succeed(node.call({ command: "DEL", config }));
  succeed(callMacvlan({ command: "ADD", config: { ...config, type: "macvlan" }, ...second.call }));
  const { json } = node.call({ command: "ADD", config });
  expect(json.msg).toContain(`"${UPLINK}" is in use by macvlan "eth0" in ${second.netns.path}`);
  expect(linksOf(node.container)).toEqual(["lo"]);
});
