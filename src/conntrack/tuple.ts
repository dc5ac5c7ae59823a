// Tuples: what tells one direction of a flow from all others (CTA_TUPLE_…, CTA_IP_…, CTA_PROTO_…).

import { attr, attrs } from "../wire/attrs.ts";
import { bytes, type Codec, type Infer, u8, u16be } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { formatIp, type Ip } from "../wire/ip.ts";
import { CTA_IP, CTA_PROTO, CTA_TUPLE } from "./uapi.ts";

const protocol = attrs({
  number: attr(CTA_PROTO.NUM, u8), // of IPPROTO
  sourcePort: attr(CTA_PROTO.SRC_PORT, u16be),
  destinationPort: attr(CTA_PROTO.DST_PORT, u16be),
  icmpId: attr(CTA_PROTO.ICMP_ID, u16be),
  icmpType: attr(CTA_PROTO.ICMP_TYPE, u8),
  icmpCode: attr(CTA_PROTO.ICMP_CODE, u8),
  icmpv6Id: attr(CTA_PROTO.ICMPV6_ID, u16be),
  icmpv6Type: attr(CTA_PROTO.ICMPV6_TYPE, u8),
  icmpv6Code: attr(CTA_PROTO.ICMPV6_CODE, u8),
});

const attributes = attrs({
  ip: attr(
    CTA_TUPLE.IP,
    attrs({
      source4: attr(CTA_IP.V4_SRC, bytes),
      destination4: attr(CTA_IP.V4_DST, bytes),
      source6: attr(CTA_IP.V6_SRC, bytes),
      destination6: attr(CTA_IP.V6_DST, bytes),
    }),
  ),
  protocol: attr(CTA_TUPLE.PROTO, protocol),
  zone: attr(CTA_TUPLE.ZONE, u16be), // absent where both directions are in the same
});

/** One direction of a flow; in a filter, what of it is given. */
export interface Tuple {
  readonly source?: Ip | undefined;
  readonly destination?: Ip | undefined;
  readonly protocol?: Infer<typeof protocol> | undefined;
  readonly zone?: number | undefined;
}

function addressOf(v4: Uint8Array | undefined, v6: Uint8Array | undefined, name: string): Ip | undefined {
  const ip = v4 ?? v6;
  if (ip === undefined || ip.length === (ip === v4 ? 4 : 16)) return ip;
  throw new DecodeError(`${ip.length} bytes are no address`, name);
}

/** The codec of a tuple; which of the kernel's attributes an address goes into is told by its length. */
export const tuple: Codec<Tuple> = {
  nested: true,
  encode({ source, destination, ...rest }, out) {
    const [source4, source6] = source?.length === 4 ? [source] : [undefined, source];
    const [destination4, destination6] = destination?.length === 4 ? [destination] : [undefined, destination];
    attributes.encode({ ip: { source4, destination4, source6, destination6 }, ...rest }, out);
  },
  decode(payload) {
    const { ip, protocol, zone } = attributes.decode(payload);
    return {
      source: addressOf(ip?.source4, ip?.source6, "source"),
      destination: addressOf(ip?.destination4, ip?.destination6, "destination"),
      protocol,
      zone,
    };
  },
};

const PROTOCOLS: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp" };

/** As conntrack(8) takes it: `-s 10.22.0.5 -d 192.0.2.7 -p udp --sport 5353 --dport 53`. */
export function tupleText({ source, destination, protocol }: Tuple): string {
  const words: string[] = [];
  if (source !== undefined) words.push(`-s ${formatIp(source)}`);
  if (destination !== undefined) words.push(`-d ${formatIp(destination)}`);
  const { number, sourcePort, destinationPort, icmpId = protocol?.icmpv6Id } = protocol ?? {};
  if (number !== undefined) words.push(`-p ${PROTOCOLS[number] ?? number}`);
  if (sourcePort !== undefined) words.push(`--sport ${sourcePort}`);
  if (destinationPort !== undefined) words.push(`--dport ${destinationPort}`);
  if (icmpId !== undefined) words.push(`--icmp-id ${icmpId}`);
  return words.join(" ");
}
