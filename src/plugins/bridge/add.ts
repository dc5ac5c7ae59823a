// ADD: a veth pair between the container and the bridge, addresses from IPAM, the bridge as their gateway.

import { type Attachment, attachmentOf } from "../../cni/attachment.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import type { Dns, Interface, Result } from "../../cni/result.ts";
import { type Undo, undoOnFailure } from "../../cni/undo.ts";
import { allocateAddresses, dnsOf } from "../../ipam/call.ts";
import { type Bridge, ensureBridge, hadPorts, macWithPort, NotBridgeError } from "../../links/bridge.ts";
import { bridgeNetfilter } from "../../links/bridge-netfilter.ts";
import { setUpPort, waitForPort } from "../../links/bridge-port.ts";
import { ensureVlanGateway, joinVlans } from "../../links/bridge-vlan.ts";
import { type Assignment, configureContainer, readAssignments } from "../../links/configure.ts";
import { enableForwarding } from "../../links/forwarding.ts";
import { AddressConflictError, ensureGateways } from "../../links/gateway-address.ts";
import { requireMtuFor, requirePortMtu } from "../../links/ipv6-mtu.ts";
import { type Namespaces, withNamespaces } from "../../links/namespaces.ts";
import { createVeth, deleteLinkIfAny, type Veth, type VethEnd } from "../../links/veth.ts";
import { ensureWaysBack } from "../../links/way-back.ts";
import { macSpoof } from "../../mac-spoof/feature.ts";
import { beginMasquerade } from "../../masquerade/masquerade.ts";
import type { SysctlName } from "../../sys/sysctl.ts";
import { type Cidr, type Family, familyOf, formatCidr } from "../../wire/ip.ts";
import { formatMac } from "../../wire/mac.ts";
import { type BridgeConfig, readBridgeConfig, vlanGatewayName } from "./config.ts";
import { type GatewayPlan, gatewayOfNetwork, planGateways } from "./gateways.ts";

/** Everything that one ADD is about. */
interface Attaching {
  readonly invocation: Invocation;
  readonly config: BridgeConfig;
  readonly attachment: Attachment;
  readonly namespaces: Namespaces;
  readonly undo: Undo;
}

/** What the container has been given. */
interface Given {
  readonly plan: GatewayPlan;
  readonly dns: Dns;
  /** The interface that carries the gateways of a VLAN. */
  readonly vlanInterface: Interface | undefined;
}

export function add(invocation: Invocation): Result {
  const config = readBridgeConfig(invocation);
  return withNamespaces(invocation.netns, (namespaces) =>
    undoOnFailure(invocation.log, (undo) =>
      attach({ invocation, config, attachment: attachmentOf(invocation), namespaces, undo }),
    ),
  );
}

function attach(attaching: Attaching): Result {
  const { invocation, config, namespaces } = attaching;
  const bridge = makeBridge(attaching);
  const veth = connect(attaching, bridge);
  const given = giveAddresses(attaching, bridge, veth);
  if (!config.disableContainerInterface) waitForPort(namespaces.node, veth.node);
  const interfaces = [
    { name: bridge.name, mac: formatMac(macWithPort(namespaces.node, bridge, veth.node)) },
    { name: veth.node.name, mac: formatMac(veth.node.mac) },
    { name: veth.container.name, mac: formatMac(veth.container.mac), sandbox: invocation.netns },
  ];
  const { ips, routes } = given.plan;
  return {
    interfaces: [...interfaces, ...(given.vlanInterface ? [given.vlanInterface] : [])],
    ips,
    routes,
    dns: given.dns,
  };
}

function makeBridge({ invocation, config, namespaces }: Attaching): Bridge {
  try {
    const bridge = ensureBridge(namespaces.node, {
      name: config.bridge,
      mtu: config.mtu,
      promisc: config.promiscMode,
      vlanFiltering: config.vlanFiltering,
      isGateway: isGatewayItself(invocation, config),
      duplicateAddressDetection: config.enabledad,
    });
    const { info } = bridge;
    if (config.vlanFiltering && info?.kind === "bridge" && "vlanFiltering" in info && info.vlanFiltering === false) {
      invocation.log(`${bridge.name} was made without vlan_filtering, so it does not keep VLANs apart`);
    }
    return bridge;
  } catch (error) {
    if (!(error instanceof NotBridgeError)) throw error;
    throw CniError.because(error, CNI_CODE.INVALID_CONFIG, `bridge: ${JSON.stringify(config.bridge)} cannot be used`);
  }
}

/** Whether gateway addresses go on the bridge: not on the interface of a VLAN, nor nowhere. */
function isGatewayItself({ config: { ipamType } }: Invocation, { isGateway, vlan }: BridgeConfig): boolean {
  return ipamType !== "" && isGateway && vlan === undefined;
}

/** Makes the veth pair, a port of the bridge. */
function connect({ invocation, config, attachment, namespaces, undo }: Attaching, bridge: Bridge): Veth {
  const { ifname } = invocation;
  const { mtu, mac, vlan, trunk, preserveDefaultVlan } = config;
  requirePortMtu(namespaces.node, bridge, mtu);
  const masterMac = hadPorts(bridge) ? bridge.mac : undefined;
  const veth = createVeth(namespaces, { ifname, mtu, mac, masterIndex: bridge.index, masterMac }, undo);
  namespaces.node.executeAll([
    ...setUpPort(veth.node, { hairpin: config.hairpinMode, isolated: config.portIsolation }),
    ...joinVlans(bridge, veth.node, { native: vlan, trunk, keepDefault: preserveDefaultVlan }),
  ]);
  if (config.macspoofchk) {
    undo.defer(() => macSpoof.tearDown(attachment, []));
    macSpoof.setUp(attachment, { port: veth.node.name, mac: veth.container.mac }, invocation.netns);
  }
  return veth;
}

function giveAddresses(attaching: Attaching, bridge: Bridge, veth: Veth): Given {
  const { invocation, config, namespaces } = attaching;
  const device = veth.container;
  if (invocation.config.ipamType !== "") return giveAllocated(attaching, bridge, veth);
  // Without IPAM the bridge only carries frames.
  if (!config.disableContainerInterface) configureContainer(namespaces, { device, addresses: [], routes: [] });
  return { plan: { ips: [], routes: [], gateways: [] }, dns: invocation.config.dns, vlanInterface: undefined };
}

function giveAllocated(attaching: Attaching, bridge: Bridge, veth: Veth): Given {
  const { invocation, config, namespaces, undo } = attaching;
  const ipam = allocateAddresses(invocation, undo);
  // Whoever gets the addresses next must not meet the interface that has them: it goes before they are given back.
  undo.defer(() => deleteLinkIfAny(namespaces.node, veth.node));
  const plan = planGateways(ipam, config);
  const addresses = readAssignments({ ...ipam, ips: plan.ips });
  requireMtuFor(addresses, config.mtu);
  configureContainer(namespaces, {
    device: veth.container,
    addresses,
    routes: plan.routes,
    parameters: parametersOf(veth.container, config),
    duplicateAddressDetection: config.enabledad,
  });
  // The bridge is everyone's, so it comes last: its addresses stay when the ADD fails.
  if (config.ipMasq) beginMasquerade(invocation, config.ipMasqBackend, addresses, undo);
  const vlanInterface = setUpGateways(attaching, bridge, plan.gateways, addresses);
  return { plan, dns: dnsOf(invocation.config, ipam), vlanInterface };
}

/** As upstream: the link-local address, too, can be used at once, and neighbours learn of the interface when it comes up. */
function parametersOf({ name }: VethEnd, { enabledad }: BridgeConfig): (readonly [SysctlName, string])[] {
  const detection: (readonly [SysctlName, string])[] = enabledad
    ? [
        [`net/ipv6/conf/${name}/enhanced_dad`, "1"],
        [`net/ipv6/conf/${name}/accept_dad`, "1"],
      ]
    : [[`net/ipv6/conf/${name}/accept_dad`, "0"]];
  return [...detection, [`net/ipv4/conf/${name}/arp_notify`, "1"]];
}

/** Puts the gateway addresses where they belong; returns the interface of the VLAN where that is not the bridge. */
function setUpGateways(
  attaching: Attaching,
  bridge: Bridge,
  gateways: readonly Cidr[],
  addresses: readonly Assignment[],
): Interface | undefined {
  const { invocation, config, namespaces, undo } = attaching;
  if (gateways.length === 0) return undefined;
  const { vlan } = config;
  const link =
    vlan === undefined
      ? bridge
      : ensureVlanGateway(namespaces.node, bridge, vlanGatewayName(bridge.name, vlan), {
          vid: vlan,
          log: invocation.log,
          keepDefault: config.preserveDefaultVlan,
        });
  try {
    const removed = ensureGateways(namespaces.node, link, gateways, {
      force: config.forceAddress,
      detectDuplicates: config.enabledad,
      belongs: gatewayOfNetwork(invocation),
    });
    if (removed.length > 0) {
      const [what, which] = [removed.map(formatCidr).join(", "), gateways.map(formatCidr).join(", ")];
      invocation.log(`forceAddress: removed ${what} from ${link.name}, in the way of the gateway ${which}`);
    }
  } catch (error) {
    if (!(error instanceof AddressConflictError)) throw error;
    const problem = `${link.name} cannot be the gateway because of another address, which forceAddress would replace`;
    throw CniError.because(error, CNI_CODE.INVALID_CONFIG, problem);
  }
  const forget = ensureWaysBack(namespaces.node, link, addresses);
  if (forget !== undefined) undo.defer(forget);
  const families = new Set(gateways.map(({ ip }) => familyOf(ip)));
  for (const family of families) enableForwarding(family);
  if (link !== bridge && config.ipMasq) warnOfBridgeNetfilter(invocation, link.name, families);
  return link === bridge ? undefined : { name: link.name, mac: formatMac(link.mac) };
}

/**
 * The interface of a VLAN is behind a port of the bridge. Where rules of IP see what goes there, they masquerade it on its
 * way, and the node drops packets that seem to be its own.
 */
function warnOfBridgeNetfilter(invocation: Invocation, gateway: string, families: Iterable<Family>): void {
  const parameters = bridgeNetfilter(families);
  if (parameters.length === 0) return;
  const off = parameters.map((name) => `${name}=0`).join(" and ");
  invocation.log(
    `ipMasq loses what containers send by way of ${gateway}, because bridged frames are masqueraded: set ${off}`,
  );
}
