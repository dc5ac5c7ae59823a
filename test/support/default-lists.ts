// The configuration lists that container runtimes bring along, or make by default, and what they pass to their plugins. Where a
// list can have either family, `ranges` says which.

import type { JsonObject } from "../../src/cni/json.ts";

export interface DefaultList {
  readonly runtime: string;
  /** Where the list comes from. */
  readonly source: string;
  /** Makes the list, for addresses of these families. */
  readonly list: (families: readonly (4 | 6)[]) => JsonObject & { readonly plugins: readonly JsonObject[] };
  readonly args: string;
  readonly capabilityArgs: JsonObject;
}

const SUBNETS: Readonly<Record<4 | 6, string>> = { 4: "10.88.0.0/16", 6: "fd00:88::/64" };
const DEFAULTS: Readonly<Record<4 | 6, string>> = { 4: "0.0.0.0/0", 6: "::/0" };

function hostLocal(families: readonly (4 | 6)[], subnets = SUBNETS, more: JsonObject = {}): JsonObject {
  return {
    type: "host-local",
    ranges: families.map((family) => [{ subnet: subnets[family] }]),
    routes: families.map((family) => ({ dst: DEFAULTS[family] })),
    ...more,
  };
}

/** What kubelet's runtimes pass. */
const KUBERNETES =
  "IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=0123456789ab;K8S_POD_UID=42";

const portMappings = [
  { hostPort: 18080, containerPort: 80, protocol: "tcp", hostIP: "" },
  { hostPort: 18053, containerPort: 53, protocol: "udp", hostIP: "" },
];
const portmap = { type: "portmap", capabilities: { portMappings: true } };

/** containerd sets both bursts to as many bits, whatever the rate. */
const BURST = 4294967295;
const bandwidth = {
  ingressRate: 10_000_000,
  ingressBurst: BURST,
  egressRate: 10_000_000,
  egressBurst: BURST,
};

export const DEFAULT_LISTS: readonly DefaultList[] = [
  {
    runtime: "containerd",
    source: "containerd script/setup/install-cni @08f59d61",
    list: (families) => ({
      cniVersion: "0.4.0",
      name: "containerd-net",
      plugins: [
        {
          ...{ type: "bridge", bridge: "cni0", isGateway: true, ipMasq: true, promiscMode: true },
          ipam: hostLocal(families, { 4: "10.88.0.0/16", 6: "2001:4860:4860::/64" }),
        },
        portmap,
      ],
    }),
    args: KUBERNETES,
    capabilityArgs: { portMappings },
  },
  {
    runtime: "CRI-O",
    source: "cri-o contrib/cni/11-crio-ipv4-bridge.conflist @cade249c, and its dual-stack sibling",
    list: (families) => ({
      cniVersion: "1.0.0",
      name: "crio",
      plugins: [
        {
          ...{ type: "bridge", bridge: "cni0", isGateway: true, ipMasq: true, hairpinMode: true },
          ipam: hostLocal(families, { 4: "10.85.0.0/16", 6: "1100:200::/24" }),
        },
      ],
    }),
    args: KUBERNETES,
    capabilityArgs: {},
  },
  ...[{}, { ingressPolicy: "same-bridge" }].map((isolation): DefaultList => {
    const isIsolated = "ingressPolicy" in isolation;
    return {
      runtime: isIsolated ? "podman, isolated" : "podman",
      source: "containers/common libnetwork/cni/cni_types.go @40bc472d",
      list: (families) => ({
        cniVersion: "0.4.0",
        name: "podman",
        plugins: [
          {
            ...{ type: "bridge", bridge: "cni-podman0", isGateway: true, ipMasq: true, hairpinMode: true },
            ipam: hostLocal(families),
            capabilities: { ips: true },
          },
          portmap,
          { type: "firewall", backend: "", ...isolation },
          { type: "tuning" },
        ],
      }),
      args: "IgnoreUnknown=1;K8S_POD_NAMESPACE=web;K8S_POD_NAME=web",
      capabilityArgs: { portMappings },
    };
  }),
  ...["same-bridge", "isolated"].map(
    (ingressPolicy): DefaultList => ({
      runtime: `nerdctl, ${ingressPolicy}`,
      source: "nerdctl pkg/netutil/netutil_unix.go",
      list: (families) => ({
        cniVersion: "1.0.0",
        name: "bridge",
        plugins: [
          {
            ...{ type: "bridge", bridge: "nerdctl0", isGateway: true, ipMasq: true, hairpinMode: true },
            ipam: hostLocal(families, { 4: "10.4.0.0/24", 6: "fd00:4::/64" }),
          },
          portmap,
          { type: "firewall", ingressPolicy },
          { type: "tuning" },
        ],
      }),
      args: "IgnoreUnknown=1;NERDCTL_CNI_DHCP_HOSTNAME=web",
      capabilityArgs: { portMappings },
    }),
  ),
  {
    runtime: "nerdctl, macvlan",
    source: "nerdctl pkg/netutil/netutil_unix.go",
    list: (families) => ({
      cniVersion: "1.0.0",
      name: "lan",
      plugins: [
        {
          ...{ type: "macvlan", master: "uplink", mode: "bridge" },
          ipam: hostLocal(families, { 4: "10.4.1.0/24", 6: "fd00:4:1::/64" }),
        },
      ],
    }),
    args: "IgnoreUnknown=1;NERDCTL_CNI_DHCP_HOSTNAME=web",
    capabilityArgs: {},
  },
  {
    runtime: "podman, macvlan",
    source: "containers/common libnetwork/cni/cni_types.go @40bc472d",
    list: (families) => ({
      cniVersion: "0.4.0",
      name: "lan",
      plugins: [
        {
          ...{ type: "macvlan", master: "uplink", mtu: 1400, mode: "vepa", capabilities: { mac: true, ips: true } },
          ipam: hostLocal(families, { 4: "10.89.1.0/24", 6: "fd00:89:1::/64" }),
        },
      ],
    }),
    args: "IgnoreUnknown=1",
    capabilityArgs: { mac: "0a:00:00:00:00:04" },
  },
  {
    runtime: "k3s",
    source: "k3s pkg/agent/flannel/setup_linux.go @638b0c47; bridge as flannel calls it",
    list: (families) => ({
      cniVersion: "1.0.0",
      name: "cbr0",
      plugins: [
        {
          ...{ type: "bridge", hairpinMode: true, forceAddress: true, isDefaultGateway: true, isGateway: true },
          ...{ ipMasq: false, mtu: 1450 },
          ipam: hostLocal(families, { 4: "10.42.0.0/24", 6: "fd00:42::/64" }),
        },
        portmap,
        { type: "bandwidth", capabilities: { bandwidth: true } },
      ],
    }),
    args: KUBERNETES,
    capabilityArgs: { portMappings, bandwidth },
  },
  ...["", "buildkit-cni-"].map(
    (prefix): DefaultList => ({
      runtime: prefix === "" ? "buildkit" : "buildkit, by its own names",
      source: "moby/buildkit util/network/cniprovider/bridge.go @016b559a",
      list: (families) => ({
        cniVersion: "1.0.0",
        name: "buildkit",
        plugins: [
          { type: `${prefix}loopback` },
          {
            ...{ type: `${prefix}bridge`, bridge: "buildkit0", isDefaultGateway: true, ipMasq: true },
            ipam: hostLocal(families, { 4: "10.10.0.0/16", 6: "fd00:10::/64" }, { type: `${prefix}host-local` }),
          },
          { type: `${prefix}firewall`, ingressPolicy: "same-bridge" },
        ],
      }),
      args: "",
      capabilityArgs: {},
    }),
  ),
  {
    runtime: "kind",
    source: "kind kindnetd cni.go @26637e29",
    list: (families) => ({
      cniVersion: "0.3.1",
      name: "kindnet",
      plugins: [
        {
          ...{ type: "ptp", ipMasq: false, mtu: 1500 },
          ipam: hostLocal(families, { 4: "10.244.0.0/24", 6: "fd00:10:244::/64" }, { dataDir: "/run/cni-ipam-state" }),
        },
        portmap,
      ],
    }),
    args: KUBERNETES,
    capabilityArgs: { portMappings },
  },
];
