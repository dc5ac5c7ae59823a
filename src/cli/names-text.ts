// How an attachment's names are shown: as they are, and with an ellipsis where only their beginning is known.

import type { AttachmentName } from "../owned/feature.ts";

export interface ShownName {
  readonly network: string | undefined;
  readonly container: string | undefined;
  readonly interface: string | undefined;
}

/** The names, the last of them followed by "…" where it was cut. */
export function shown({ network, containerId, ifname, isCut }: AttachmentName): ShownName {
  const cut = (name: string | undefined, next: string | undefined): string | undefined =>
    isCut && name !== undefined && next === undefined ? `${name}…` : name;
  // In the order in which a comment has them.
  return { network: cut(network, ifname), interface: cut(ifname, containerId), container: cut(containerId, undefined) };
}
