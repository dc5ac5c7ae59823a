// Published ports: what an attachment asks for, and how people write it, `192.0.2.1:8080:80/tcp`.

import { type Cidr, type Family, familyOf, formatIp, type Ip, parseIp } from "../wire/ip.ts";
import { IPPROTO } from "./uapi.ts";

/** The protocols by the names that runtimes have for them: IPPROTO numbers. */
export const PROTOCOLS = {
  tcp: IPPROTO.TCP,
  udp: IPPROTO.UDP,
  sctp: IPPROTO.SCTP,
  dccp: IPPROTO.DCCP,
  udplite: IPPROTO.UDPLITE,
} as const;

export type Protocol = keyof typeof PROTOCOLS;

export const PROTOCOL_NAMES = Object.keys(PROTOCOLS) as readonly Protocol[];

/** The name of a protocol; its number where it is none of these. */
export function protocolText(protocol: number): string {
  return PROTOCOL_NAMES.find((name) => PROTOCOLS[name] === protocol) ?? String(protocol);
}

/** One port of the node that leads to a port of the container. */
export interface PortMapping {
  /** The address of the node that it holds for; undefined: all, of both families. 0.0.0.0 and ::: all of that family. */
  readonly hostIp?: Ip | undefined;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: Protocol;
}

/** What an attachment publishes. */
export interface Publication {
  /** One address of the container for each family that it has, with the length of the subnet's prefix. */
  readonly containers: readonly Container[];
  readonly mappings: readonly PortMapping[];
  /** Whether the node translates the source where the container's answers would not come back otherwise. */
  readonly snat: boolean;
  /** Whether it translates the source of everything. Without `snat` it means nothing. */
  readonly masqAll: boolean;
  /** What a packet must meet besides, in the words of nft(8) or iptables(8). */
  readonly conditions: Conditions;
}

/** What ADD and CHECK are told. */
export interface Wanted extends Publication {
  /** Whether another attachment that has a port keeps it: the function is told of each. Undefined: ADD fails. */
  readonly olderWins?: ((told: string) => void) | undefined;
}

/** Words, by the family of the packets. */
export interface Conditions {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

export const NO_CONDITIONS: Conditions = { v4: [], v6: [] };

export function conditionsOf({ conditions }: Pick<Publication, "conditions">, family: Family): readonly string[] {
  return family === 4 ? conditions.v4 : conditions.v6;
}

/** An address of the container's, and the node's link that leads there. */
export interface Container extends Cidr {
  /** Undefined where the node has no route to the container. */
  readonly link?: string | undefined;
}

/** Whether the mapping is about packets of the family. */
export function isOfFamily({ hostIp }: PortMapping, family: Family): boolean {
  return hostIp === undefined || familyOf(hostIp) === family;
}

/** The address of the node that the mapping holds for; undefined where that is any. */
export function hostAddress({ hostIp }: Pick<PortMapping, "hostIp">): Ip | undefined {
  return hostIp === undefined || isUnspecified(hostIp) ? undefined : hostIp;
}

const isUnspecified = (ip: Ip): boolean => ip.every((byte) => byte === 0);

/** `192.0.2.1:8080`, `[2001:db8::1]:8080`, `8080`: the node's side. */
export function hostText({ hostIp, hostPort }: Pick<PortMapping, "hostIp" | "hostPort">): string {
  return hostIp === undefined ? String(hostPort) : endpointText(hostIp, hostPort);
}

/** `10.22.0.5:80`, `[fd00::5]:80` */
export function endpointText(ip: Ip, port: number): string {
  return familyOf(ip) === 4 ? `${formatIp(ip)}:${port}` : `[${formatIp(ip)}]:${port}`;
}

/** What the node's side of a mapping is known by among those of its family. */
export function hostKey(mapping: Pick<PortMapping, "hostIp" | "hostPort" | "protocol">): string {
  const address = hostAddress(mapping);
  return `${address === undefined ? "" : formatIp(address)} ${mapping.hostPort} ${mapping.protocol}`;
}

/** `192.0.2.1:8080:80/tcp`: as records have it. */
export function mappingText(mapping: PortMapping): string {
  return `${hostText(mapping)}:${mapping.containerPort}/${mapping.protocol}`;
}

const MAPPING = /^(?:(?:\[([0-9a-f:.]+)\]|([0-9.]+)):)?(\d{1,5}):(\d{1,5})\/([a-z]+)$/;

/** Reads what mappingText writes; undefined for anything else. */
export function parseMapping(text: string): PortMapping | undefined {
  const [, v6, v4, host, container, protocol] = MAPPING.exec(text) ?? [];
  const known = PROTOCOL_NAMES.find((name) => name === protocol);
  const [hostPort, containerPort] = [portOf(host), portOf(container)];
  if (hostPort === undefined || containerPort === undefined || known === undefined) return undefined;
  const address = v6 ?? v4;
  if (address === undefined) return { hostPort, containerPort, protocol: known };
  const hostIp = parseIp(address);
  return hostIp === undefined ? undefined : { hostIp, hostPort, containerPort, protocol: known };
}

function portOf(text: string | undefined): number | undefined {
  const port = Number(text);
  return port >= 1 && port <= 0xffff ? port : undefined;
}
