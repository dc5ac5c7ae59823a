// The keys of the plugin's configuration, as upstream's documentation has them, and what they come to.

import { interfaceNameProblem } from "../cni/environment.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Invocation } from "../cni/plugin.ts";
import type { Result } from "../cni/result.ts";
import { emptyIsAbsent, type Infer, object, oneOf, optional, text, withDefault } from "../cni/schema.ts";
import { BACKENDS, INGRESS_POLICIES, type Protection } from "./wanted.ts";

/** XT_EXTENSION_MAXNAMELEN - 1 of include/uapi/linux/netfilter/x_tables.h: how long the name of a chain may be in iptables. */
const CHAIN_NAME = /^[!-~]{1,28}$/;
/** Chains of our own table. */
const RESERVED = /^(forward|bridge-.*|segment-.*)$/;

/** A name that a chain can have in either back end: iptables takes no leading hyphen or exclamation mark. */
function chainName(name: string): string | undefined {
  return CHAIN_NAME.test(name) && !/^[-!]/.test(name) && !/["\\]/.test(name) && !RESERVED.test(name) ? name : undefined;
}

const zoneName = (name: string): string | undefined => (/^[A-Za-z0-9_/-]{1,128}$/.test(name) ? name : undefined);

/** The plugin's own keys, for reading and for its JSON Schema. */
export const firewallSchema = object({
  backend: optional(
    emptyIsAbsent(
      oneOf(BACKENDS, "who lets the container's packets through; absent: nftables, and what else drops them"),
    ),
  ),
  ingressPolicy: withDefault(
    emptyIsAbsent(
      oneOf(INGRESS_POLICIES, "which containers reach this one: all, those on the same bridge, or none on a bridge"),
    ),
    "open",
  ),
  iptablesAdminChainName: withDefault(
    emptyIsAbsent(
      text("a chain name of at most 28 characters", chainName, "the chain for the administrator's own rules"),
    ),
    "CNI-ADMIN",
  ),
  firewalldZone: withDefault(
    emptyIsAbsent(text("a zone's name", zoneName, "the zone of firewalld that lets containers through")),
    "trusted",
  ),
});

type Keys = Infer<typeof firewallSchema>;

/** What the configuration asks for, for every attachment of the network. Throws CniError 6 for a wrong type, 7 for a wrong value. */
export function readFirewallConfig({ config }: Invocation): Keys {
  return firewallSchema.read(config.raw, "");
}

/** What it asks for an attachment of which the plugins before have told this. Throws CniError 7. */
export function protectionOf(keys: Keys, result: Result): Protection {
  const policy = keys.ingressPolicy;
  if (policy !== "open") requireBridge(policy, firstOfNode(result)?.name);
  return {
    addresses: result.ips.map(({ ip }) => ip),
    bridge: bridgeOf(result),
    port: portOf(result),
    policy,
    backend: keys.backend,
    adminChain: keys.iptablesAdminChainName,
    zone: keys.firewalldZone,
  };
}

/** The interface of the node by which the container is reached; undefined where none is known. */
export function bridgeOf(result: Result): string | undefined {
  return usable(firstOfNode(result)?.name);
}

/** An interface in the container says nothing of the node's: macvlan's is called eth0. */
function firstOfNode({ interfaces: [first] }: Result): Result["interfaces"][number] | undefined {
  return first?.sandbox ? undefined : first;
}

/** The port of the bridge that leads to the container: bridge's result has it behind the bridge. */
export function portOf({ interfaces: [, second] }: Result): string | undefined {
  return second === undefined || second.sandbox ? undefined : usable(second.name);
}

function usable(ifname: string | undefined): string | undefined {
  return ifname === undefined || interfaceNameProblem(ifname) !== undefined ? undefined : ifname;
}

function requireBridge(policy: string, bridge: string | undefined): void {
  const key = `ingressPolicy: ${JSON.stringify(policy)}`;
  if (bridge === undefined) {
    const problem = "prevResult.interfaces does not begin with an interface of the node";
    throw new CniError(
      CNI_CODE.INVALID_CONFIG,
      `${key} isolates bridges, and ${problem}: chain firewall after bridge or ptp`,
    );
  }
  const problem = interfaceNameProblem(bridge);
  if (problem === undefined) return;
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `${key}: prevResult.interfaces[0].name ${JSON.stringify(bridge)} is ${problem}`,
  );
}
