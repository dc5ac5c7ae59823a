// `bauta explain`: what becomes of a packet, and why.

import { withNode } from "../links/namespaces.ts";
import { TABLE } from "../masquerade/explain.ts";
import type { Connection } from "../netlink/connection.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { TABLE as PORTMAP_TABLE } from "../portmap/table-names.ts";
import { familyOf, type Ip, parseIp } from "../wire/ip.ts";
import { flag, text, UsageError } from "./arguments.ts";
import { explainPacket } from "./explain/explanation.ts";
import { differences, type Foretold, LiveError, type LiveTrace, traceLive } from "./explain/live.ts";
import { liveLines, liveObject } from "./explain/live-words.ts";
import { hasPorts, type Packet, parseProtocol } from "./explain/packet.ts";
import { canSend } from "./explain/probe.ts";
import { explainPublished } from "./explain/published.ts";
import { publishedLines, publishedObject } from "./explain/published-words.ts";
import { asLines, asObject } from "./explain/words.ts";
import type { Output } from "./io.ts";
import { type Style, styleFor } from "./terminal-text.ts";
import { QUIET, type Verb, verb } from "./verb.ts";

const ABOUT = `
Walks the first packet of a flow from a container's address through the rules as
they are in the kernel now, the sets they look into and the routes: whose the
address is, which policy it has, which rule decides and which source address the
packet leaves with. Later packets of the flow get what the first one got.

Then it tells what outside bauta's tables could interfere: others' nat chains at
the same hook, forwarding that is off, the reverse path filter, missing routes.
A "problem" keeps the packet or the answer to it from getting through; a "note"
may matter. Nothing is changed by asking.

--live then follows a real packet of this kind, the first of a flow: one that is
sent from inside the container with --netns (a TCP connection that is begun and
given up, an empty UDP datagram, or an echo request), or else the next one that
comes by. The kernel traces it (nf_tables trace) for as long as it takes, by a
table bauta_trace that is removed at once. Exit status 1 where the packet did
otherwise than foretold, or where none came.

A packet from anywhere to a port of the node that a container publishes, with
--port, goes through the rules of portmap: which rule leads it where, and with
which source it arrives. --live follows such a packet, too, from a namespace of
this node or as it comes by.

Where bandwidth limits what the container sends, or receives at that port, the
rate, the burst and the interface whose queueing discipline holds the packets
are told, or what is wrong with that.

--json prints one object:

  from, to, proto, port           the packet; port null where none was given
  network, container, interface   whose the source is; null where nobody knows
  in, out, gateway                its way; null where there is none
  policy      the chain of its policy, or null
  dropInvalid whether its invalid packets are dropped
  verdict     "masquerade", "snat", "keep" (its source), "drop", "unknown",
              "local" (for the node itself), "same-link", "unreachable",
              "published" (led to a container)
  text        the verdict as a sentence
  source      {"first", "last"}: the addresses to choose from, or null
  target      with "published": {"address", "port"} of the container
  ports       {"first", "last"}, or null where there is no range
  rules       chain, handle, rule, effect and decides of each that it meets
  effects     what is done to it by other means than rules, each a phrase
  interference   kind, severity ("problem" or "note") and text of each
  live        null without --live, else an object: agrees, differences (an array
              of phrases), source (an address, or null where it did not leave),
              and trace: family, table, chain, handle and verdict of each rule
`;

const addressProblem = (value: string): string | undefined =>
  parseIp(value) === undefined ? "not an IP address (without a prefix length)" : undefined;

export const explain: Verb = verb({
  name: "explain",
  summary: "Tells what becomes of a container's packet, and why",
  about: ABOUT,
  options: {
    from: text("ADDRESS", "a container's address", addressProblem),
    to: text("ADDRESS", "where the packet goes", addressProblem),
    proto: text("PROTOCOL", "tcp (unless given), udp, sctp, icmp, icmpv6 or a number", (value) =>
      parseProtocol(value) === undefined
        ? "not a protocol: tcp, udp, sctp, icmp, icmpv6 or a number up to 255"
        : undefined,
    ),
    port: text("PORT", "the destination port", (value) =>
      parsePort(value) === undefined ? "not a port from 1 to 65535" : undefined,
    ),
    live: flag("follow a real packet, and compare"),
    netns: text("PATH", "with --live: send the packet from this network namespace"),
    wait: text("SECONDS", "with --live: how long to wait for one, 10 unless given", (value) =>
      /^[1-9][0-9]{0,3}$/.test(value) ? undefined : "not a number of seconds from 1 to 9999",
    ),
    json: flag("as JSON, for programs"),
    ...QUIET,
  },
  run({ from, to, proto, port, live, netns, wait, json }, io) {
    const packet = readPacket(from, to, proto, port);
    if (!live && (netns ?? wait) !== undefined)
      throw new UsageError(`--${netns === undefined ? "wait" : "netns"} is for --live`);
    if (netns !== undefined) requireSendable(packet);
    const nft = io.openNftables();
    try {
      const told = withNode((routes) => tell(nft, routes, packet, styleOf(io)));
      if (live) follow(io, told, json, () => traceLive(packet, told.foretold, netns, Number(wait ?? WAIT_S) * 1000));
      else if (json) io.printJson(JSON.stringify(told.object()));
      else io.print(told.lines());
    } finally {
      nft.close();
    }
  },
});

const WAIT_S = 10;

/** What there is to say of a packet. */
interface Told {
  readonly lines: () => string[];
  readonly object: () => object;
  readonly foretold: Foretold;
}

/** Of one to a published port, or of a container's. Throws UnknownSourceError where it is neither. */
function tell(nft: Nftables, routes: Connection, packet: Packet, style: Style): Told {
  const published = explainPublished(nft, routes, packet);
  if (published !== undefined) {
    const { to, from, source, container } = published;
    const told = { lines: () => publishedLines(published, style), object: () => publishedObject(published) };
    const foretold = { table: PORTMAP_TABLE, destination: container };
    if (from === undefined) return { ...told, foretold: { ...foretold, steps: to.steps, sources: undefined } };
    const sources = source === undefined ? "unknown" : { first: source, last: source };
    return { ...told, foretold: { ...foretold, steps: [...to.steps, ...from.steps], sources } };
  }
  const explanation = explainPacket(nft, routes, packet);
  return {
    lines: () => asLines(explanation, style),
    object: () => asObject(explanation),
    foretold: { table: TABLE, steps: explanation.walk?.steps ?? [], sources: explanation.sources },
  };
}

/** What it foretells is printed before the packet is there, which may take a while; as JSON all is one object. */
function follow(io: Output, { lines, object, foretold }: Told, isJson: boolean, trace: () => LiveTrace): void {
  if (!isJson) io.print(lines());
  io.doing("no packet yet");
  const found = trace();
  const faults = differences(foretold, found);
  if (isJson) io.printJson(JSON.stringify({ ...object(), live: liveObject(found, faults) }));
  else io.print(["", ...liveLines(found, faults, styleOf(io))]);
  if (faults.length > 0) throw new LiveError("the packet did otherwise than foretold");
}

/** Throws UsageError for a packet that cannot be sent from here. */
function requireSendable(packet: Packet): void {
  if (!canSend(packet)) throw new UsageError("--netns sends tcp, udp and the family's icmp only");
  if (hasPorts(packet.protocol) && packet.port === undefined) throw new UsageError("--netns needs --port to send to");
}

const styleOf = (io: Output): ReturnType<typeof styleFor> => styleFor(io.isTerminal(), io.getenv);

function parsePort(value: string): number | undefined {
  const port = /^[0-9]{1,5}$/.test(value) ? Number(value) : 0;
  return port >= 1 && port <= 65535 ? port : undefined;
}

/** The options together. Throws UsageError where they do not fit. */
function readPacket(
  from: string | undefined,
  to: string | undefined,
  proto: string | undefined,
  port: string | undefined,
): Omit<Packet, "oifname"> {
  const source = needed("from", from);
  const destination = needed("to", to);
  const family = familyOf(source);
  if (familyOf(destination) !== family) {
    const wrong = `--from ${from} is an IPv${family} address and --to ${to} an IPv${familyOf(destination)} one`;
    throw new UsageError(`${wrong}: a packet has but one family`);
  }
  const protocol = parseProtocol(proto ?? "tcp") ?? 0;
  if (port !== undefined && !hasPorts(protocol)) throw new UsageError(`--port ${port}: ${proto} has no ports`);
  return { family, from: source, to: destination, protocol, port: port === undefined ? undefined : parsePort(port) };
}

function needed(name: string, value: string | undefined): Ip {
  const ip = value === undefined ? undefined : parseIp(value);
  if (ip === undefined) throw new UsageError(`--${name} is missing: --${name} ADDRESS`);
  return ip;
}
