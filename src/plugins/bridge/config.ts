// The keys of the plugin's configuration, as upstream's documentation has them, and what they come to.

import { parseArgs } from "../../cni/args.ts";
import { interfaceNameProblem } from "../../cni/environment.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import { interfaceName, mac } from "../../cni/fields.ts";
import { excerpt } from "../../cni/json.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { array, boolean, type Infer, integer, object, optional, type Schema, withDefault } from "../../cni/schema.ts";
import { type BackendName, backendKey, backendProblem } from "../../masquerade/masquerade.ts";
import { type Mac, parseMac } from "../../wire/mac.ts";
import { readTrunk, trunkItem, type VlanRange } from "./trunk.ts";

/** A configuration that makes sense as a whole. */
export interface BridgeConfig {
  readonly bridge: string;
  /** Whether the bridge carries the gateway addresses of the container's subnets: isGateway or isDefaultGateway. */
  readonly isGateway: boolean;
  readonly isDefaultGateway: boolean;
  readonly forceAddress: boolean;
  readonly ipMasq: boolean;
  readonly ipMasqBackend: BackendName;
  /** Of the bridge, where it is made, and of the veth pair; undefined: the kernel's choice. */
  readonly mtu: number | undefined;
  readonly hairpinMode: boolean;
  readonly promiscMode: boolean;
  /** The VLAN of the container's untagged frames; undefined: none. */
  readonly vlan: number | undefined;
  /** The VLANs whose tagged frames the container sees. */
  readonly trunk: readonly VlanRange[];
  /** Whether a bridge that is made shall tell VLANs apart. */
  readonly vlanFiltering: boolean;
  readonly preserveDefaultVlan: boolean;
  readonly macspoofchk: boolean;
  readonly enabledad: boolean;
  readonly disableContainerInterface: boolean;
  readonly portIsolation: boolean;
  /** Of the container's interface; undefined: a random one. */
  readonly mac: Mac | undefined;
}

const MTU_MIN = 68; // RFC 791: what every link must carry
const MTU_MAX = 65535; // ETH_MAX_MTU, include/uapi/linux/if_ether.h
const VLAN_MAX = 4094; // IEEE 802.1Q: 0 and 4095 are reserved

const flag = (about: string): Schema<boolean> => withDefault(boolean(about), false);

/** The plugin's own keys, for reading and for its JSON Schema. */
export const bridgeSchema = object({
  bridge: withDefault(interfaceName("name of the bridge, which is made when there is none"), "cni0"),
  isGateway: flag("give the bridge the gateway address of every range"),
  isDefaultGateway: flag("isGateway, and default routes through it"),
  forceAddress: flag("replace addresses of the bridge that are in the gateways' way"),
  ipMasq: flag("masquerade what the container sends beyond its subnets"),
  ipMasqBackend: backendKey,
  mtu: withDefault(integer(0, MTU_MAX, "of the veth pair, and of a bridge that is made; 0: the kernel's default"), 0),
  hairpinMode: flag("let frames go back through the port they came from"),
  promiscMode: flag("put the bridge in promiscuous mode"),
  vlan: withDefault(integer(0, VLAN_MAX, "VLAN of the container's untagged frames; 0: none"), 0),
  vlanTrunk: optional(array(trunkItem, "VLANs that the container sees tagged")),
  preserveDefaultVlan: flag("leave the port in the bridge's default VLAN as well"),
  macspoofchk: flag("drop frames from the container with any other source address than its own"),
  enabledad: flag("detect duplicate IPv6 addresses, which takes 1 to 2 seconds"),
  disableContainerInterface: flag("leave the container's interface down"),
  portIsolation: flag("keep isolated ports of the bridge from reaching each other"),
  args: withDefault(object({ cni: withDefault(object({ mac: optional(mac()) }), { mac: undefined }) }), {
    cni: { mac: undefined },
  }),
  runtimeConfig: withDefault(object({ mac: optional(mac("of the container's interface")) }), { mac: undefined }),
});

type Keys = Infer<typeof bridgeSchema>;

/**
 * Reads the configuration for ADD and CHECK. Throws CniError 6 for a wrong type, 7 for a wrong value or values that
 * exclude each other, 4 for CNI_ARGS.
 */
export function readBridgeConfig(invocation: Invocation): BridgeConfig {
  const { config, args } = invocation;
  const keys = bridgeSchema.read(config.raw, "");
  checkCombination(keys, config.ipamType !== "");
  const problem = keys.ipMasq ? backendProblem(keys.ipMasqBackend, invocation) : undefined;
  if (problem !== undefined) throw invalid(problem);
  return {
    bridge: keys.bridge,
    isGateway: keys.isGateway || keys.isDefaultGateway,
    isDefaultGateway: keys.isDefaultGateway,
    forceAddress: keys.forceAddress,
    ipMasq: keys.ipMasq,
    ipMasqBackend: keys.ipMasqBackend,
    mtu: keys.mtu || undefined,
    hairpinMode: keys.hairpinMode,
    promiscMode: keys.promiscMode,
    vlan: keys.vlan || undefined,
    trunk: readTrunk(keys.vlanTrunk ?? []),
    vlanFiltering: keys.vlan !== 0 || keys.vlanTrunk !== undefined,
    preserveDefaultVlan: keys.preserveDefaultVlan,
    macspoofchk: keys.macspoofchk,
    enabledad: keys.enabledad,
    disableContainerInterface: keys.disableContainerInterface,
    portIsolation: keys.portIsolation,
    mac: readMac(keys, args),
  };
}

const macSpoofSchema = object({ macspoofchk: flag("") });

/** For DEL and GC, which a wrong value elsewhere is no reason to refuse. Throws CniError 6 for a wrong type. */
export function wantsMacSpoofCheck({ config }: Invocation): boolean {
  return macSpoofSchema.read(config.raw, "").macspoofchk;
}

/** Name of the interface that carries the gateway addresses of a VLAN. */
export function vlanGatewayName(bridge: string, vlan: number): string {
  return `${bridge}.${vlan}`;
}

function checkCombination(keys: Keys, hasIpam: boolean): void {
  if (hasIpam && keys.disableContainerInterface) {
    throw invalid("disableContainerInterface leaves the container's interface down, so ipam can't give it addresses");
  }
  if (keys.hairpinMode && keys.promiscMode) {
    throw invalid("hairpinMode and promiscMode exclude each other: the container would get its own frames twice");
  }
  if (keys.mtu !== 0 && keys.mtu < MTU_MIN)
    throw invalid(`mtu: ${keys.mtu} is not a number from ${MTU_MIN} to ${MTU_MAX}`);
  if (hasIpam && (keys.isGateway || keys.isDefaultGateway) && keys.vlan !== 0) {
    const name = vlanGatewayName(keys.bridge, keys.vlan);
    const problem = interfaceNameProblem(name);
    if (problem === undefined) return;
    throw invalid(
      `the gateway of VLAN ${keys.vlan} would be the interface ${JSON.stringify(name)}, which is ${problem}`,
    );
  }
}

/** As upstream: the runtime's word comes before `args`, and that before CNI_ARGS. */
function readMac(keys: Keys, args: string): Mac | undefined {
  const { MAC } = parseArgs(args, ["MAC"]);
  const wanted = keys.runtimeConfig.mac ?? keys.args.cni.mac ?? (MAC ? macOfArgs(MAC) : undefined);
  if (wanted === undefined) return undefined;
  const isGroup = ((wanted[0] ?? 0) & 1) !== 0;
  if (isGroup || wanted.every((byte) => byte === 0)) {
    throw invalid("mac: an interface can't have a multicast address or 00:00:00:00:00:00");
  }
  return wanted;
}

function macOfArgs(text: string): Mac {
  const found = parseMac(text);
  if (found !== undefined) return found;
  throw new CniError(CNI_CODE.INVALID_ENVIRONMENT, `CNI_ARGS: MAC ${excerpt(text)} is not a MAC address`);
}

function invalid(problem: string, details?: string): CniError {
  return new CniError(CNI_CODE.INVALID_CONFIG, problem, details);
}
