// `bauta list`: the limits of each attachment, by its record, and what has passed by the kernel's count.

import { withNode } from "../links/namespaces.ts";
import type { Connection } from "../netlink/connection.ts";
import type { AttachmentName, Inventory, ListedAttachment, ListedItem, OwnedState } from "../owned/feature.ts";
import { inOrder } from "../owned/inventory.ts";
import type { Device } from "../rtnetlink/device.ts";
import { getLink, type Link, listLinks } from "../rtnetlink/link.ts";
import { getQdisc, type Qdisc } from "../rtnetlink/qdisc.ts";
import { faultsOf } from "./faults.ts";
import { WAYS, type Way } from "./limits.ts";
import { aliasOf, nameInAlias } from "./names.ts";
import { type Plan, planOf } from "./plan.ts";
import { records, type StoredLimits } from "./records.ts";
import { withRecorded } from "./target.ts";

/** Lists the limits of all networks, or of one. Throws NetlinkError or SyscallError. */
export function listLimits(network?: string): Inventory {
  const { live, leaving, problems } = records.survey();
  const isWanted = (name: AttachmentName): boolean => network === undefined || name.network === network;
  const stored = [
    ...live.map((one) => ({ one, isLeaving: false })),
    ...leaving.map((one) => ({ one, isLeaving: true })),
  ].filter(({ one }) => isWanted({ ...one.record.attachment, isCut: false }));
  const known = new Set([...live, ...leaving].map(({ record }) => aliasOf(record.attachment)));
  const unrecorded = ifbsOnNode().filter(({ name, alias }) => isWanted(name) && !known.has(alias));
  return {
    attachments: inOrder([
      ...stored.map(({ one, isLeaving }) => listed(one, isLeaving)),
      ...unrecorded.map(({ name, link }) => withoutRecord(name, link)),
    ]),
    faults: problems,
  };
}

/** An ifb of ours on the node. */
export interface MarkedIfb {
  readonly link: Link;
  readonly alias: string;
  readonly name: AttachmentName;
}

/** All of them: a listing. Throws NetlinkError. */
export function ifbsOnNode(): MarkedIfb[] {
  return withNode((node) => listLinks(node, { kind: "ifb" })).flatMap((link) => {
    const name = nameInAlias(link.alias);
    return name === undefined ? [] : [{ link, alias: link.alias ?? "", name }];
  });
}

function listed({ id, record }: StoredLimits, isLeaving: boolean): ListedAttachment {
  const { attachment, limits, link } = record;
  const ways = WAYS.filter((way) => limits[way] !== undefined);
  const policy = `bandwidth ${link.name}`;
  const gone = (way: Way): ListedItem =>
    item(way, limits[way]?.rate, policy, undefined, isLeaving ? "leaving" : "missing");
  const items = withRecorded(record, ({ connection, link: found, side }) => {
    const [plan, alias] = [planOf(attachment, limits, side), aliasOf(attachment)];
    const faults = faultsOf(connection, found, plan, alias);
    return ways.map((way) => {
      const ofWay = faults.filter((fault) => fault.way === way);
      const state = ofWay.some(({ isMissing }) => isMissing) ? "missing" : ofWay.length > 0 ? "other-policy" : "ok";
      return item(way, limits[way]?.rate, policy, queueOf(connection, found, plan, way), isLeaving ? "leaving" : state);
    });
  });
  return { id, name: { ...attachment, isCut: false }, options: undefined, items: items ?? ways.map(gone) };
}

/** The tbf of one way, which counts. */
function queueOf(connection: Connection, link: Device, plan: Plan, way: Way): Qdisc | undefined {
  const device = queuedAt(connection, link, plan, way);
  return device && getQdisc(connection, device, "root");
}

/** The interface whose root has the tbf of one way: the link itself, or an ifb. Throws NetlinkError. */
export function queuedAt(
  connection: Connection,
  link: Device,
  { root, redirects }: Plan,
  way: Way,
): Device | undefined {
  if (root?.way === way) return link;
  const names = redirects.find((redirect) => redirect.way === way)?.names ?? [];
  return names.map((name) => getLink(connection, name)).find((one) => one !== undefined);
}

function item(
  way: Way,
  rate: number | undefined,
  policy: string,
  queue: Qdisc | undefined,
  state: OwnedState,
): ListedItem {
  const address = rate === undefined ? way : limitText(way, rate);
  return { address, policy, packets: queue?.packets, bytes: queue?.bytes, state };
}

const UNITS: readonly (readonly [number, string])[] = [
  [1e9, "Gbit"],
  [1e6, "Mbit"],
  [1e3, "Kbit"],
];

/** `egress 10Mbit` */
export function limitText(way: Way, rate: number): string {
  return `${way} ${rateText(rate)}`;
}

/** A rate as tc(8) writes it: `10Mbit`. */
export function rateText(rate: number): string {
  const [size, unit] = UNITS.find(([one]) => rate >= one && (rate * 1000) % one === 0) ?? [1, "bit"];
  return `${rate / size}${unit}`;
}

/** An ifb whose record somebody has removed. */
function withoutRecord(name: AttachmentName, { name: ifb }: Link): ListedAttachment {
  return {
    id: "",
    name,
    options: undefined,
    items: [item("egress", undefined, `bandwidth ${ifb}`, undefined, "no-record")],
  };
}
