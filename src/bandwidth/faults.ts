// What of a plan is missing or altered in the kernel.

import type { Connection } from "../netlink/connection.ts";
import { type Device, deviceText } from "../rtnetlink/device.ts";
import { type Filter, listFilters, type NewFilter } from "../rtnetlink/filter.ts";
import { getLink, type Link } from "../rtnetlink/link.ts";
import { getQdisc } from "../rtnetlink/qdisc.ts";
import { redirectionOf } from "../rtnetlink/tc/mirred.ts";
import type { TokenBucket } from "../rtnetlink/tc/tbf.ts";
import type { Way } from "./limits.ts";
import { isOwn, isRedirection } from "./own-filters.ts";
import type { Bucket, Plan, Redirect } from "./plan.ts";

/** Something that is missing or altered. */
export interface Fault {
  readonly way: Way;
  /** Whether nothing limits this way at all. */
  readonly isMissing: boolean;
  readonly text: string;
}

/** `alias` is the mark of the attachment's ifbs. Throws NetlinkError. */
export function faultsOf(connection: Connection, link: Device, { root, redirects }: Plan, alias: string): Fault[] {
  return [
    ...(root === undefined ? [] : bucketFaults(connection, link, root)),
    ...redirects.flatMap((redirect) => redirectFaults(connection, link, redirect, alias)),
  ];
}

function bucketFaults(connection: Connection, device: Device, { way, accepted }: Bucket): Fault[] {
  const found = getQdisc(connection, device, "root");
  const fault = (text: string, isMissing: boolean): Fault[] => [{ way, text: `${way}: ${text}`, isMissing }];
  const name = deviceText(device);
  if (found === undefined) return fault(`${name} has no queueing discipline`, true);
  if (found.kind !== "tbf") return fault(`the root of ${name} is ${found.kind}, not tbf`, true);
  const { bucket } = found;
  if (bucket === undefined) return fault(`the tbf of ${name} has a peak rate`, false);
  if (accepted.some((one) => isSame(one, bucket))) return [];
  const [wanted = bucket] = accepted;
  return fault(`the tbf of ${name} has ${bucketText(bucket)}, not ${bucketText(wanted)}`, false);
}

function isSame(one: TokenBucket, other: TokenBucket): boolean {
  return one.rate === other.rate && one.limit === other.limit && one.buffer === other.buffer;
}

function bucketText({ rate, limit, buffer }: TokenBucket): string {
  return `rate ${rate}bps buffer ${buffer} ticks limit ${limit}`;
}

function redirectFaults(connection: Connection, link: Device, redirect: Redirect, alias: string): Fault[] {
  const { way, hook, names } = redirect;
  const fault = (text: string): Fault[] => [{ way, text: `${way}: ${text}`, isMissing: true }];
  const isOurs = (one: Link): boolean => one.kind === "ifb" && (one.alias === undefined || one.alias === alias);
  const ifbs = names.map((name) => getLink(connection, name)).filter((one) => one !== undefined && isOurs(one));
  if (ifbs.length === 0) return fault(`the ifb ${names.join(" or ")} is missing`);
  const filters = listFilters(connection, link, hook);
  const where = `${deviceText(link)} ${hook}`;
  // Upstream's may have been left beside ours by an ADD that failed: the one that packets go to counts.
  const ifb = ifbs.find((one) => filters.some((filter) => isRedirection(filter, [one?.index ?? 0])));
  if (ifb === undefined) return fault(`no filter at ${where} redirects packets to ${ifbs[0]?.name}`);
  const own = filters.filter((filter) => isOwn(filter, [ifb.index]));
  if (!isRedirected(own, redirect.filters(ifb.index))) {
    return fault(`the filters at ${where} are not those that lead to ${ifb.name}`);
  }
  if (!ifb.isUp) return fault(`${ifb.name} is down`);
  return bucketFaults(connection, ifb, redirect);
}

/** Whether the filters are those that we make, or the one of upstream, which redirects everything at another priority. */
function isRedirected(own: readonly Filter[], wanted: readonly NewFilter[]): boolean {
  const texts = (filters: readonly Comparable[], text: typeof textOf): string => filters.map(text).sort().join();
  const isUpstreams = own.length === 1 && wanted.length === 1 && texts(own, matchText) === texts(wanted, matchText);
  return isUpstreams || texts(own, textOf) === texts(wanted, textOf);
}

type Comparable = Pick<Filter, "protocol" | "priority" | "keys" | "actions">;

const textOf = (filter: Comparable): string => `${filter.priority} ${matchText(filter)}`;

/** What a filter takes, and where the first of its actions leads: upstream has a second one, which no packet comes to. */
function matchText({ protocol, keys = [], actions: [first] }: Comparable): string {
  const match = keys.map(({ mask, value, offset }) => `${mask}/${value}@${offset}`).join("+");
  return `${protocol} ${match} to ${first === undefined ? "nowhere" : (redirectionOf(first) ?? first.kind)}`;
}
