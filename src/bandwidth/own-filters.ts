// Which filters of a link are the attachment's, beside those of others.

import type { Connection } from "../netlink/connection.ts";
import type { Request } from "../netlink/message.ts";
import type { Device } from "../rtnetlink/device.ts";
import { deleteFilters, type Filter, listFilters } from "../rtnetlink/filter.ts";
import { redirectionOf } from "../rtnetlink/tc/mirred.ts";
import type { Hook } from "../rtnetlink/tc/tcmsg.ts";
import { SPARING } from "./plan.ts";

/** Whether a filter redirects packets to one of the links with these indexes. */
export function isRedirection({ actions }: Filter, ifbs: readonly number[]): boolean {
  return actions.some((action) => ifbs.includes(redirectionOf(action) ?? -1));
}

/** An ifb that is gone: the filter drops what it takes. */
const GONE = 0;

/** Whether a filter is the attachment's, made by us or by upstream: it leads to one of its ifbs, or spares a subnet. */
export function isOwn(filter: Filter, ifbs: readonly number[]): boolean {
  if (filter.kind !== "u32" || filter.keys === undefined) return false;
  if (isRedirection(filter, [GONE, ...ifbs])) return true;
  const isPlace = SPARING.some(
    ({ priority, protocol }) => priority === filter.priority && protocol === filter.protocol,
  );
  return isPlace && filter.actions.length === 0;
}

/** What takes the attachment's filters away: a priority as a whole where no others are in it. Throws NetlinkError. */
export function removalOf(connection: Connection, link: Device, hook: Hook, ifbs: readonly number[]): Request[] {
  const matching = listFilters(connection, link, hook).filter(({ keys }) => keys !== undefined);
  const own = matching.filter((filter) => isOwn(filter, ifbs));
  const isShared = ({ priority }: Filter): boolean =>
    matching.some((other) => other.priority === priority && !own.includes(other));
  const whole = new Map(own.filter((filter) => !isShared(filter)).map((filter) => [filter.priority, filter]));
  return [
    ...[...whole.values()].map((filter) => deleteFilters(link, { hook, ...filter })),
    ...own.filter(isShared).map((filter) => deleteFilters(link, { hook, ...filter }, filter.handle)),
  ];
}
