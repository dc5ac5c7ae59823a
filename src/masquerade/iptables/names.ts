// The names that containernetworking/plugins gives to what its iptables back end makes: a chain for each network and
// container, whatever the interface, and a comment on every rule.

import type { Attachment } from "../../cni/attachment.ts";
import { sha512Hex } from "../../hash/sha512.ts";
import type { OwnChains } from "../../iptables/nat-table.ts";

/** What the names of chains begin with, and those of other plugins' chains. */
const CHAIN_PREFIX = "CNI-";

/** Chains have names of at most 28 characters (XT_EXTENSION_MAXNAMELEN of include/uapi/linux/netfilter/x_tables.h). */
const HASH_DIGITS = 24;

/** `CNI-` and the beginning of a hash. */
export function chainOf({ network, containerId }: Pick<Attachment, "network" | "containerId">): string {
  return CHAIN_PREFIX + sha512Hex(network + containerId, HASH_DIGITS);
}

const CHAIN = /^CNI-[0-9a-f]{24}$/;

/** Whether it could be the chain of some attachment; those of the portmap plugin have other names. */
export function isChainName(name: string): boolean {
  return CHAIN.test(name);
}

/** The chains of this back end and of upstream's, among all others. */
export const OWN_CHAINS: OwnChains = { prefix: CHAIN_PREFIX, includes: isChainName };

/** XT_MAX_COMMENT_LEN of include/uapi/linux/netfilter/xt_comment.h, with the NUL. */
const COMMENT_SIZE = 256;

/** `name: "dual" id: "1f2e3d…"` */
export function commentOf({ network, containerId }: Pick<Attachment, "network" | "containerId">): string {
  return `name: ${JSON.stringify(network)} id: ${JSON.stringify(containerId)}`.slice(0, COMMENT_SIZE - 1);
}

const COMMENT = /^name: ("(?:[^"\\]|\\.)*") id: ("(?:[^"\\]|\\.)*")$/;

/** Network and container of such a comment; undefined for any other. */
export function parseComment(comment: string): Pick<Attachment, "network" | "containerId"> | undefined {
  const [, network, containerId] = COMMENT.exec(comment) ?? [];
  if (network === undefined || containerId === undefined) return undefined;
  try {
    return { network: JSON.parse(network), containerId: JSON.parse(containerId) };
  } catch {
    return undefined; // quoted in a way that JSON does not know: no name of a network or container is
  }
}

/** What a comment tells that had no room for the whole of the container's id. */
export interface CutName {
  readonly network: string;
  /** The beginning of its id. */
  readonly containerId: string;
}

const CUT_COMMENT = /^name: ("(?:[^"\\]|\\.)*") id: "([^"\\]*)$/;

/** Network and beginning of the container's id in a comment that was cut; undefined for any other. */
export function parseCutComment(comment: string): CutName | undefined {
  const [, quoted, containerId = ""] = CUT_COMMENT.exec(comment) ?? [];
  if (quoted === undefined || comment.length !== COMMENT_SIZE - 1) return undefined;
  const network = parseComment(`name: ${quoted} id: ""`)?.network;
  return network === undefined ? undefined : { network, containerId };
}
