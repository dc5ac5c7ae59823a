// What is walked along: a plugin with a configuration in each row. The verbs, and what must be the same afterwards, are those of
// plugin-walks.ts for all.

import { CASES } from "../conformance/cases.ts";

type Json = Readonly<Record<string, unknown>>;

export interface Scenario {
  /** The plugin's name, and in what it is another row than the others of that plugin. */
  readonly name: string;
  readonly plugin: string;
  /** Without `cniVersion`, `name` and `type`. */
  readonly config: Json;
  /** What the other container's configuration has in place of that: ports that are not taken, say. */
  readonly other?: Json;
  /** For a chained plugin: the plugin before it. */
  readonly before?: Json & { readonly type: string };
  /** The kernel's module that it takes: where there is none, the row is skipped, and says so. */
  readonly module?: string;
  /** Makes what the node must have, unless it is there. */
  readonly provide?: () => void;
  /** Whether nobody else can be on this network: a device that one container has to itself. */
  readonly isAlone?: boolean;
  /** Whether the ADD is the first on its node each time, and makes what stays for all. */
  readonly isFirst?: boolean;
}

const before = {
  ptp: {
    type: "ptp",
    ipam: { type: "host-local", ranges: [[{ subnet: "198.18.1.0/24" }], [{ subnet: "fd61:7465:6d66::/112" }]] },
  },
  bridge: {
    type: "bridge",
    bridge: "before0",
    isGateway: true,
    ipam: { type: "host-local", ranges: [[{ subnet: "198.18.1.0/24" }], [{ subnet: "fd61:7465:6d66::/112" }]] },
  },
} as const;

/** A row of a plugin with the configuration that the conformance suites give it, and with more keys. */
function row(plugin: string, variant = "", more: Json = {}, chained: Scenario["before"] = before.ptp): Scenario {
  const one = CASES[plugin];
  if (one === undefined) throw new Error(`test/conformance/cases.ts has no case for ${plugin}`);
  return {
    name: variant === "" ? plugin : `${plugin} ${variant}`,
    plugin,
    config: { ...one.config, ...more },
    before: chained,
    ...(one.module === undefined ? {} : { module: one.module }),
    ...(one.prepare === undefined ? {} : { provide: one.prepare }),
  };
}

const OTHER_PORT = { runtimeConfig: { portMappings: [{ hostPort: 8081, containerPort: 80, protocol: "tcp" }] } };

const iptables = { ipMasqBackend: "iptables" };

/** The daemon of dhcp is a process of its own: test/e2e/dhcp.test.ts ends it at any time. */
export const SCENARIOS: readonly Scenario[] = [
  row("bridge"),
  { ...row("bridge", "as the first"), isAlone: true, isFirst: true },
  row("bridge", "by iptables", iptables),
  row("bridge", "with macspoofchk", { macspoofchk: true, isDefaultGateway: true, hairpinMode: true }),
  row("bridge", "without IPAM", { ipam: undefined, isGateway: false, ipMasq: false }),
  row("ptp"),
  { ...row("ptp", "as the first"), isAlone: true, isFirst: true },
  row("ptp", "by iptables", iptables),
  row("ptp", "with options", { ipMasqOptions: { dropInvalid: true, exclude: ["192.0.2.0/24", "2001:db8::/32"] } }),
  { ...row("host-device"), isAlone: true },
  row("macvlan", "", { mac: undefined }), // no two have one address
  row("ipvlan"),
  row("vlan"),
  row("dummy"),
  row("tap"),
  row("loopback"),
  { ...row("portmap"), other: OTHER_PORT },
  { ...row("portmap", "as the first"), isAlone: true, isFirst: true },
  { ...row("portmap", "by iptables", { backend: "iptables" }), other: OTHER_PORT },
  row("firewall", "of one bridge", { ingressPolicy: "same-bridge" }, before.bridge),
  row("firewall", "by iptables", { backend: "iptables" }),
  row("tuning"),
  row("tuning", "that restores", { tuningOptions: { restoreSysctl: true } }),
  row("bandwidth"),
  row("sbr"),
  row("vrf"),
  row("host-local"),
  row("static"),
];
