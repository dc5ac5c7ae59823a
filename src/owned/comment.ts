// The names in the comment of an element, for people who read `nft list ruleset` and for us where the record is gone:
// `network interface address/prefix container`, or without the address for features that own none. Written and read here.

import type { Attachment } from "../cni/attachment.ts";
import { COMMENT_MAX, fitComment } from "../nftables/userdata.ts";
import { engine } from "../sys/engine.ts";
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

/** What ends a comment that had no room for all. */
const CUT = "…";

/** The most text before that, in bytes. */
const CUT_MAX = COMMENT_MAX - engine.encode(CUT).length;

/**
 * The comment of an element of the attachment's; `cidr` is its address with prefix length, as text. Any names will do: what
 * nft could not read back is replaced, and what is too long ends in `…`.
 */
export function writeComment({ network, ifname, containerId }: Attachment, cidr?: string): string {
  const text =
    cidr === undefined ? `${network} ${ifname} ${containerId}` : `${network} ${ifname} ${cidr} ${containerId}`;
  const whole = fitComment(text);
  // Replacing does not change how many characters there are.
  return whole.length === text.length ? whole : fitComment(text, CUT_MAX) + CUT;
}

/**
 * Reads what writeComment writes: the form with an address, or with `hasAddress` false the one without. Undefined for a
 * comment that says something else.
 */
export function readComment(comment: string | undefined, hasAddress = true): CommentedName | undefined {
  if (comment === undefined) return undefined;
  const isCut = comment.endsWith(CUT);
  const [network = "", ifname, ...rest] = (isCut ? comment.slice(0, -CUT.length) : comment).split(" ");
  const cidr = hasAddress ? rest.shift() : undefined;
  const [containerId, ...surplus] = rest;
  if (network === "" || surplus.length > 0 || (containerId === undefined && !isCut)) return undefined;
  const length = containerId === undefined ? undefined : cidr?.slice(cidr.indexOf("/") + 1);
  return { network, ifname, containerId, isCut, prefixLength: length === undefined ? undefined : Number(length) };
}
