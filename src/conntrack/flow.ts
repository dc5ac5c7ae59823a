// Flows: the entries of the connection tracking table (CTA_…).

import type { Connection, DumpChoice } from "../netlink/connection.ts";
import type { Message, Request } from "../netlink/message.ts";
import { NFPROTO } from "../netlink/netfilter.ts";
import { NFGENMSG_SIZE, NFNL_SUBSYS, netfilterRequest, readReply, required } from "../netlink/nfnetlink.ts";
import { AttributeCursor } from "../wire/attribute-cursor.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { type Infer, sameBytes, u8, u16be, u32, u32be } from "../wire/codec.ts";
import { familyOf, formatIp, type Ip } from "../wire/ip.ts";
import { type Tuple, tuple, tupleText } from "./tuple.ts";
import { CTA, CTA_FILTER, CTA_FILTER_F, CTA_IP, CTA_PROTO, CTA_TUPLE, IPCTNL_MSG_CT } from "./uapi.ts";

const filter = attrs({
  originalFlags: attr(CTA_FILTER.ORIG_FLAGS, u32), // of CTA_FILTER_F, CTA_IP, CTA_TUPLE, in host order
  replyFlags: attr(CTA_FILTER.REPLY_FLAGS, u32),
});

/** The table of a flow's attributes. */
export const entry = attrs({
  original: attr(CTA.TUPLE_ORIG, tuple),
  reply: attr(CTA.TUPLE_REPLY, tuple),
  status: attr(CTA.STATUS, u32be), // of IPS
  timeout: attr(CTA.TIMEOUT, u32be), // seconds left
  mark: attr(CTA.MARK, u32be),
  id: attr(CTA.ID, u32be),
  zone: attr(CTA.ZONE, u16be),
  filter: attr(CTA.FILTER, filter),
});

/** A flow as the kernel describes it. */
export interface Flow {
  /** As the first packet was. */
  readonly original: Tuple;
  /** As the answer to it is when it arrives: what address translation makes of it shows here. */
  readonly reply: Tuple;
  /** Of IPS. */
  readonly status: number;
  /** Seconds until it is forgotten unless a packet comes; undefined while it is being set up or torn down. */
  readonly timeout: number | undefined;
  readonly mark: number;
  /** Tells it from a later flow with the same tuples. */
  readonly id: number | undefined;
  readonly zone: number;
}

/** All flows that have this address at this end. */
export interface FlowFilter {
  readonly direction: "original" | "reply";
  readonly end: "source" | "destination";
  readonly address: Ip;
}

function flowRequest(
  type: number,
  flags: number,
  family: number,
  what: () => string,
  values: Infer<typeof entry>,
): Request {
  return netfilterRequest(NFNL_SUBSYS.CTNETLINK, type, flags, family, what, [entry, values]);
}

function nfproto(ip: Ip): number {
  return familyOf(ip) === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6;
}

/** `--orig-src 10.22.0.5`, as conntrack(8) takes it. */
function filterText({ direction, end, address }: FlowFilter): string {
  return `--${direction === "original" ? "orig" : "reply"}-${end === "source" ? "src" : "dst"} ${formatIp(address)}`;
}

/** Only the two ends of a tuple that a filter does not compare may be missing, and the kernel wants to be told. */
function filterValues({ direction, end, address }: FlowFilter): Infer<typeof entry> {
  const flags = end === "source" ? CTA_FILTER_F.CTA_IP_SRC : CTA_FILTER_F.CTA_IP_DST;
  const isOriginal = direction === "original";
  return {
    [direction]: { [end]: address },
    filter: { originalFlags: isOriginal ? flags : undefined, replyFlags: isOriginal ? undefined : flags },
  };
}

/**
 * Deletes all flows of an IPv4 address, in any zone, like `conntrack -D --orig-src ADDRESS`: the kernel looks through its
 * table once. Before Linux 6.11 it refuses with EINVAL and deletes nothing; so does one without this subsystem. Throws
 * RangeError for an IPv6 address, because the kernel would delete all flows but that address's: since such filters came in
 * Linux 5.8, ctnetlink_filter_match_tuple() has taken the result of ipv6_addr_cmp() the wrong way round.
 */
export function deleteFlows(wanted: FlowFilter): Request {
  const what = (): string => `conntrack -D ${filterText(wanted)}`;
  if (familyOf(wanted.address) === 6) throw new RangeError(`${what()}: the kernel's filters are wrong for IPv6`);
  return flowRequest(IPCTNL_MSG_CT.DELETE, 0, NFPROTO.IPV4, what, filterValues(wanted));
}

/** Deletes one flow; ENOENT where it is gone, also when there is another with the same tuples by now. */
export function deleteFlow({ original, id, zone }: Flow): Request {
  const family = nfproto(required(original.source, "flow/original/source"));
  const what = (): string => `conntrack -D ${tupleText(original)}`;
  return flowRequest(IPCTNL_MSG_CT.DELETE, 0, family, what, { original, id, zone: zone === 0 ? undefined : zone });
}

/** Reads an answer to GET, or an event. Throws DecodeError. */
export function readFlow(message: Message): Flow {
  const { attributes } = readReply(message, "flow", entry);
  return {
    original: required(attributes.original, "flow/original"),
    reply: required(attributes.reply, "flow/reply"),
    status: attributes.status ?? 0,
    timeout: attributes.timeout,
    mark: attributes.mark ?? 0,
    id: attributes.id,
    zone: attributes.zone ?? 0,
  };
}

/** The flows of a family, like `conntrack -L -f ipv4`; `choice` is of Connection.dump. Throws NetlinkError. */
export function listFlows(connection: Connection, family: 4 | 6, choice?: DumpChoice): Flow[] {
  const what = (): string => `conntrack -L -f ipv${family}`;
  const get = flowRequest(IPCTNL_MSG_CT.GET, 0, family === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6, what, {});
  return connection.dump(get, choice).map(readFlow);
}

/**
 * The flows of an IPv4 address, like `conntrack -L --orig-src ADDRESS`: the kernel looks for them. Before Linux 5.8 it
 * passes the filter over and tells of all flows, so `isWanted` should look at each. Throws NetlinkError, and RangeError for
 * an IPv6 address: see deleteFlows.
 */
export function listFlowsOf(
  connection: Connection,
  wanted: FlowFilter,
  isWanted = (message: Message): boolean => hasAddress(message, wanted),
): Flow[] {
  const what = (): string => `conntrack -L ${filterText(wanted)}`;
  if (familyOf(wanted.address) === 6) throw new RangeError(`${what()}: the kernel's filters are wrong for IPv6`);
  const get = flowRequest(IPCTNL_MSG_CT.GET, 0, NFPROTO.IPV4, what, filterValues(wanted));
  return connection.dump(get, { isWanted }).map(readFlow);
}

/** Flows by the port that their first packet was for. */
export interface PortFilter {
  readonly family: 4 | 6;
  /** IPPROTO number. */
  readonly protocol: number;
  readonly ports: ReadonlySet<number>;
}

/**
 * The flows whose first packet was for one of these ports, like `conntrack -L -p udp --orig-port-dst 53` for each. The kernel
 * chooses by the protocol; before Linux 5.8 it tells of all flows. Throws NetlinkError.
 */
export function listFlowsTo(connection: Connection, { family, protocol, ports }: PortFilter): Flow[] {
  const what = (): string => `conntrack -L -f ipv${family} -p ${protocol}`;
  const get = flowRequest(IPCTNL_MSG_CT.GET, 0, family === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6, what, {
    original: { protocol: { number: protocol } },
    filter: { originalFlags: CTA_FILTER_F.CTA_PROTO_NUM },
  });
  const isWanted = (message: Message): boolean => {
    const found = destinationOf(message);
    return found !== undefined && found.protocol === protocol && ports.has(found.port);
  };
  return connection.dump(get, { isWanted }).map(readFlow);
}

/** Protocol and destination port of the first packet, in an answer that has not been read. */
function destinationOf({ payload }: Message): { readonly protocol: number; readonly port: number } | undefined {
  const flow = new AttributeCursor(payload, NFGENMSG_SIZE);
  if (!flow.find(CTA.TUPLE_ORIG)) return undefined;
  const ends = flow.enter();
  if (!ends.find(CTA_TUPLE.PROTO)) return undefined;
  let [protocol, port]: (number | undefined)[] = [];
  for (const one = ends.enter(); one.next(); ) {
    if (one.type === CTA_PROTO.NUM) protocol = u8.decode(one.payload());
    else if (one.type === CTA_PROTO.DST_PORT) port = u16be.decode(one.payload());
  }
  return protocol === undefined || port === undefined ? undefined : { protocol, port };
}

/** Whether the flow in an answer that has not been read matches: far cheaper than to read it. Throws DecodeError. */
export function hasAddress(message: Message, { direction, end, address }: FlowFilter): boolean {
  const found = endOf(message, direction, end);
  return found !== undefined && sameBytes(found, address);
}

/** The address at one end of the flow in an answer that has not been read; it lies in the receive buffer. */
export function endOf(
  { payload }: Message,
  direction: FlowFilter["direction"],
  end: FlowFilter["end"],
): Uint8Array | undefined {
  const flow = new AttributeCursor(payload, NFGENMSG_SIZE);
  if (!flow.find(direction === "original" ? CTA.TUPLE_ORIG : CTA.TUPLE_REPLY)) return undefined;
  const tuple = flow.enter();
  if (!tuple.find(CTA_TUPLE.IP)) return undefined;
  const [v4, v6] = end === "source" ? [CTA_IP.V4_SRC, CTA_IP.V6_SRC] : [CTA_IP.V4_DST, CTA_IP.V6_DST];
  for (const ip = tuple.enter(); ip.next(); ) if (ip.type === v4 || ip.type === v6) return ip.payload();
  return undefined;
}
