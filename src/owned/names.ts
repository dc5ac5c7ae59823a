// The names in an element's comment, for whoever finds an element without a record: `network interface address/prefix
// container` in masquerade's maps, the same without the address in those of MAC spoof checking.

import type { AttachmentName } from "./feature.ts";

/** The names in a comment, and the prefix length of the address. */
export interface CommentedName extends AttachmentName {
  readonly prefixLength: number | undefined;
}

/** An attachment that nothing names. */
export const UNKNOWN_NAME: AttachmentName = {
  network: undefined,
  containerId: undefined,
  ifname: undefined,
  isCut: false,
};

/** The length at which comments are cut where they are written. */
const COMMENT_MAX = 127;

/**
 * Reads `dual eth0 10.22.0.5/16 1f2e3d…` of an element in one of our own maps, or with `hasAddress` false the form that
 * has no address; undefined where it says something else.
 */
export function fromComment(comment: string | undefined, hasAddress = true): CommentedName | undefined {
  if (comment === undefined) return undefined;
  const isCut = comment.length >= COMMENT_MAX;
  const [network = "", ifname, ...rest] = comment.split(" ");
  const cidr = hasAddress ? rest.shift() : undefined;
  const [containerId, ...surplus] = rest;
  if (network === "" || surplus.length > 0 || (containerId === undefined && !isCut)) return undefined;
  const length = containerId === undefined ? undefined : cidr?.slice(cidr.indexOf("/") + 1);
  return { network, ifname, containerId, isCut, prefixLength: length === undefined ? undefined : Number(length) };
}
