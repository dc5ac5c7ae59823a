// The keys of the plugin's configuration, as upstream's documentation has them, and what they come to.

import { interfaceNameProblem } from "../../cni/environment.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import { interfaceName } from "../../cni/fields.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { array, emptyIsAbsent, type Infer, object, optional, withDefault } from "../../cni/schema.ts";
import { type Masquerade, masqueradeFor } from "../../masquerade/masquerade.ts";
import type { Mac } from "../../wire/mac.ts";
import { masqueradeKeys } from "../extras.ts";
import { enabledadKey, flag, macKeys, macOf, mtuKey, mtuOf, vlanId } from "../keys.ts";
import { readTrunk, trunkItem, type VlanRange } from "./trunk.ts";

/** A configuration that makes sense as a whole. */
export interface BridgeConfig {
  readonly bridge: string;
  /** Whether the bridge carries the gateway addresses of the container's subnets: isGateway or isDefaultGateway. */
  readonly isGateway: boolean;
  readonly isDefaultGateway: boolean;
  readonly forceAddress: boolean;
  /** Undefined where "ipMasq" is off. */
  readonly masquerade: Masquerade | undefined;
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

/** The plugin's own keys, for reading and for its JSON Schema. */
export const bridgeSchema = object({
  bridge: withDefault(emptyIsAbsent(interfaceName("name of the bridge, which is made when there is none")), "cni0"),
  isGateway: flag("give the bridge the gateway address of every range"),
  isDefaultGateway: flag("isGateway, and default routes through it"),
  forceAddress: flag("replace addresses of the bridge that are in the gateways' way"),
  ...masqueradeKeys,
  mtu: mtuKey("of the veth pair, and of a bridge that is made"),
  hairpinMode: flag("let frames go back through the port they came from"),
  promiscMode: flag("put the bridge in promiscuous mode"),
  vlan: withDefault(vlanId(0, "VLAN of the container's untagged frames; 0: none"), 0),
  vlanTrunk: optional(array(trunkItem, "VLANs that the container sees tagged")),
  preserveDefaultVlan: flag("leave the port in the bridge's default VLAN as well"),
  macspoofchk: flag("drop frames from the container with any other source address than its own"),
  enabledad: enabledadKey,
  disableContainerInterface: flag("leave the container's interface down"),
  portIsolation: flag("keep isolated ports of the bridge from reaching each other"),
  ...macKeys,
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
  return {
    bridge: keys.bridge,
    isGateway: keys.isGateway || keys.isDefaultGateway,
    isDefaultGateway: keys.isDefaultGateway,
    forceAddress: keys.forceAddress,
    masquerade: masqueradeFor(keys, invocation),
    mtu: mtuOf(keys),
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
    mac: macOf(keys, args),
  };
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
  if (hasIpam && (keys.isGateway || keys.isDefaultGateway) && keys.vlan !== 0) {
    const name = vlanGatewayName(keys.bridge, keys.vlan);
    const problem = interfaceNameProblem(name);
    if (problem === undefined) return;
    throw invalid(
      `the gateway of VLAN ${keys.vlan} would be the interface ${JSON.stringify(name)}, which is ${problem}`,
    );
  }
}

function invalid(problem: string): CniError {
  return new CniError(CNI_CODE.INVALID_CONFIG, problem);
}
