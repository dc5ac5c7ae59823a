// Keys that several plugins have, each read in one way.

import { parseArgs } from "../cni/args.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { linkReference, mac } from "../cni/fields.ts";
import { excerpt } from "../cni/json.ts";
import {
  boolean,
  emptyIsAbsent,
  integer,
  judgedLater,
  object,
  optional,
  type Schema,
  withDefault,
} from "../cni/schema.ts";
import type { ParentChoice } from "../links/parent.ts";
import { type Mac, parseMac } from "../wire/mac.ts";

/** `"hairpinMode": true`; false where absent. */
export function flag(about: string): Schema<boolean> {
  return withDefault(boolean(about), false);
}

const MTU_MIN = 68; // RFC 791: what every link must carry
const MTU_MAX = 65535; // ETH_MAX_MTU, include/uapi/linux/if_ether.h

/** The key "mtu", 0 where absent; see mtuOf. `about` says of what, and `zero` what 0 means. */
export function mtuKey(about: string, zero = "the kernel's default"): Schema<number> {
  return withDefault(integer(0, MTU_MAX, `MTU ${about}; 0: ${zero}`), 0);
}

/**
 * The MTU that is asked for; undefined: none. Throws CniError 7, which names the path `at`, for one that no link can have.
 */
export function mtuOf({ mtu }: { readonly mtu: number }, at = "mtu"): number | undefined {
  if (mtu === 0) return undefined;
  if (mtu >= MTU_MIN) return mtu;
  throw new CniError(CNI_CODE.INVALID_CONFIG, `${at}: ${mtu} is not a number from ${MTU_MIN} to ${MTU_MAX}`);
}

const VLAN_MAX = 4094; // IEEE 802.1Q: 0 and 4095 are reserved

/** The id of a VLAN, from `least` (1, or 0 for none) to 4094. */
export function vlanId(least: 0 | 1, about: string): Schema<number> {
  return integer(least, VLAN_MAX, about);
}

const noMac = { mac: undefined };

/** What a key "mac" is about. */
export const CONTAINER_MAC = "MAC address of the container's interface";

/** The keys that can bring a MAC address besides CNI_ARGS; see macOf. */
export const macKeys = {
  args: withDefault(object({ cni: withDefault(object({ mac: optional(judgedLater(mac(CONTAINER_MAC))) }), noMac) }), {
    cni: noMac,
  }),
  runtimeConfig: withDefault(object({ mac: optional(mac(CONTAINER_MAC)) }), noMac),
};

interface MacKeys {
  readonly args: { readonly cni: { readonly mac: (() => Mac) | undefined } };
  readonly runtimeConfig: { readonly mac: Mac | undefined };
}

/**
 * The MAC address that is asked for; undefined: a random one. The runtime's comes before that of `args`, and that before the
 * one of CNI_ARGS, as in upstream's bridge; what is replaced is not judged. Throws CniError 7, or 4 for CNI_ARGS.
 */
export function macOf({ runtimeConfig, args }: MacKeys, cniArgs: string): Mac | undefined {
  const { MAC } = parseArgs(cniArgs, ["MAC"]);
  const wanted = runtimeConfig.mac ?? args.cni.mac?.() ?? (MAC ? macOfArgs(MAC) : undefined);
  return wanted === undefined ? undefined : requireUsable(wanted);
}

/** The address, if an interface can have it. Throws CniError 7. */
export function requireUsable(mac: Mac): Mac {
  const isGroup = ((mac[0] ?? 0) & 1) !== 0;
  if (!isGroup && mac.some((byte) => byte !== 0)) return mac;
  const problem = "mac: an interface can't have a multicast address or 00:00:00:00:00:00";
  throw new CniError(CNI_CODE.INVALID_CONFIG, problem);
}

/** The address that CNI_ARGS has under MAC. Throws CniError 4. */
export function macOfArgs(text: string): Mac {
  const found = parseMac(text);
  if (found !== undefined) return found;
  throw new CniError(CNI_CODE.INVALID_ENVIRONMENT, `CNI_ARGS: MAC ${excerpt(text)} is not a MAC address`);
}

const laterMac = optional(judgedLater(mac(CONTAINER_MAC)));

/** The keys of an address that the network itself may name; see ownMacOf. */
export const ownMacKeys = { mac: laterMac, runtimeConfig: optional(object({ mac: laterMac })) };

interface OwnMacKeys {
  readonly mac: (() => Mac) | undefined;
  readonly runtimeConfig: { readonly mac: (() => Mac) | undefined } | undefined;
}

/**
 * The MAC address that is asked for; undefined: none. The runtime's comes before that of CNI_ARGS, and that before the network's
 * own, as in upstream's macvlan and tap; what is replaced is not judged. Throws CniError 7, or 4 for CNI_ARGS.
 */
export function ownMacOf({ mac: own, runtimeConfig }: OwnMacKeys, cniArgs: string): Mac | undefined {
  const { MAC } = parseArgs(cniArgs, ["MAC"]);
  const wanted = runtimeConfig?.mac?.() ?? (MAC ? macOfArgs(MAC) : own?.());
  return wanted === undefined ? undefined : requireUsable(wanted);
}

/** The key of bridge, for all that make an interface in a network that others have addresses of. */
export const enabledadKey: Schema<boolean> = flag("detect duplicate IPv6 addresses, which takes 1 to 2 seconds");

/** The keys of plugins whose interface hangs on another; see upperConfigOf. */
export const parentKeys = {
  master: optional(
    emptyIsAbsent(linkReference("the interface that the container's hangs on; that of the default route unless given")),
  ),
  mtu: mtuKey("of the container's interface", "its master's"),
  linkInContainer: flag("the master is in the container, not on the node"),
  enabledad: enabledadKey,
};

interface ParentKeys {
  readonly master: string | undefined;
  readonly mtu: number;
  readonly linkInContainer: boolean;
  readonly enabledad: boolean;
}

/** What parentKeys say. */
export interface UpperConfig {
  readonly parent: ParentChoice;
  readonly mtu: number | undefined;
  readonly enabledad: boolean;
}

/** Reads parentKeys. Throws CniError 7. */
export function upperConfigOf(keys: ParentKeys): UpperConfig {
  const { master, linkInContainer, enabledad } = keys;
  return { parent: { master, linkInContainer }, mtu: mtuOf(keys), enabledad };
}
