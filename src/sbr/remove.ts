// DEL: the rules go, and the routes of their tables are the main table's again. The plugin that made the interface takes them
// away with it.

import type { Attachment } from "../cni/attachment.ts";
import { isRecordedNetns, type LockedNetns, withLockedNetnsIfAny } from "../links/namespaces.ts";
import {
  directFirst,
  executeUnlessDone,
  type RouteThrough,
  RTPROT_BAUTA,
  routesThrough,
} from "../links/routing-tables.ts";
import type { Connection } from "../netlink/connection.ts";
import { listAddresses } from "../rtnetlink/address.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import type { Device } from "../rtnetlink/device.ts";
import { addRoute } from "../rtnetlink/route.ts";
import { deleteRule, listRules } from "../rtnetlink/rule.ts";
import { RT_TABLE } from "../rtnetlink/uapi.ts";
import type { Ip } from "../wire/ip.ts";
import { records, type SbrRecord } from "./records.ts";
import { presentRule, rulesFrom } from "./rules.ts";

/** What DEL knows besides the record. */
export interface Known {
  /** The path of the container's network namespace; it may be empty or lead nowhere. */
  readonly netns?: string | undefined;
  /** Addresses of the interface, by the result of ADD. */
  readonly sources: readonly Ip[];
  /** The configuration's table, whose routes others see to. */
  readonly table?: number | undefined;
}

/**
 * Takes the routing away, also that which upstream's plugin has made: by the record, by what the caller knows, and by the
 * addresses that the interface has. Does nothing where there is nothing. Throws NetlinkError or SyscallError.
 */
export function removeRouting(attachment: Attachment, known: Known): void {
  const found = records.beginRelease(attachment);
  const record = found === "illegible" ? undefined : found;
  withLockedNetnsIfAny(known.netns || record?.netns || "", (namespace) => {
    // By now the path may lead to another container's namespace.
    if (record !== undefined && !isRecordedNetns(namespace.netns, record)) return;
    removeIn(namespace, attachment.ifname, known, record);
  });
  records.endRelease(attachment);
}

function removeIn({ container }: LockedNetns, ifname: string, known: Known, record: SbrRecord | undefined): void {
  const link = getBriefLink(container, ifname);
  const addresses = link === undefined ? [] : listAddresses(container, { device: link });
  const { rules: recorded, ownsTables } = record ?? { rules: [], ownsTables: false };
  const sources = [...known.sources, ...addresses.map(({ ip }) => ip), ...recorded.map(({ source }) => source)];
  const isWanted = ({ table }: { readonly table: number }): boolean =>
    known.table === undefined || table === known.table || recorded.some((one) => one.table === table);
  const rules = rulesFrom(listRules(container), sources).filter(isWanted);
  executeUnlessDone(
    container,
    rules.map((one) => deleteRule(presentRule(one, one.rule))),
    "ENOENT",
  );
  if (link !== undefined && ownsTables) giveBack(container, link, new Set(recorded.map(({ table }) => table)));
}

/** Routes to the same destination that main has meanwhile stay there. */
function giveBack(container: Connection, link: Device, tables: ReadonlySet<number>): void {
  const isOurs = ({ own: { protocol } }: RouteThrough): boolean => protocol === RTPROT_BAUTA;
  const hints = routesThrough(container, link).filter(isOurs);
  const through = [...tables].flatMap((table) => routesThrough(container, link, { table }));
  const moved = through.filter((one) => !isOurs(one)).map(({ own }) => own);
  // Not all of them need succeed: an address that has gone took along the routes that others were by way of.
  container.tryAll([
    ...[...hints, ...through].map(({ withdrawal }) => withdrawal),
    ...directFirst(moved).map((route) => addRoute({ ...route, table: RT_TABLE.MAIN })),
  ]);
}
