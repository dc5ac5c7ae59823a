// The names in an element's comment, for whoever finds an element without a record. elements.ts writes them.

/** What is known of an attachment's names; undefined where nothing is. */
export interface AttachmentName {
  readonly network: string | undefined;
  readonly containerId: string | undefined;
  readonly ifname: string | undefined;
  /** Whether the last of the names that are there was cut, because it comes from a comment that had no room for it. */
  readonly isCut: boolean;
}

/** An attachment that nothing names. */
export const UNKNOWN_NAME: AttachmentName = {
  network: undefined,
  containerId: undefined,
  ifname: undefined,
  isCut: false,
};

/** The length at which elements.ts cuts a comment. */
const COMMENT_MAX = 127;

/** Reads `dual eth0 10.22.0.5/16 1f2e3d…`: undefined for a comment that we did not write. */
export function fromComment(
  comment: string | undefined,
): (AttachmentName & { readonly prefixLength: number | undefined }) | undefined {
  if (comment === undefined) return undefined;
  const [network, ifname, cidr, containerId, ...rest] = comment.split(" ");
  const isCut = comment.length >= COMMENT_MAX;
  if (network === undefined || network === "" || rest.length > 0) return undefined;
  if (containerId === undefined && !isCut) return undefined;
  const length = /\/([0-9]{1,3})$/.exec(cidr ?? "")?.[1];
  const isWhole = containerId !== undefined && length !== undefined;
  return { network, ifname, containerId, isCut, prefixLength: isWhole ? Number(length) : undefined };
}
