// ADD: a veth pair between the container and the bridge, and the bridge as the gateway of the container's addresses.

import { attachmentOf } from "../../cni/attachment.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import type { Interface, IpConfig } from "../../cni/result.ts";
import { type Bridge, ensureBridge, hadPorts, macWithPort, NotBridgeError } from "../../links/bridge.ts";
import { bridgeNetfilter } from "../../links/bridge-netfilter.ts";
import { setUpPort, waitForPort } from "../../links/bridge-port.ts";
import { ensureVlanGateway, joinVlans } from "../../links/bridge-vlan.ts";
import { announcing, type ContainerSetup, type Parameter } from "../../links/configure.ts";
import { enableForwarding } from "../../links/forwarding.ts";
import { AddressConflictError, ensureGateways } from "../../links/gateway-address.ts";
import { requirePortMtu } from "../../links/ipv6-mtu.ts";
import { createVeth, type Veth, type VethEnd } from "../../links/veth.ts";
import { ensureWaysBack } from "../../links/way-back.ts";
import { macSpoof } from "../../mac-spoof/feature.ts";
import type { BriefLink } from "../../rtnetlink/brief-link.ts";
import { type Family, familyOf, formatCidr } from "../../wire/ip.ts";
import { formatMac } from "../../wire/mac.ts";
import type { Attaching as AttachingWith, Made } from "../interface.ts";
import { type BridgeConfig, vlanGatewayName } from "./config.ts";
import { completeGateways, gatewayOfNetwork, gatewaysOf } from "./gateways.ts";

type Attaching = AttachingWith<BridgeConfig>;

/** Makes the bridge, where there is none, and the veth pair. */
export function make(attaching: Attaching): Made {
  const { config, namespaces } = attaching;
  const bridge = makeBridge(attaching);
  const veth = connect(attaching, bridge);
  let vlanGateway: BriefLink | undefined;
  return {
    device: veth.container,
    mtu: config.mtu,
    staysDown: config.disableContainerInterface,
    complete: (ipam) => completeGateways(ipam, config),
    setUp: () => setUpOf(veth.container, config),
    // The bridge is everyone's, so it comes last: its addresses stay when the ADD fails.
    finish(addresses) {
      if (config.isGateway) vlanGateway = setUpGateways(attaching, bridge, addresses);
    },
    wait: () => waitForPort(namespaces.node, veth.node),
    interfaces: (container) => [
      { name: bridge.name, mac: formatMac(macWithPort(namespaces.node, bridge, veth.node)) },
      interfaceOf(veth.node),
      container,
      ...(vlanGateway === undefined ? [] : [interfaceOf(vlanGateway)]),
    ],
  };
}

function interfaceOf({ name, mac }: BriefLink): Interface {
  return { name, mac: formatMac(mac) };
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
function connect({ invocation, config, namespaces, undo }: Attaching, bridge: Bridge): Veth {
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
    const attachment = attachmentOf(invocation);
    undo.defer(() => macSpoof.tearDown(attachment, []));
    macSpoof.setUp(attachment, { port: veth.node.name, mac: veth.container.mac }, invocation.netns);
  }
  return veth;
}

/** As upstream: the link-local address, too, can be used at once, and neighbours learn of the interface when it comes up. */
function setUpOf({ name }: VethEnd, { enabledad }: BridgeConfig): Partial<ContainerSetup> {
  const detection: Parameter[] = enabledad
    ? [
        [`net/ipv6/conf/${name}/enhanced_dad`, "1"],
        [`net/ipv6/conf/${name}/accept_dad`, "1"],
      ]
    : [[`net/ipv6/conf/${name}/accept_dad`, "0"]];
  return {
    parameters: [...detection, ...announcing(name, [4])],
    duplicateAddressDetection: enabledad,
  };
}

/** Puts the gateway addresses where they belong; returns the interface of the VLAN where that is not the bridge. */
function setUpGateways(attaching: Attaching, bridge: Bridge, addresses: readonly IpConfig[]): BriefLink | undefined {
  const { invocation, config, namespaces, undo } = attaching;
  const link = gatewayLink(attaching, bridge);
  putGateways(attaching, link, addresses);
  const forget = ensureWaysBack(namespaces.node, link, addresses);
  if (forget !== undefined) undo.defer(forget);
  const families = new Set(addresses.map(({ ip }) => familyOf(ip)));
  for (const family of families) enableForwarding(family);
  if (link === bridge) return undefined;
  if (config.masquerade !== undefined) warnOfBridgeNetfilter(invocation, link.name, families);
  return link;
}

/** Where the gateway addresses belong: on the bridge, or on the interface of a VLAN. */
function gatewayLink({ invocation: { log }, config, namespaces }: Attaching, bridge: Bridge): BriefLink {
  const { vlan: vid, preserveDefaultVlan: keepDefault } = config;
  if (vid === undefined) return bridge;
  return ensureVlanGateway(namespaces.node, bridge, vlanGatewayName(bridge.name, vid), { vid, keepDefault, log });
}

function putGateways(
  { invocation, config, namespaces }: Attaching,
  link: BriefLink,
  addresses: readonly IpConfig[],
): void {
  const gateways = gatewaysOf(addresses);
  try {
    const removed = ensureGateways(namespaces.node, link, gateways, {
      force: config.forceAddress,
      detectDuplicates: config.enabledad,
      belongs: gatewayOfNetwork(invocation),
    });
    if (removed.length === 0) return;
    const [what, which] = [removed.map(formatCidr).join(", "), gateways.map(formatCidr).join(", ")];
    invocation.log(`forceAddress: removed ${what} from ${link.name}, in the way of the gateway ${which}`);
  } catch (error) {
    if (!(error instanceof AddressConflictError)) throw error;
    const problem = `${link.name} cannot be the gateway because of another address, which forceAddress would replace`;
    throw CniError.because(error, CNI_CODE.INVALID_CONFIG, problem);
  }
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
