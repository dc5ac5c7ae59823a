// Tuples: what tells one direction of a flow from all others (CTA_TUPLE_…, CTA_IP_…, CTA_PROTO_…).

import { attr, attrs } from "../wire/attrs.ts";
import { bytes, type Codec, type Infer, u8, u16be } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { formatIp, type Ip } from "../wire/ip.ts";

const protocol = attrs({
  number: attr(1, u8), // CTA_PROTO_NUM: of IPPROTO
  sourcePort: attr(2, u16be), // CTA_PROTO_SRC_PORT
  destinationPort: attr(3, u16be), // CTA_PROTO_DST_PORT
  icmpId: attr(4, u16be), // CTA_PROTO_ICMP_ID
  icmpType: attr(5, u8), // CTA_PROTO_ICMP_TYPE
  icmpCode: attr(6, u8), // CTA_PROTO_ICMP_CODE
  icmpv6Id: attr(7, u16be), // CTA_PROTO_ICMPV6_ID
  icmpv6Type: attr(8, u8), // CTA_PROTO_ICMPV6_TYPE
  icmpv6Code: attr(9, u8), // CTA_PROTO_ICMPV6_CODE
});

const attributes = attrs({
  ip: attr(
    1, // CTA_TUPLE_IP
    attrs({
      source4: attr(1, bytes), // CTA_IP_V4_SRC
      destination4: attr(2, bytes), // CTA_IP_V4_DST
      source6: attr(3, bytes), // CTA_IP_V6_SRC
      destination6: attr(4, bytes), // CTA_IP_V6_DST
    }),
  ),
  protocol: attr(2, protocol), // CTA_TUPLE_PROTO
  zone: attr(3, u16be), // CTA_TUPLE_ZONE: absent where both directions are in the same
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
