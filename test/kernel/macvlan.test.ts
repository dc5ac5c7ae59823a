// The macvlan plugin: what it has in common with ipvlan and vlan, and its own.

import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { plugin as dummy } from "../../src/plugins/dummy/plugin.ts";
import { plugin as ipvlan } from "../../src/plugins/ipvlan/plugin.ts";
import { plugin as macvlan } from "../../src/plugins/macvlan/plugin.ts";
import { plugin as vlan } from "../../src/plugins/vlan/plugin.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { FrameListener } from "../support/frames.ts";
import { poll, requireNamespaces, type TestNetns } from "../support/netns.ts";
import { isAnswered, ping } from "../support/outside.ts";
import { succeed } from "../support/plugin.ts";
import { anotherContainer, connectUplink, linkOf, linksOf, ROUTER, UPLINK } from "../support/uplink.ts";
import { hostLocal, runUpperSuite } from "../support/upper-suite.ts";

beforeAll(() => requireNamespaces());

runUpperSuite({ plugin: macvlan, sharesMac: false, takesDefaultRoute: true });

// biome-ignore lint/suspicious/noExplicitAny: configurations, and whatever a plugin or ip(8) prints
type Json = any;

const configOf = (more: Json = {}): Json => ({
  ...{ cniVersion: "1.1.0", name: "net1", type: "macvlan", master: UPLINK, ...more },
});

function onLan(): { readonly node: TestNode; readonly router: TestNetns } {
  const node = ourNode(macvlan);
  return { node, router: connectUplink(node) };
}

describe("macvlan's keys", () => {
  it.each(["bridge", "private", "vepa"])("mode %s", (mode) => {
    const { node } = onLan();
    const config = configOf({ mode, ...hostLocal(node, "10.77.0.0/24") });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    expect(linkOf(node.container).linkinfo.info_data.mode).toBe(mode);
    ping(node.container, ROUTER[4]);
    const { netns, call } = anotherContainer();
    succeed(node.call({ command: "ADD", config, ...call }));
    if (mode === "bridge") ping(netns, "10.77.0.10");
    else expect(isAnswered(netns, "10.77.0.10")).toBe(false);
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
    const changed = { ...config, mode: mode === "vepa" ? "" : "vepa", prevResult };
    expect(node.call({ command: "CHECK", config: changed }).json.msg).toContain(`has the mode ${mode}, not`);
  });

  it("mode and mac that are empty, null or absent leave the default", () => {
    const { node } = onLan();
    const config = configOf({ mode: "", mac: "", bcqueuelen: null, linkInContainer: null, mtu: 0 });
    succeed(node.call({ command: "ADD", config }));
    expect(linkOf(node.container).linkinfo.info_data.mode).toBe("bridge");
  });

  it("bcqueuelen is what broadcast frames wait for", () => {
    const { node } = onLan();
    succeed(node.call({ command: "ADD", config: configOf({ bcqueuelen: 77 }) }));
    const { bcqueuelen } = linkOf(node.container).linkinfo.info_data;
    expect([77, undefined]).toContain(bcqueuelen); // Linux before 5.11 has one length for all
  });

  it.each<readonly [string, Json, string, string]>([
    ["the network's own", { mac: "0A-00-00-00-00-01" }, "", "0a:00:00:00:00:01"],
    [
      "that of CNI_ARGS before it",
      { mac: "nonsense" },
      "IgnoreUnknown=1;K8S=x;MAC=0A:00:00:00:00:02",
      "0a:00:00:00:00:02",
    ],
    [
      "the runtime's before both",
      { mac: "0a:00:00:00:00:01", runtimeConfig: { mac: "0a00.0000.0003" } },
      "MAC=0a:00:00:00:00:02",
      "0a:00:00:00:00:03",
    ],
  ])("the MAC address is %s", (_, keys, args, mac) => {
    const { node } = onLan();
    const result = succeed(node.call({ command: "ADD", config: configOf(keys), args }));
    expect([result.interfaces[0].mac, linkOf(node.container).address]).toEqual([mac, mac]);
  });

  it.each<readonly [string, Json, string, number, string]>([
    ["an unknown key of CNI_ARGS", {}, "FOO=1", 4, "CNI_ARGS: this plugin does not know FOO"],
    ["a multicast address", { mac: "01:00:5e:00:00:01" }, "", 7, "multicast"],
    ["what is no address", { mac: "zz" }, "", 7, 'mac: "zz" is not a MAC address'],
    ["a queue that is too long", { bcqueuelen: 4294967296 }, "", 7, "bcqueuelen: 4294967296 is not a number"],
  ])("%s is refused, but not by DEL", (_, keys, args, code, message) => {
    const { node } = onLan();
    const config = configOf(keys);
    expect(node.call({ command: "ADD", config, args }).json).toMatchObject({
      code,
      msg: expect.stringContaining(message),
    });
    expect(linksOf(node.container)).toEqual(["lo"]);
    succeed(node.call({ command: "DEL", config, args }));
  });

  it("enabledad has the kernel look for duplicates, and leaves nothing where there is one", () => {
    const { node } = onLan();
    const ipam = { type: "static", addresses: [{ address: `${ROUTER[6]}/64` }] };
    const { json } = node.call({ command: "ADD", config: configOf({ enabledad: true, ipam }) });
    expect(json.msg).toContain(`already has the address ${ROUTER[6]}`);
    expect(linksOf(node.container)).toEqual(["lo"]);
    const free = { ...ipam, addresses: [{ address: "fd00:77::7/64" }] };
    succeed(node.call({ command: "ADD", config: configOf({ enabledad: true, ipam: free }) }));
    expect(node.container.ipJson("-6 address show dev eth0 tentative")).toEqual([]);
  });

  it("neighbours hear of both addresses when the interface comes up", () => {
    const { node, router } = onLan();
    const listener = FrameListener.open(router, "lan");
    onTestFinished(() => listener.close());
    const config = configOf(hostLocal(node, "10.77.0.0/24", "fd00:77::/64"));
    const { interfaces } = succeed(node.call({ command: "ADD", config }));
    const source = interfaces[0].mac.replaceAll(":", "");
    const heard = new Set<string>();
    poll("both announcements", () => {
      for (const { bytes } of listener.heard()) {
        const frame = Buffer.from(bytes).toString("hex");
        if (frame.slice(12, 24) !== source) continue;
        if (frame.slice(24, 28) === "0806" && frame.includes("0a4d000a")) heard.add("ARP of 10.77.0.10");
        if (/^86dd/.test(frame.slice(24)) && frame.slice(108, 110) === "88") heard.add("advertisement");
      }
      return heard.size === 2;
    });
  });
});

describe("macvlan's passthru", () => {
  it("takes the master to itself: beside others neither is made, and the error says who is there (W5)", () => {
    const { node } = onLan();
    const { netns, call } = anotherContainer();
    const [some, alone] = [configOf(), configOf({ mode: "passthru" })];
    succeed(node.call({ command: "ADD", config: some }));
    const late = node.call({ command: "ADD", config: alone, ...call }).json;
    expect(late).toMatchObject({ code: 7 });
    expect(late.msg).toBe(
      `mode: "passthru" takes "${UPLINK}" for itself, which has "eth0" in ${node.container.path} already`,
    );
    succeed(node.call({ command: "DEL", config: some }));
    const prevResult = succeed(node.call({ command: "ADD", config: alone, ...call }));
    const { json } = node.call({ command: "ADD", config: some });
    expect(json).toMatchObject({ code: 7 });
    expect(json.msg).toContain(`"eth0" in ${netns.path} has "${UPLINK}" in mode "passthru"`);
    expect(linksOf(node.container)).toEqual(["lo"]);
    succeed(node.call({ command: "CHECK", config: { ...alone, prevResult }, ...call }));
  });

  it("gives the master its own MAC address back (W6)", () => {
    const { node } = onLan();
    const master = (): string => linkOf(node.node, UPLINK).address;
    const before = master();
    const config = configOf({ mode: "passthru", mac: "0a:00:00:00:00:66", ...hostLocal(node, "10.77.0.0/24") });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    expect(prevResult.interfaces).toMatchObject([{ mac: "0a:00:00:00:00:66" }]);
    expect([linkOf(node.container).address, master()]).toEqual(["0a:00:00:00:00:66", "0a:00:00:00:00:66"]);
    ping(node.container, ROUTER[4]);
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
    expect(master()).toBe(before);
    // Without an address it has the master's.
    succeed(node.call({ command: "ADD", config: configOf({ mode: "passthru" }) }));
    expect([linkOf(node.container).address, master()]).toEqual([before, before]);
  });
});

describe("macvlan's master", () => {
  it("that is a port of a bridge is refused", () => {
    const { node } = onLan();
    node.node.ip("link add br0 type bridge");
    node.node.ip(`link set ${UPLINK} master br0`);
    const { json } = node.call({ command: "ADD", config: configOf() });
    expect(json).toMatchObject({ code: 7, msg: expect.stringContaining(`"${UPLINK}" is a port of another link`) });
    expect(linksOf(node.container)).toEqual(["lo"]);
  });

  it("that is a macvlan itself stands for its own master", () => {
    const { node } = onLan();
    node.node.ip(`link add link ${UPLINK} name mac0 up type macvlan mode bridge`);
    const config = configOf({ master: "mac0", ...hostLocal(node, "10.77.0.0/24") });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    ping(node.container, ROUTER[4]);
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
  });

  it("that has no frames of Ethernet is refused", () => {
    const { node } = onLan();
    node.node.exec("ip", ..."tuntap add dev tun0 mode tun".split(" "));
    const { json } = node.call({ command: "ADD", config: configOf({ master: "tun0" }) });
    expect(json).toMatchObject({ code: 7, msg: expect.stringContaining('no macvlan can hang on "tun0"') });
    expect(linksOf(node.container)).toEqual(["lo"]);
  });
});

describe("a kernel that lacks a kind", () => {
  const isThere = (kind: string): boolean => {
    const { netns } = anotherContainer();
    netns.ip("link add lower type bridge");
    const id = kind === "vlan" ? " id 5" : "";
    try {
      netns.ip(`link add ${kind === "dummy" ? "" : "link lower "}name probe type ${kind}${id}`);
      return true;
    } catch {
      return false;
    }
  };

  it.each([dummy, ipvlan, vlan])("is told by STATUS and ADD of $name, which else are content", (plugin) => {
    const node = ourNode(plugin);
    connectUplink(node);
    const config = configOf({ type: plugin.name, vlanId: 5, ...hostLocal(node, "10.77.0.0/24") });
    const [status, added] = ["STATUS", "ADD"].map((command) => node.call({ command, config }));
    if (isThere(plugin.name)) {
      expect([status?.status, added?.status]).toEqual([0, 0]);
      return;
    }
    const msg = expect.stringContaining(`this node's kernel makes no links of type ${plugin.name} (module `);
    expect([status?.json, added?.json]).toEqual([
      expect.objectContaining({ code: 50, msg }),
      expect.objectContaining({ code: 999, msg }),
    ]);
    expect([linksOf(node.container), linksOf(node.node)]).toEqual([["lo"], ["lo", UPLINK]]);
  });
});
