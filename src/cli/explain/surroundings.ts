// What outside our tables could interfere with a packet: others' chains at the same hook, forwarding, the reverse path
// filter, routes.

import { whoDrops } from "../../firewall/passage/passage.ts";
import { type Chain, listChains } from "../../nftables/chain.ts";
import { familyName } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { NF, NF_INET, NF_IP_PRI, NFPROTO, nfproto } from "../../nftables/uapi.ts";
import { hasCode } from "../../sys/error.ts";
import { readText } from "../../sys/file.ts";
import { readSysctl } from "../../sys/sysctl.ts";
import { type Family, formatIp } from "../../wire/ip.ts";
import { isOurs } from "../monitor/describe.ts";
import type { Packet } from "./packet.ts";
import type { NamedDevice, Way } from "./way.ts";

export interface Interference {
  readonly kind: "nat chain" | "filter chain" | "forwarding" | "rp_filter" | "route";
  /** `problem`: the packet, or the answer to it, does not get through so. `note`: it may matter. */
  readonly severity: "problem" | "note";
  readonly text: string;
}

/** All of it, problems first. `ours` is the name of our table. Throws NetlinkError or SyscallError. */
export function findInterference(nft: Nftables, packet: Packet, way: Way, ours: string): Interference[] {
  const chains = listChains(nft.connection).filter((chain) => sees(chain, packet.family) && chain.table !== ours);
  const found = [
    ...routes(packet, way),
    ...forwarding(packet.family, way),
    ...reversePathFilter(packet, way),
    ...chains.flatMap(natChain),
    ...legacyNat(packet.family),
    ...forwardChains(nft, packet, way, chains),
  ];
  return found.toSorted((a, b) => (a.severity === b.severity ? 0 : a.severity === "problem" ? -1 : 1));
}

function sees({ family }: Chain, of: Family): boolean {
  return family === NFPROTO.INET || family === nfproto(of);
}

function routes({ from, to }: Packet, { input, kind, error }: Way): Interference[] {
  const found: Interference[] = [];
  const problem = (text: string): void => void found.push({ kind: "route", severity: "problem", text });
  if (input === undefined) problem(`no route leads to ${formatIp(from)}: answers cannot reach the container`);
  if (kind !== "none") return found;
  const said = error === undefined ? "" : ` (${error.code})`;
  problem(`no route leads to ${formatIp(to)}${said}: ip route get ${formatIp(to)}`);
  return found;
}

function forwarding(family: Family, { input, kind }: Way): Interference[] {
  if (kind !== "forward") return [];
  // IPv4 asks the interface that the packet came by (IN_DEV_FORWARD), IPv6 whether any may (ip6_forward()).
  const name = family === 4 ? (input?.name ?? "all") : "all";
  if (readSysctl(`net/ipv${family}/conf/${name}/forwarding`) !== "0") return [];
  const key = family === 4 ? `net.ipv4.conf.${name}.forwarding` : "net.ipv6.conf.all.forwarding";
  return [
    { kind: "forwarding", severity: "problem", text: `forwarding is off: ${key} is 0, so the packet is dropped` },
  ];
}

const STRICT = 1;

/** The larger of the interface's value and that of `all` counts (Documentation/networking/ip-sysctl.rst). IPv4 only. */
function reversePathMode(device: NamedDevice): number {
  const values = [device.name, "all"].map((name) => Number(readSysctl(`net/ipv4/conf/${name}/rp_filter`) ?? "0"));
  return Math.max(...values);
}

function reversePathFilter({ family, to }: Packet, { kind, input, output, plainOutput, error }: Way): Interference[] {
  if (family !== 4 || input === undefined) return [];
  if (error?.code === "EXDEV") {
    const text = `the reverse path filter of ${input.name} drops the packet: net.ipv4.conf.${input.name}.rp_filter`;
    return [{ kind: "rp_filter", severity: "problem", text }];
  }
  if (kind !== "forward" || output === undefined || reversePathMode(output) !== STRICT) return [];
  const isBack = plainOutput?.index === output.index;
  const where = `strict on ${output.name} (net.ipv4.conf.${output.name}.rp_filter or that of all is 1)`;
  const text = isBack
    ? `the reverse path filter is ${where}: answers must come back through it`
    : `the reverse path filter is ${where}, but packets to ${formatIp(to)} otherwise leave through ${plainOutput?.name ?? "nothing"}: answers are dropped`;
  return [{ kind: "rp_filter", severity: isBack ? "note" : "problem", text }];
}

/** Of all nat chains at a hook the first that decides is the last that is asked. Those of bauta's other tables go together with ours. */
function natChain({ family, table, name, type, hook, priority = 0 }: Chain): Interference[] {
  if (type !== "nat" || hook !== NF_INET.POST_ROUTING || isOurs(table)) return [];
  const which = `nat chain ${familyName(family)} ${table} ${name} at postrouting, priority ${priority}`;
  const order =
    priority < NF_IP_PRI.NAT_SRC
      ? `comes before ours (${NF_IP_PRI.NAT_SRC}): what it translates does not come to bauta`
      : priority > NF_IP_PRI.NAT_SRC
        ? `comes after ours (${NF_IP_PRI.NAT_SRC}): it sees only what bauta leaves alone`
        : "stands beside ours: of the two the one that was added last is asked first, and what it translates does not come to the other";
  return [{ kind: "nat chain", severity: "note", text: `${which}, ${order}` }];
}

/** iptables-legacy's tables are not nf_tables'; what is in them only iptables-legacy tells. */
function legacyNat(family: Family): Interference[] {
  const [file, command] = family === 4 ? ["ip_tables_names", "iptables"] : ["ip6_tables_names", "ip6tables"];
  if (!lines(`/proc/net/${file}`).includes("nat")) return [];
  const text = `${command}-legacy has a nat table, which is asked beside ours: ${command}-legacy -t nat -S POSTROUTING`;
  return [{ kind: "nat chain", severity: "note", text }];
}

function lines(path: string): string[] {
  try {
    return readText(path).split("\n");
  } catch (error) {
    if (hasCode(error, "ENOENT", "EACCES", "EPERM")) return [];
    throw error;
  }
}

/** What drops the packet at the hook forward, and what may. */
function forwardChains(nft: Nftables, packet: Packet, way: Way, chains: readonly Chain[]): Interference[] {
  if (way.kind !== "forward") return chains.flatMap(filterChain);
  const { family, from, to } = packet;
  const drops = whoDrops(nft, {
    family,
    in: way.input?.name,
    out: way.output?.name,
    source: from,
    destination: to,
    isEstablished: false,
  });
  const found = drops.map((what): Interference => {
    return { kind: "filter chain", severity: "problem", text: `${what} drops the packet` };
  });
  const isTold = ({ text }: Interference): boolean => drops.some((what) => text.startsWith(`${what.split(" (")[0]} `));
  return [...found, ...chains.flatMap(filterChain).filter((one) => !isTold(one))];
}

function filterChain({ family, table, name, hook, type, policy }: Chain): Interference[] {
  if (type !== "filter" || hook !== NF_INET.FORWARD || policy !== NF.DROP) return [];
  const text = `chain ${familyName(family)} ${table} ${name} at forward drops what its rules do not accept (policy drop)`;
  return [{ kind: "filter chain", severity: "note", text }];
}
