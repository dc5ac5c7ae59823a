// The limits of one attachment, from ADD to DEL. plan.ts has the picture; feature.ts is the door.

import type { Attachment } from "../cni/attachment.ts";
import type { Interface, Result } from "../cni/result.ts";
import { withNamespaces, withNode } from "../links/namespaces.ts";
import type { BriefLink } from "../rtnetlink/brief-link.ts";
import { getQdisc } from "../rtnetlink/qdisc.ts";
import { netnsIdOf } from "../sys/netns-id.ts";
import { formatMac } from "../wire/mac.ts";
import { faultsOf } from "./faults.ts";
import type { Limits } from "./limits.ts";
import { aliasOf } from "./names.ts";
import { planOf } from "./plan.ts";
import { type LimitRecord, records } from "./records.ts";
import { shape } from "./shape.ts";
import { targetOf, withRecorded } from "./target.ts";
import { deleteIfbs, unshape } from "./unshape.ts";

/** What ADD and CHECK are told. */
export interface Wanted {
  readonly limits: Limits;
  /** The path of the container's network namespace. */
  readonly netns: string;
}

/** What ADD has made. */
export interface Limited {
  /** The interfaces that packets wait in, for the result: with a sandbox where they are in the container. */
  readonly interfaces: readonly Interface[];
  /** What people should know, each as a phrase. */
  readonly warnings: readonly string[];
}

/**
 * Puts the limits into force; what is there of an earlier ADD is used or replaced. Throws CniError 7 where the container has
 * no such interface, NetlinkError, SyscallError, or an Error that says what is in the way: call removeLimits then.
 */
export function setLimits(attachment: Attachment, { limits, netns }: Wanted): Limited {
  return withNamespaces(netns, (namespaces) => {
    const { side, connection, link } = targetOf(namespaces, attachment.ifname);
    const { name, index } = link;
    const plan = planOf(attachment, limits, side);
    const before = records.read(attachment);
    const isAgain = before?.ownsClsact === true && before.link.index === index;
    const hasClsact = plan.redirects.length > 0 && getQdisc(connection, link, "clsact") !== undefined;
    const isInContainer = side === "container";
    records.write({
      ...{ attachment, limits, side, link: { name, index }, netns, ownsClsact: isAgain || !hasClsact },
      ...(isInContainer ? { containerNetns: netnsIdOf(namespaces.netns) } : {}),
    });
    const { ifbs, warnings } = shape(connection, link, plan, aliasOf(attachment));
    return { interfaces: ifbs.map((ifb) => interfaceOf(ifb, isInContainer ? netns : undefined)), warnings };
  });
}

function interfaceOf({ name, mac }: BriefLink, sandbox: string | undefined): Interface {
  return { name, mac: formatMac(mac), ...(sandbox === undefined ? {} : { sandbox }) };
}

/** What is missing or altered, each as a phrase. Throws as setLimits does. */
export function limitFaults(attachment: Attachment, { limits, netns }: Wanted): string[] {
  return withNamespaces(netns, (namespaces) => {
    const { side, connection, link } = targetOf(namespaces, attachment.ifname);
    const plan = planOf(attachment, limits, side);
    return faultsOf(connection, link, plan, aliasOf(attachment)).map(({ text }) => text);
  });
}

/**
 * Takes the limits away, also those that containernetworking/plugins have made. `result` is that of ADD, where it is known.
 * Throws NetlinkError or SyscallError.
 */
export function removeLimits(attachment: Attachment, result?: Result): void {
  const record = records.beginRelease(attachment);
  if (record !== undefined && record !== "illegible") release(record, result);
  withNode((node) => deleteIfbs(node, attachment, result));
  records.endRelease(attachment);
}

function release(record: LimitRecord, result: Result | undefined): void {
  const { attachment, limits, side, ownsClsact } = record;
  withRecorded(record, ({ connection, link }) => {
    unshape(connection, link, planOf(attachment, limits, side), ownsClsact);
    if (side === "container") deleteIfbs(connection, attachment, result);
  });
}
