// Which way the packet goes through the node: in by the container's interface, out by another, and with which address
// of that it is masqueraded.

import type { Connection } from "../../netlink/connection.ts";
import { NetlinkError } from "../../netlink/error.ts";
import { listAddresses } from "../../rtnetlink/address.ts";
import { getBriefLink } from "../../rtnetlink/brief-link.ts";
import type { Device } from "../../rtnetlink/device.ts";
import { getRoute, type Route } from "../../rtnetlink/route.ts";
import { IFA_F, RT_SCOPE, RTN } from "../../rtnetlink/uapi.ts";
import { contains, type Ip } from "../../wire/ip.ts";

/** A device with its name, as the node has it. */
export interface NamedDevice extends Device {
  readonly name: string;
}

export interface Way {
  /** Where the container's packets come in: the device that leads to its address. */
  readonly input: NamedDevice | undefined;
  /** `forward`; `local` for the node itself; `same link`: neighbours on a bridge; `none`: no way. */
  readonly kind: "forward" | "local" | "same link" | "none";
  readonly output: NamedDevice | undefined;
  readonly gateway: Ip | undefined;
  /** What the kernel said where there is none: ENETUNREACH, EXDEV … */
  readonly error: NetlinkError | undefined;
  /** Without asking which way the packet came: replies are sent, and checked, by this. */
  readonly plainOutput: NamedDevice | undefined;
}

/** Asks the routing tables. Throws NetlinkError for what is no answer of theirs. */
export function findWay(connection: Connection, from: Ip, to: Ip): Way {
  const toContainer = ask(() => getRoute(connection, from));
  const input = toContainer.route?.type === RTN.UNICAST ? deviceOf(connection, toContainer.route) : undefined;
  const plain = ask(() => getRoute(connection, to));
  const asked = input === undefined ? plain : ask(() => getRoute(connection, to, { from, device: input }));
  const plainOutput = plain.route === undefined ? undefined : deviceOf(connection, plain.route);
  // Where forwarding is off the kernel does not say which way it would be; without it, it does.
  const route = asked.route ?? (isForwardingError(asked.error) ? plain.route : undefined);
  const output = route === undefined ? undefined : deviceOf(connection, route);
  return {
    input,
    kind: kindOf(route, input, output),
    output,
    gateway: route?.gateway,
    error: asked.error,
    plainOutput,
  };
}

/** IPv4 answers so to a question with `iif` while the interface does not forward. */
function isForwardingError(error: NetlinkError | undefined): boolean {
  return error?.code === "EHOSTUNREACH" || error?.code === "EXDEV";
}

function kindOf(route: Route | undefined, input: Device | undefined, output: Device | undefined): Way["kind"] {
  if (route === undefined) return "none";
  if (route.type === RTN.LOCAL) return "local";
  if (route.type === RTN.UNREACHABLE || route.type === RTN.BLACKHOLE || route.type === RTN.PROHIBIT) return "none";
  if (output === undefined) return "none";
  return input?.index === output.index ? "same link" : "forward";
}

function ask(question: () => Route | undefined): { route?: Route | undefined; error: NetlinkError | undefined } {
  try {
    return { route: question(), error: undefined };
  } catch (error) {
    if (error instanceof NetlinkError) return { error };
    throw error;
  }
}

function deviceOf(connection: Connection, route: Route): NamedDevice | undefined {
  if (route.device === undefined) return undefined;
  const { index } = route.device;
  return { index, name: getBriefLink(connection, { index })?.name ?? `if${index}` };
}

/**
 * The address that masquerade takes; undefined where the interface has none, and then the packet is dropped. IPv4, as
 * inet_select_addr() of net/ipv4/devinet.c: the first primary address whose subnet has the next hop, or else the first.
 * IPv6: by the kernel's own source address selection (RFC 6724).
 */
export function masqueradeSource(connection: Connection, way: Way, to: Ip): Ip | undefined {
  const { output } = way;
  if (output === undefined) return undefined;
  const addresses = listAddresses(connection, { device: output, family: to.length === 4 ? 4 : 6 });
  if (to.length === 16) {
    const selected = ask(() => getRoute(connection, to)).route?.source;
    const isIts = addresses.some(({ ip }) => selected !== undefined && contains({ ip, prefixLength: 128 }, selected));
    return isIts ? selected : addresses.find(({ scope }) => scope === RT_SCOPE.UNIVERSE)?.ip;
  }
  const nextHop = way.gateway ?? to;
  const primary = addresses.filter(
    ({ flags, scope }) => (flags & IFA_F.SECONDARY) === 0 && scope === RT_SCOPE.UNIVERSE,
  );
  const near = primary.find(({ ip, peer, prefixLength }) => contains({ ip: peer ?? ip, prefixLength }, nextHop));
  return (near ?? primary[0])?.ip;
}
