// The names that containernetworking/plugins' portmap gives to what it makes by iptables: a chain for each network and
// container, whatever the interface, and the chains that all share.

import type { Attachment } from "../../cni/attachment.ts";
import { sha512Hex } from "../../hash/sha512.ts";
import type { OwnChains } from "../../iptables/nat-table.ts";

/** Leads to the containers' chains; PREROUTING and OUTPUT lead here. */
export const DNAT = "CNI-HOSTPORT-DNAT";
/** Marks what is to be masqueraded, and masquerades what is marked. */
export const SETMARK = "CNI-HOSTPORT-SETMARK";
export const MASQ = "CNI-HOSTPORT-MASQ";
/** What plugins older than 0.9 had for translating sources. */
const OLD_SNAT = "CNI-HOSTPORT-SNAT";

type Container = Pick<Attachment, "network" | "containerId">;

/** Chains have names of at most 28 characters. */
const HASH_DIGITS = 21;

const hashOf = ({ network, containerId }: Container): string => sha512Hex(network + containerId, HASH_DIGITS);

/** The container's chain, which translates destinations. */
export function dnatChainOf(container: Container): string {
  return `CNI-DN-${hashOf(container)}`;
}

/** The container's chain of a plugin older than 0.9. */
export function oldSnatChainOf(container: Container): string {
  return `CNI-SN-${hashOf(container)}`;
}

const named = (prefix: string, from: string): OwnChains => ({
  prefix,
  from,
  includes: (name) => name.startsWith(prefix) && /^[0-9a-f]{21}$/.test(name.slice(prefix.length)),
});

/** The containers' chains among all others. */
export const DNAT_CHAINS: OwnChains = named("CNI-DN-", DNAT);
export const OLD_SNAT_CHAINS: OwnChains = named("CNI-SN-", OLD_SNAT);

/** XT_MAX_COMMENT_LEN of include/uapi/linux/netfilter/xt_comment.h, without the NUL. */
const COMMENT_MAX = 255;

/** `dnat name: "web" id: "5f3a…"` */
export function commentOf({ network, containerId }: Container): string {
  const text = `dnat name: "${network}" id: "${containerId}"`;
  return text.length <= COMMENT_MAX ? text : `${text.slice(0, COMMENT_MAX - 3)}...`;
}

/** Network and container of such a comment; undefined where it is another, or was cut. */
export function parseComment(comment: string): Container | undefined {
  const [, network, containerId] = /^dnat name: "([^"]*)" id: "([^"]*)"$/.exec(comment) ?? [];
  return network === undefined || containerId === undefined ? undefined : { network, containerId };
}
