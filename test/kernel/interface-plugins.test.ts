// bridge and ptp on nodes and in containers as users have them: what upstream's serve, and what neither served.

import { readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { plugin as bridge } from "../../src/plugins/bridge/plugin.ts";
import { interfacePlugin } from "../../src/plugins/interface.ts";
import { plugin as ptp } from "../../src/plugins/ptp/plugin.ts";
import { plugin as tuning } from "../../src/plugins/tuning/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { ourNode, peerNode, peerOn, type TestNode } from "../support/differential.ts";
import { makeNetns, requireNamespaces, run, type TestNetns } from "../support/netns.ts";
import { connectOutside, OUTSIDE, ping } from "../support/outside.ts";
import { inProcess, type PluginCall, succeed } from "../support/plugin.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

type Config = Readonly<Record<string, unknown>>;
// biome-ignore lint/suspicious/noExplicitAny: whatever a plugin or ip(8) prints
type Printed = any;

beforeAll(() => requireNamespaces());

const plugins = { bridge, ptp } as const;
const eachPlugin = Object.keys(plugins) as (keyof typeof plugins)[];

const hostLocal = ({ dataDir }: TestNode, ...subnets: readonly string[]): Config => ({
  ipam: { type: "host-local", dataDir, ranges: subnets.map((subnet) => [{ subnet }]) },
});

const configOf = (type: string, more: Config = {}): Config => ({ cniVersion: "1.1.0", name: "net1", type, ...more });

const addressesOf = (netns: TestNetns, ifname: string): string[] =>
  netns
    .ipJson(`address show dev ${ifname}`)[0]
    .addr_info.filter(({ scope }: Printed) => scope === "global")
    .map(({ local, prefixlen }: Printed) => `${local}/${prefixlen}`);

const linksOf = (netns: TestNetns): string[] => netns.ipJson("link show").map(({ ifname }: Printed) => ifname);
const vethsOf = (netns: TestNetns): string[] => linksOf(netns).filter((name) => name.startsWith("veth"));

function anotherContainer(): {
  readonly netns: TestNetns;
  readonly call: { containerId: string; netns: string };
} {
  const netns = makeNetns();
  onTestFinished(() => netns.remove());
  return { netns, call: { containerId: `container-${netns.name}`, netns: netns.path } };
}

/** Makes /proc/sys read-only, as container managers do, while `work` runs. */
function withReadOnlySysctls<T>(work: () => T): T {
  run("mount", "--bind", "-o", "ro", "/proc/sys", "/proc/sys");
  try {
    return work();
  } finally {
    run("umount", "/proc/sys");
  }
}

describe("a read-only /proc/sys", () => {
  it.each(eachPlugin.flatMap((type) => (["default", "all"] as const).map((scope) => [type, scope] as const)))(
    "is no obstacle to %s where the values are as they should be, keep_addr_on_down by %s",
    (type, scope) => {
      const node = ourNode(plugins[type]);
      for (const name of ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"])
        node.node.exec("sysctl", "-qw", name);
      node.container.exec("sysctl", "-qw", `net.ipv6.conf.${scope}.keep_addr_on_down=1`);
      const config = configOf(type, { isGateway: true, ...hostLocal(node, "10.77.0.0/24", "fd00:77::/112") });
      withReadOnlySysctls(() => succeed(node.call({ command: "ADD", config })));
      ping(node.container, "10.77.0.1");
    },
  );

  it.each(eachPlugin)("is an error of %s that names the value that is wrong", (type) => {
    const node = ourNode(plugins[type]);
    const config = configOf(type, { isGateway: true, ...hostLocal(node, "10.77.0.0/24") });
    const { json } = withReadOnlySysctls(() => node.call({ command: "ADD", config }));
    expect(json.msg).toContain("net.ipv4.ip_forward=1 can't be set here");
    expect(vethsOf(node.node)).toEqual([]);
  });
});

describe("a bridge that has other addresses beside its gateways", () => {
  const OTHERS = {
    "of a single host": ["169.254.169.254/32", "fd00:a9fe::254/128"],
    "of the same subnet": ["10.77.0.100/24", "fd00:77::100/112"],
    "of another subnet": ["10.99.0.1/24", "fd00:99::1/64"],
    "of a subnet around it": ["10.77.9.9/16", "fd00:77::99/48"],
  };
  const GATEWAYS = ["10.77.0.1/24", "fd00:77::1/112"];
  const network = (node: TestNode, more: Config = {}): Config =>
    configOf("bridge", {
      cniVersion: "1.0.0",
      bridge: "br0",
      isGateway: true,
      ...hostLocal(node, "10.77.0.0/24", "fd00:77::/112"),
      ...more,
    });

  /** Gives the bridge these addresses, in this order. */
  function bridgeWith({ node }: TestNode, addresses: readonly string[]): void {
    if (!linksOf(node).includes("br0")) node.ip("link add br0 up type bridge");
    for (const address of addresses)
      node.ip(`address add ${address} dev br0 ${address.includes(":") ? "nodad" : "brd +"}`);
  }

  it.each(
    Object.entries(OTHERS).flatMap(([what, others]) => [false, true].map((force) => [what, force, others] as const)),
  )("keeps those %s when a container joins, with forceAddress %s", (_, forceAddress, others) => {
    const node = ourNode(bridge);
    bridgeWith(node, [...GATEWAYS, ...others]);
    const before = addressesOf(node.node, "br0");
    const { stderr } = node.call({ command: "ADD", config: network(node, { forceAddress }) });
    expect([addressesOf(node.node, "br0"), stderr]).toEqual([before, ""]);
    ping(node.container, "10.77.0.1");
    ping(node.container, "fd00:77::1");
  });

  it.each(Object.entries(OTHERS))("keeps those %s that are added while containers run", (_, others) => {
    const node = ourNode(bridge);
    succeed(node.call({ command: "ADD", config: network(node) }));
    bridgeWith(node, others);
    const before = addressesOf(node.node, "br0");
    const { netns, call } = anotherContainer();
    const prevResult = succeed(node.call({ command: "ADD", config: network(node), ...call }));
    succeed(node.call({ command: "CHECK", config: network(node, { prevResult }), ...call }));
    expect(addressesOf(node.node, "br0")).toEqual(before);
    ping(netns, "10.77.0.1");
    ping(netns, "10.77.0.2");
  });

  it("keeps a single host's address that is there before the gateway", () => {
    const node = ourNode(bridge);
    bridgeWith(node, ["169.254.169.254/32", "fd00:a9fe::254/128"]);
    succeed(node.call({ command: "ADD", config: network(node) }));
    expect(addressesOf(node.node, "br0").sort()).toEqual(
      [...GATEWAYS, "169.254.169.254/32", "fd00:a9fe::254/128"].sort(),
    );
  });

  it("loses only what is in the way of a missing gateway with forceAddress, and is told", () => {
    const node = ourNode(bridge);
    bridgeWith(node, ["10.99.0.1/24", "169.254.169.254/32", "fd00:77::99/48", "fd00:99::1/64"]);
    expect(node.call({ command: "ADD", config: network(node) }).json).toMatchObject({ code: 7 });
    const { status, stderr } = node.call({ command: "ADD", config: network(node, { forceAddress: true }) });
    expect([status, stderr]).toEqual([
      0,
      `bridge: forceAddress: removed 10.99.0.1/24, fd00:77::99/48 from br0, in the way of the gateway ${GATEWAYS.join(", ")}\n`,
    ]);
    expect(addressesOf(node.node, "br0").sort()).toEqual([...GATEWAYS, "169.254.169.254/32", "fd00:99::1/64"].sort());
  });

  it.each([false, true])(
    "upstream's keeps them where the gateway comes first, and so do we, with forceAddress %s",
    (forceAddress) => {
      const states = [ourNode(bridge), peerNode("bridge")].map((node) => {
        bridgeWith(node, ["10.77.0.1/24", "10.99.0.1/24", "169.254.169.254/32"]);
        const config = configOf("bridge", {
          cniVersion: "1.0.0",
          bridge: "br0",
          isGateway: true,
          forceAddress,
          ...hostLocal(node, "10.77.0.0/24"),
        });
        return [node.call({ command: "ADD", config }).status, addressesOf(node.node, "br0")];
      });
      expect(states[0]).toEqual(states[1]);
      expect(states[0]).toEqual([0, ["10.77.0.1/24", "10.99.0.1/24", "169.254.169.254/32"]]);
    },
  );
});

describe("DEL takes away the attachment's own interface", () => {
  const network = (node: TestNode, type: string, more: Config = {}): Config =>
    configOf(type, { ...hostLocal(node, "10.77.0.0/24", "fd00:77::/112"), ...more });
  const reservations = (node: TestNode, name = "net1"): string[] =>
    readdirSync(join(node.dataDir, name)).filter((file) => /^[0-9a-f]+[.:]/.test(file));

  /** An attachment of the node's container, its configuration for DEL, and the name of the node's end. */
  function attach(
    node: TestNode,
    config: Config,
    call: Partial<PluginCall> = {},
  ): { readonly end: string; del: Config } {
    const prevResult = succeed(node.call({ command: "ADD", config, ...call }));
    const end = prevResult.interfaces.find(({ name }: Printed) => name.startsWith("veth")).name;
    return { end, del: { ...config, prevResult } };
  }

  const rename = (netns: TestNetns, from: string, to: string): void => {
    netns.ip(`link set ${from} down`); // Linux 6.2 and later rename an interface also while it is up
    netns.ip(`link set ${from} name ${to}`);
  };

  it.each(eachPlugin)("%s: not that of another container that has the namespace by now", (type) => {
    const node = ourNode(plugins[type]);
    const mac = type === "bridge" ? { runtimeConfig: { mac: "0a:00:00:00:00:07" } } : {};
    const { del } = attach(node, network(node, type, mac));
    node.container.ip("link delete eth0");
    const next = attach(node, network(node, type, mac), { containerId: "container-2" });
    succeed(node.call({ command: "DEL", config: del }));
    expect(vethsOf(node.node)).toEqual([next.end]);
    expect(linksOf(node.container)).toEqual(["lo", "eth0"]);
    expect(reservations(node)).toHaveLength(2);
    succeed(node.call({ command: "CHECK", config: next.del, containerId: "container-2" }));
  });

  it.each(eachPlugin)("%s: also where the attachment lives on in another namespace", (type) => {
    const node = ourNode(plugins[type]);
    const other = anotherContainer();
    const { end, del } = attach(node, network(node, type));
    const next = attach(node, network(node, type), other.call);
    succeed(node.call({ command: "DEL", config: del, netns: other.netns.path }));
    expect(vethsOf(node.node)).toEqual([next.end]);
    expect(vethsOf(node.node)).not.toContain(end);
    expect([linksOf(node.container), linksOf(other.netns)]).toEqual([["lo"], ["lo", "eth0"]]);
  });

  it.each(eachPlugin)("%s: one that the container has renamed", (type) => {
    const node = ourNode(plugins[type]);
    const { del } = attach(node, network(node, type));
    rename(node.container, "eth0", "lan7");
    succeed(node.call({ command: "DEL", config: del }));
    expect([vethsOf(node.node), linksOf(node.container), reservations(node)]).toEqual([[], ["lo"], []]);
  });

  it.each(eachPlugin)("%s: one whose both ends have other names by now", (type) => {
    const node = ourNode(plugins[type]);
    const { end, del } = attach(node, network(node, type));
    rename(node.container, "eth0", "lan7");
    rename(node.node, end, "uplink7");
    succeed(node.call({ command: "DEL", config: del }));
    expect([linksOf(node.node).includes("uplink7"), linksOf(node.container)]).toEqual([false, ["lo"]]);
  });

  it.each(eachPlugin)("%s: one whose node's end has another MAC address by now", (type) => {
    const node = ourNode(plugins[type]);
    const { end, del } = attach(node, network(node, type));
    node.node.ip(`link set ${end} address 02:00:00:00:00:99`);
    succeed(node.call({ command: "DEL", config: del }));
    expect([vethsOf(node.node), linksOf(node.container)]).toEqual([[], ["lo"]]);
  });

  it.each(eachPlugin)("%s: of two attachments whose names the container has exchanged", (type) => {
    const node = ourNode(plugins[type]);
    const first = attach(node, network(node, type));
    const more = { name: "net2", bridge: "br2", ...hostLocal(node, "10.78.0.0/24") };
    const second = attach(node, network(node, type, more), { ifname: "eth1" });
    rename(node.container, "eth0", "aside");
    rename(node.container, "eth1", "eth0");
    rename(node.container, "aside", "eth1");
    succeed(node.call({ command: "DEL", config: first.del }));
    expect([vethsOf(node.node), linksOf(node.container)]).toEqual([[second.end], ["lo", "eth0"]]);
    expect(addressesOf(node.container, "eth0")).toEqual(["10.78.0.2/24"]);
    succeed(node.call({ command: "DEL", config: second.del, ifname: "eth1" }));
    expect([vethsOf(node.node), linksOf(node.container)]).toEqual([[], ["lo"]]);
  });

  it.each(eachPlugin)("%s: by its name where no result of ADD tells more, as upstream's", (type) => {
    for (const node of [ourNode(plugins[type]), peerNode(type)]) {
      const config = network(node, type, { cniVersion: "1.0.0" });
      attach(node, config);
      succeed(node.call({ command: "DEL", config }));
      expect([vethsOf(node.node), linksOf(node.container)]).toEqual([[], ["lo"]]);
    }
  });

  it.each(eachPlugin)("%s: one that upstream's has made and the container has renamed", (type) => {
    const node = ourNode(plugins[type]);
    const theirs = peerOn(node, type);
    const config = network(node, type, { cniVersion: "1.0.0" });
    const prevResult = succeed(theirs({ command: "ADD", config }));
    rename(node.container, "eth0", "lan7");
    succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
    expect([vethsOf(node.node), linksOf(node.container), reservations(node)]).toEqual([[], ["lo"], []]);
  });
});

describe("a network namespace by another path", () => {
  /** Another path that leads to the container's namespace, as /var/run/netns is one beside /run/netns. */
  const PATHS: Readonly<Record<string, (netns: TestNetns) => string>> = {
    "a symbolic link": (netns) => {
      const path = join(temporaryDirectory(), "netns");
      symlinkSync(netns.path, path);
      return path;
    },
    "a directory that is a symbolic link": (netns) => {
      const path = join(temporaryDirectory(), "run");
      symlinkSync("/run/netns", path);
      return join(path, netns.name);
    },
    "another mount of it": (netns) => {
      const name = `${netns.name}-again`;
      run("ip", "netns", "attach", name, String(process.pid)); // makes the file, for another namespace
      run("umount", `/run/netns/${name}`);
      run("mount", "--bind", netns.path, `/run/netns/${name}`);
      onTestFinished(() => {
        run("umount", `/run/netns/${name}`);
        rmSync(`/run/netns/${name}`);
      });
      return `/run/netns/${name}`;
    },
    "a file descriptor of a process": ({ fd }) => `/proc/${process.pid}/fd/${fd}`,
  };

  it.each(eachPlugin.flatMap((type) => Object.keys(PATHS).map((what) => [type, what] as const)))(
    "is the same to CHECK and DEL of %s: %s",
    (type, what) => {
      const node = ourNode(plugins[type]);
      const config = configOf(type, { isGateway: true, ...hostLocal(node, "10.77.0.0/24") });
      const prevResult = succeed(node.call({ command: "ADD", config }));
      const netns = PATHS[what]?.(node.container) ?? "";
      const given = { config: { ...config, prevResult }, netns };
      succeed(node.call({ command: "CHECK", ...given }));
      const { json } = node.call({ command: "CHECK", ...given, netns: anotherContainer().netns.path });
      expect(json.msg).toContain("prevResult does not have the interface eth0");
      succeed(node.call({ command: "DEL", ...given }));
      expect([vethsOf(node.node), linksOf(node.container)]).toEqual([[], ["lo"]]);
    },
  );

  it("is not the same where the path of the result leads nowhere by now", () => {
    const node = ourNode(ptp);
    const config = configOf("ptp", hostLocal(node, "10.77.0.0/24"));
    const prevResult = succeed(node.call({ command: "ADD", config }));
    prevResult.interfaces[1].sandbox = "/run/netns/nowhere";
    const { json } = node.call({ command: "CHECK", config: { ...config, prevResult } });
    expect(json.msg).toContain("prevResult does not have the interface eth0");
  });
});

describe("routes and gateways that are not in the container's subnet", () => {
  const fixed = (type: string, addresses: readonly object[], routes: readonly object[] = []): Config =>
    configOf(type, { ipam: { type: "static", addresses, routes } });

  const V4 = { address: "10.77.0.5/24", gateway: "10.77.0.1" };
  const V6 = { address: "fd00:77::5/64", gateway: "fd00:77::1" };

  it.each(eachPlugin)("%s: a link-scope route has no gateway, beside one that has", (type) => {
    const node = ourNode(plugins[type]);
    const routes = [
      { dst: "192.0.2.0/24", scope: 253 },
      { dst: "2001:db8:1::/48", scope: 253 },
      { dst: "198.51.100.0/24" },
      { dst: "2001:db8:2::/48" },
    ];
    const config = fixed(type, [V4, V6], routes);
    const prevResult = succeed(node.call({ command: "ADD", config }));
    const gateways = routes.map(
      ({ dst }) => node.container.ipJson(`-${dst.includes(":") ? 6 : 4} route show ${dst}`)[0].gateway,
    );
    expect(gateways).toEqual([undefined, undefined, "10.77.0.1", "fd00:77::1"]);
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
  });

  const ELSEWHERE: readonly (readonly [what: string, addresses: readonly object[]])[] = [
    [
      "a gateway outside of the subnet",
      [
        { address: "10.77.0.5/24", gateway: "169.254.1.1" },
        { address: "fd00:77::5/64", gateway: "fd00:1::1" },
      ],
    ],
    [
      "a single address whose gateway is elsewhere",
      [
        { address: "10.77.0.5/32", gateway: "169.254.1.1" },
        { address: "fd00:77::5/128", gateway: "fd00:1::1" },
      ],
    ],
    [
      "a gateway that is link-local",
      [
        { address: "10.77.0.5/32", gateway: "169.254.1.1" },
        { address: "fd00:77::5/128", gateway: "fe80::7" },
      ],
    ],
  ];
  const DEFAULTS = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];

  it.each(eachPlugin.flatMap((type) => ELSEWHERE.map(([what, addresses]) => [type, what, addresses] as const)))(
    "%s serves %s, and packets flow both ways",
    async (type, _, addresses) => {
      const node = ourNode(plugins[type]);
      await connectOutside(node.node);
      const config = { ...fixed(type, addresses, DEFAULTS), isGateway: true, ipMasq: true };
      const prevResult = succeed(node.call({ command: "ADD", config }));
      for (const family of [4, 6] as const) ping(node.container, OUTSIDE[family]);
      ping(node.node, "10.77.0.5");
      ping(node.node, "fd00:77::5");
      succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
      succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
      expect(
        [...node.node.ipJson("-4 route show"), ...node.node.ipJson("-6 route show")].filter(
          ({ dst }: Printed) => dst === "10.77.0.5" || dst === "fd00:77::5",
        ),
      ).toEqual([]);
    },
  );

  it("bridge: a DEL that gets no result removes no route to an address that the container has given its interface", () => {
    const node = ourNode(bridge);
    const [, addresses = []] = ELSEWHERE[1] ?? [];
    const config = { ...fixed("bridge", addresses, DEFAULTS), isGateway: true };
    succeed(node.call({ command: "ADD", config }));
    const other = anotherContainer();
    const others = [{ address: "10.77.0.6/32", gateway: "169.254.1.1" }];
    succeed(node.call({ command: "ADD", config: { ...fixed("bridge", others), isGateway: true }, ...other.call }));
    node.node.ip("route add 10.99.0.1 dev cni0 scope link");
    for (const address of ["10.77.0.6", "10.99.0.1"]) node.container.ip(`address add ${address}/32 dev eth0`);
    succeed(node.call({ command: "DEL", config }));
    const routes = node.node.ipJson("route show").map(({ dst }: Printed) => dst);
    expect(routes).toEqual(expect.arrayContaining(["10.77.0.6", "10.99.0.1"]));
    // The next owner of the address finds the route replaced, wherever the route led.
    const next = anotherContainer();
    const prevResult = succeed(node.call({ command: "ADD", config, ...next.call }));
    ping(node.node, "10.77.0.5");
    succeed(node.call({ command: "DEL", config: { ...config, prevResult }, ...next.call }));
    expect(node.node.ipJson("route show").map(({ dst }: Printed) => dst)).not.toContain("10.77.0.5");
  });

  it("a DEL that cannot remove the rest takes the interface away all the same, and gives the addresses back", () => {
    const node = ourNode(bridge);
    const config = configOf("bridge", hostLocal(node, "10.77.0.0/24"));
    const prevResult = succeed(node.call({ command: "ADD", config }));
    const failing = inProcess(
      interfacePlugin({
        name: "bridge",
        keys: [],
        ipam: "optional",
        linkKind: "veth",
        read: () => undefined,
        make: () => ({ device: { index: 0, name: "eth0", mac: new Uint8Array(6) } }),
        removeRest() {
          throw new Error("the rest stays");
        },
      }),
    );
    const attachment = { containerId: "container-1", netns: node.container.path, ifname: "eth0" };
    const del = { ...attachment, command: "DEL", config: { ...config, prevResult } };
    expect(inNetns(node.node.fd, () => failing(del)).json.msg).toBe("the rest stays");
    expect(linksOf(node.container)).toEqual(["lo"]);
    expect(readdirSync(`${node.dataDir}/net1`).filter((name) => name.startsWith("10."))).toEqual([]);
  });

  it("bridge serves them where somebody else is the gateway", () => {
    const node = ourNode(bridge);
    const router = anotherContainer();
    const [, addresses] = ELSEWHERE[1] ?? [];
    succeed(node.call({ command: "ADD", config: fixed("bridge", addresses ?? [], DEFAULTS) }));
    succeed(node.call({ command: "ADD", config: configOf("bridge"), ...router.call }));
    router.netns.ip("address add 169.254.1.1/32 dev eth0");
    router.netns.ip("address add fd00:1::1/128 dev eth0 nodad");
    router.netns.ip("route add 10.77.0.5/32 dev eth0");
    router.netns.ip("route add fd00:77::5/128 dev eth0");
    ping(node.container, "169.254.1.1");
    ping(node.container, "fd00:1::1");
  });

  it.each(eachPlugin)("%s: a CHECK misses the way back to a container whose gateway is elsewhere", (type) => {
    const node = ourNode(plugins[type]);
    const [, addresses] = ELSEWHERE[1] ?? [];
    const config = { ...fixed(type, addresses ?? [], DEFAULTS), isGateway: true };
    const prevResult = succeed(node.call({ command: "ADD", config }));
    node.node.ip("route delete 10.77.0.5/32");
    expect(node.call({ command: "CHECK", config: { ...config, prevResult } }).json.msg).toContain("route to 10.77.0.5");
  });

  it.each(eachPlugin)("%s: a next hop that is no gateway of an address stays for the kernel to judge", (type) => {
    const node = ourNode(plugins[type]);
    const config = fixed(type, [V4], [{ dst: "192.0.2.0/24", gw: "172.16.0.1" }]);
    expect(node.call({ command: "ADD", config }).json.msg).toContain("via 172.16.0.1 dev eth0: ENETUNREACH");
  });
});

describe("sysctl", () => {
  const EARLY = { "net.ipv6.conf.IFNAME.addr_gen_mode": "1", "net/ipv6/conf/IFNAME/accept_ra": "0" };
  const config = (type: string, node: TestNode, sysctl?: object): Config =>
    configOf(type, { ...hostLocal(node, "10.77.0.0/24", "fd00:77::/64"), ...(sysctl === undefined ? {} : { sysctl }) });
  const linkLocal = ({ container }: TestNode): string[] =>
    container
      .ipJson("address show dev eth0")[0]
      .addr_info.map(({ local }: Printed) => local)
      .filter((address: string) => address.startsWith("fe80:"));

  it.each(eachPlugin)("%s: W11: is set before the interface comes up, where tuning comes too late", (type) => {
    const [without, withKey] = [ourNode(plugins[type]), ourNode(plugins[type])];
    const prevResult = succeed(without.call({ command: "ADD", config: config(type, without) }));
    const tuned = {
      cniVersion: "1.1.0",
      name: "net1",
      type: "tuning",
      dataDir: without.dataDir,
      sysctl: EARLY,
      prevResult,
    };
    const call = { containerId: "container-1", ifname: "eth0", netns: without.container.path };
    succeed(inNetns(without.node.fd, () => inProcess(tuning)({ command: "ADD", ...call, config: tuned })));
    const own = config(type, withKey, EARLY);
    const result = succeed(withKey.call({ command: "ADD", config: own }));
    expect([linkLocal(without), linkLocal(withKey)]).toEqual([[expect.stringMatching(/^fe80::/)], []]);
    expect(addressesOf(withKey.container, "eth0")).toEqual(["10.77.0.2/24", "fd00:77::2/64"]);
    const check = () => withKey.call({ command: "CHECK", config: { ...own, prevResult: result } });
    succeed(check());
    withKey.container.exec("sysctl", "-qw", "net.ipv6.conf.eth0.accept_ra=1");
    expect(check().json.msg).toContain('net/ipv6/conf/eth0/accept_ra is "1", not "0"');
  });

  it.each(eachPlugin)("%s: takes the interface's own alone, and leaves nothing where it fails", (type) => {
    const node = ourNode(plugins[type]);
    const refused = (sysctl: object): string => {
      const { status, json } = node.call({ command: "ADD", config: config(type, node, sysctl) });
      expect([status, json.code]).toEqual([1, 7]);
      expect([linksOf(node.container), vethsOf(node.node)]).toEqual([["lo"], []]);
      return json.msg;
    };
    const other = "is no parameter of the container's interface";
    expect(refused({ "net.ipv4.ip_forward": "1" })).toBe(`sysctl["net.ipv4.ip_forward"] ${other}`);
    expect(refused({ "net.ipv4.conf.all.arp_filter": "1" })).toContain(other);
    expect(refused({ "kernel.hostname": "x" })).toContain("is no kernel parameter below net.");
    expect(refused({ "net.ipv6.conf.IFNAME.addr_gen_mode": "9" })).toContain('the kernel does not take the value "9"');
    expect(refused({ "net.ipv6.conf.IFNAME.no_such": "1" })).toContain(
      "there is no parameter /proc/sys/net/ipv6/conf/eth0/no_such",
    );
  });
});
