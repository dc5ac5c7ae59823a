// The packet that is explained: the first of a flow, as it is when it comes to be translated.

import type { Family, Ip } from "../../wire/ip.ts";

/** Protocols by their name, as /etc/protocols has them; any other by its number. */
const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 };

export interface Packet {
  readonly family: Family;
  readonly from: Ip;
  readonly to: Ip;
  /** Its number in the IP header. */
  readonly protocol: number;
  /** The destination port; undefined where it is not said. */
  readonly port: number | undefined;
  /** The interface that it leaves through; undefined where there is no way. */
  readonly oifname?: string | undefined;
  /** The interface that it came in by, "" where there is none; undefined where nobody knows. */
  readonly iifname?: string | undefined;
  /** Whether it is for an address of the node; undefined where nobody asked. */
  readonly isForNode?: boolean | undefined;
  /** What connection tracking has noted of its flow, of IPS; undefined where nobody knows. */
  readonly ctStatus?: number | undefined;
}

/** The number of a protocol by its name or number; undefined where it is neither. */
export function parseProtocol(text: string): number | undefined {
  const known = PROTOCOLS[text.toLowerCase()];
  if (known !== undefined) return known;
  return /^[0-9]{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : undefined;
}

/** The name of a protocol, or its number. */
export function protocolName(protocol: number): string {
  return Object.entries(PROTOCOLS).find(([, number]) => number === protocol)?.[0] ?? String(protocol);
}

/** Whether packets of the protocol have ports at the beginning of its header. */
export function hasPorts(protocol: number): boolean {
  return protocol === 6 || protocol === 17 || protocol === 132;
}
