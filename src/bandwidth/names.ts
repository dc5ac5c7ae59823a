// The names of the interfaces (ifb) that an attachment's packets wait in, and the mark by which such an interface tells whose
// it is.

import type { Attachment } from "../cni/attachment.ts";
import { sha512Hex } from "../hash/sha512.ts";
import { readComment, writeComment } from "../owned/comment.ts";
import type { AttachmentName } from "../owned/feature.ts";
import type { Way } from "./limits.ts";

const DIGITS = 12;

/** Upstream's name, which all attachments of a container to one network share. Network and container have nothing between them. */
export function upstreamName({ network, containerId }: Attachment): string {
  return `bwp${sha512Hex(network + containerId, DIGITS)}`;
}

/** Whether upstream would choose the name, for whichever attachment. */
export function isUpstreamName(name: string): boolean {
  return /^bwp[0-9a-f]{12}$/.test(name);
}

/** A name that no other attachment has. */
function ownName({ network, containerId, ifname }: Attachment, way: Way): string {
  return `bw${way === "ingress" ? "i" : "e"}${sha512Hex(`${network} ${containerId} ${ifname}`, DIGITS)}`;
}

/**
 * The names that the interface for one way can have, the first choice first. Upstream's comes first where upstream has such
 * an interface, so that its CHECK and DEL find it; another attachment of the container may have that one already.
 */
export function namesFor(attachment: Attachment, way: Way): readonly string[] {
  const own = ownName(attachment, way);
  return way === "egress" ? [upstreamName(attachment), own] : [own];
}

const MARK = "bauta: ";

/** The alias of an attachment's interfaces: `bauta: net eth0 CONTAINER`. */
export function aliasOf(attachment: Attachment): string {
  return MARK + writeComment(attachment);
}

/** The names that an alias tells; undefined where it is not one of ours. */
export function nameInAlias(alias: string | undefined): AttachmentName | undefined {
  return alias?.startsWith(MARK) ? readComment(alias.slice(MARK.length), false) : undefined;
}
