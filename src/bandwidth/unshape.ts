// Takes away what `shape` has made. That something is gone already is no error.

import type { Attachment } from "../cni/attachment.ts";
import type { Result } from "../cni/result.ts";
import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import type { Request } from "../netlink/message.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import type { Device } from "../rtnetlink/device.ts";
import { listFilters } from "../rtnetlink/filter.ts";
import { deleteLink, getLink, type Link } from "../rtnetlink/link.ts";
import { deleteClsact, deleteTbf, getQdisc } from "../rtnetlink/qdisc.ts";
import { hasCode } from "../sys/error.ts";
import { aliasOf, namesFor, upstreamName } from "./names.ts";
import { removalOf } from "./own-filters.ts";
import type { Plan } from "./plan.ts";

/** Takes our filters and buckets off a link, and the clsact where it was ours and nobody uses it by now. */
export function unshape(connection: Connection, link: Device, plan: Plan, ownsClsact: boolean): void {
  const { root, redirects } = plan;
  const filters = redirects.flatMap(({ hook, names }) => {
    const ifbs = names.map((name) => getBriefLink(connection, name)?.index).filter((index) => index !== undefined);
    return removalOf(connection, link, hook, ifbs);
  });
  tryAll(connection, [...filters, ...(root === undefined ? [] : [deleteTbf(link)])]);
  if (!ownsClsact || redirects.length === 0) return;
  const isUsed = (["ingress", "egress"] as const).some((hook) => listFilters(connection, link, hook).length > 0);
  if (!isUsed) tryAll(connection, [deleteClsact(link)]);
}

/** Of what is not there the kernel says ENOENT or EINVAL, and ENODEV where the link is gone. */
function tryAll(connection: Connection, requests: readonly Request[]): void {
  const acks = connection.tryAll(requests);
  requests.forEach((request, i) => {
    const ack = acks[i];
    if (ack === undefined || ack.errno === 0) return;
    const error = new NetlinkError(request.operation(), ack);
    if (!hasCode(error, "ENOENT", "EINVAL", "ENODEV")) throw error;
  });
}

/**
 * Deletes the ifbs of the attachment in this namespace, ours and upstream's. Upstream's have nothing but their name to tell
 * whose they are: where the result of ADD is known, it must have that name, unless nothing limits there what would come.
 */
export function deleteIfbs(connection: Connection, attachment: Attachment, result: Result | undefined): void {
  const alias = aliasOf(attachment);
  const names = [...namesFor(attachment, "egress"), ...namesFor(attachment, "ingress")];
  const isOwn = (link: Link): boolean => {
    if (link.kind !== "ifb") return false;
    if (link.alias !== undefined) return link.alias === alias;
    if (link.name !== upstreamName(attachment)) return true;
    if (result === undefined || result.interfaces.some(({ name }) => name === link.name)) return true;
    return getQdisc(connection, link, "root")?.kind !== "tbf";
  };
  const links = names.map((name) => getLink(connection, name)).filter((link) => link !== undefined);
  tryAll(connection, links.filter(isOwn).map(deleteLink));
}
