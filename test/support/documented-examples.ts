// The configurations that upstream's documentation (cni.dev, plugins) has as examples, each with what it needs around it. Where the
// text of an example is not JSON, or is refused by upstream's own plugin, it is what the example means.

import type { JsonObject } from "../../src/cni/json.ts";

export interface DocumentedExample {
  /** The page, and what the example shows. */
  readonly title: string;
  readonly list: JsonObject & { readonly plugins: readonly JsonObject[] };
  readonly capabilityArgs?: JsonObject;
  /** Commands of ip(8) that make what the example names, on the node and in the container. */
  readonly node?: readonly string[];
  readonly container?: readonly string[];
  /** The kernel's module, where not every kernel has it: a guest runs the example. */
  readonly module?: string;
}

const MASTER = ["link add eth0 type veth peer name wire", "link set eth0 up", "link set wire up"];
const hostLocal = (subnet: string): JsonObject => ({ type: "host-local", subnet });
const PORTS = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] };

function single(
  title: string,
  config: JsonObject,
  more: Omit<DocumentedExample, "title" | "list"> = {},
): DocumentedExample {
  return { title, list: { cniVersion: "1.0.0", name: "mynet", plugins: [config] }, ...more };
}

function chained(
  title: string,
  plugins: readonly JsonObject[],
  { cniVersion = "1.0.0", ...more }: Omit<DocumentedExample, "title" | "list"> & { cniVersion?: string } = {},
): DocumentedExample {
  return { title, list: { cniVersion, name: "mynet", plugins }, ...more };
}

const bridge = { type: "bridge", bridge: "mynet0" };
const ptp = (subnet: string): JsonObject => ({ type: "ptp", ipMasq: true, ipam: hostLocal(subnet) });
const gateway = {
  type: "bridge",
  bridge: "cni0",
  isGateway: true,
  ipMasq: true,
  ipam: { ...hostLocal("10.88.0.0/16"), routes: [{ dst: "0.0.0.0/0" }] },
};

export const DOCUMENTED_EXAMPLES: readonly DocumentedExample[] = [
  single("bridge: a default gateway", {
    ...bridge,
    isDefaultGateway: true,
    forceAddress: false,
    ipMasq: true,
    hairpinMode: true,
    ipam: hostLocal("10.10.0.0/16"),
  }),
  single("bridge: layer 2 alone", { ...bridge, ipam: {} }),
  single("bridge: an interface that stays down", { ...bridge, disableContainerInterface: true }),
  single("bridge: isolated ports", { ...bridge, portIsolation: true }),
  single("bridge: a VLAN", { ...bridge, vlan: 100, ipam: {} }, { module: "8021q" }),
  single(
    "bridge: a trunk",
    { ...bridge, vlan: 100, vlanTrunk: [{ id: 101 }, { minID: 200, maxID: 299 }], ipam: {} },
    { module: "8021q" },
  ),
  single("ptp", {
    type: "ptp",
    ipam: hostLocal("10.1.1.0/24"),
    dns: { nameservers: ["10.1.1.1", "8.8.8.8"] },
  }),
  single("host-local: sets of ranges of both families", {
    ...bridge,
    ipam: {
      type: "host-local",
      ranges: [
        [
          { subnet: "10.10.0.0/16", rangeStart: "10.10.1.20", rangeEnd: "10.10.3.50", gateway: "10.10.0.254" },
          { subnet: "172.16.5.0/24" },
        ],
        [{ subnet: "3ffe:ffff:0:01ff::/64", rangeStart: "3ffe:ffff:0:01ff::0010", rangeEnd: "3ffe:ffff:0:01ff::0020" }],
      ],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "192.168.0.0/16", gw: "10.10.5.1" }, { dst: "3ffe:ffff:0:01ff::1/64" }],
      dataDir: "/run/my-orchestrator/container-ipam-state",
    },
  }),
  single("host-local: one range, and the node's resolv.conf", {
    ...bridge,
    ipam: {
      ...hostLocal("3ffe:ffff:0:01ff::/64"),
      rangeStart: "3ffe:ffff:0:01ff::0010",
      rangeEnd: "3ffe:ffff:0:01ff::0020",
      routes: [{ dst: "3ffe:ffff:0:01ff::1/64" }],
      resolvConf: "/etc/resolv.conf",
    },
  }),
  single("static", {
    ...bridge,
    ipam: {
      type: "static",
      addresses: [
        { address: "10.10.0.1/24", gateway: "10.10.0.254" },
        { address: "3ffe:ffff:0:01ff::1/64", gateway: "3ffe:ffff:0:01ff::ff" },
      ],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "192.168.0.0/16", gw: "10.10.0.5" }, { dst: "3ffe:ffff:0:01ff::1/64" }],
      dns: { nameservers: ["8.8.8.8"], domain: "example.com", search: ["example.com"] },
    },
  }),
  chained(
    "bandwidth",
    [
      { ...ptp("10.0.0.0/24"), mtu: 512, dns: { nameservers: ["10.1.0.1"] } },
      { name: "slowdown", type: "bandwidth", ingressRate: 123, ingressBurst: 456, egressRate: 123, egressBurst: 456 },
    ],
    { cniVersion: "0.3.1" },
  ),
  ...[{}, { backend: "iptables" }, { ingressPolicy: "same-bridge" }].map((more) =>
    chained(`firewall: ${JSON.stringify(more)}`, [gateway, { type: "firewall", ...more }]),
  ),
  chained("firewall: another chain for the administrator", [
    gateway,
    { type: "firewall", backend: "iptables", iptablesAdminChainName: "SOME-OTHER-CHAIN-NAME" },
  ]),
  chained(
    "portmap",
    [
      { ...ptp("172.16.30.0/24"), ipam: { ...hostLocal("172.16.30.0/24"), routes: [{ dst: "0.0.0.0/0" }] } },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
    { cniVersion: "0.3.1", capabilityArgs: PORTS },
  ),
  chained(
    "portmap: by iptables, with conditions",
    [
      ptp("172.16.30.0/24"),
      {
        type: "portmap",
        backend: "iptables",
        capabilities: { portMappings: true },
        snat: true,
        markMasqBit: 13,
        conditionsV4: ["!", "-d", "192.0.2.0/24"],
        conditionsV6: ["!", "-d", "fc00::/7"],
      },
    ],
    { capabilityArgs: PORTS },
  ),
  chained(
    "portmap: by nftables, with conditions",
    [
      ptp("172.16.30.0/24"),
      {
        type: "portmap",
        backend: "nftables",
        capabilities: { portMappings: true },
        snat: true,
        conditionsV4: ["ip", "daddr", "!=", "192.0.2.0/24"],
        conditionsV6: ["ip6", "daddr", "!=", "fc00::/7"],
      },
    ],
    { capabilityArgs: PORTS },
  ),
  chained("tuning: parameters", [
    ptp("10.1.1.0/24"),
    {
      name: "mytuning",
      type: "tuning",
      sysctl: { "net.core.somaxconn": "500", "net.ipv4.conf.IFNAME.arp_filter": "1" },
    },
  ]),
  chained("tuning: the interface", [
    ptp("10.1.1.0/24"),
    { name: "mytuning", type: "tuning", mac: "c2:b0:57:49:47:f1", mtu: 1454, promisc: true, allmulti: true },
  ]),
  single(
    "ipvlan",
    { type: "ipvlan", master: "eth0", linkInContainer: false, ipam: hostLocal("10.1.2.0/24") },
    { node: MASTER, module: "ipvlan" },
  ),
  single(
    "macvlan, with host-local in the place of dhcp",
    { type: "macvlan", master: "eth0", linkInContainer: false, ipam: hostLocal("10.1.2.0/24") },
    { node: MASTER },
  ),
  single(
    "vlan",
    {
      type: "vlan",
      master: "eth0",
      mtu: 1500,
      vlanId: 5,
      linkInContainer: false,
      ipam: hostLocal("10.1.1.0/24"),
      dns: { nameservers: ["10.1.1.1", "8.8.8.8"] },
    },
    { node: MASTER, module: "8021q" },
  ),
  single(
    "tap",
    { type: "tap", mac: "00:11:22:33:44:55", mtu: 1500, multiQueue: true, owner: 0, group: 0, bridge: "br1" },
    { container: ["link add br1 type bridge", "link set br1 up"] },
  ),
  chained("sbr, with bridge in the place of flannel", [{ ...gateway, isDefaultGateway: true }, { type: "sbr" }]),
  chained(
    "vrf, with host-local in the place of dhcp",
    [
      { type: "macvlan", master: "eth0", ipam: hostLocal("10.1.2.0/24") },
      { type: "vrf", vrfname: "blue" },
    ],
    { node: MASTER, module: "vrf" },
  ),
  single(
    "host-device",
    { type: "host-device", device: "enp0s1" },
    { node: ["link add enp0s1 type veth peer name wire"] },
  ),
];
