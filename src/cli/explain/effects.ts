// What features do to a packet by other means than rules: limits of bandwidth.

import { FEATURES } from "../../features.ts";
import type { AttachmentName, Feature } from "../../owned/feature.ts";
import type { Ip } from "../../wire/ip.ts";

/**
 * As phrases; none where nobody knows the whole name of the attachment. `peer` is the address of the other side, as the container
 * sees it. Throws NetlinkError or SyscallError.
 */
export function effectsOn(
  owner: AttachmentName | undefined,
  way: Parameters<NonNullable<Feature["effects"]>>[1],
  peer: Ip,
): readonly string[] {
  const { network, containerId, ifname, isCut = true } = owner ?? {};
  if (isCut || network === undefined || containerId === undefined || ifname === undefined) return [];
  return FEATURES.flatMap((feature) => feature.effects?.({ network, containerId, ifname }, way, peer) ?? []);
}
