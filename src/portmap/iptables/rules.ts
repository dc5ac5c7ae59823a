// The rules that containernetworking/plugins' portmap makes by iptables, as words of iptables-restore(8), in the order in which
// iptables-save(8) prints them.

import type { Attachment } from "../../cni/attachment.ts";
import type { RuleWords } from "../../iptables/rule.ts";
import { formatCidr, networkOf } from "../../wire/ip.ts";
import type { Entry, Part } from "../elements.ts";
import { endpointText, hostAddress, type Protocol, type Wanted } from "../mapping.ts";
import { commentOf, DNAT, dnatChainOf, MASQ, SETMARK } from "./names.ts";

/** What the back end is told besides: how to mark what is to be masqueraded. */
export interface Marking {
  /** The bit of our own mark. */
  readonly markBit: number;
  /** Somebody's chain that sets a mark, in the place of ours. */
  readonly externalSetMarkChain?: string | undefined;
}

export interface IptablesWanted extends Wanted, Marking {}

/** A rule, and the chain that it stands in. */
export interface PlacedRule {
  readonly chain: string;
  readonly rule: RuleWords;
  /** Whether it comes first, and not last. */
  readonly isFirst?: boolean;
}

/** The rules that all containers share. */
export function sharedRules({ snat, markBit, externalSetMarkChain }: Pick<Wanted, "snat"> & Marking): PlacedRule[] {
  const isForTheNode = ["-m", "addrtype", "--dst-type", "LOCAL", "-j", DNAT];
  const entries = ["PREROUTING", "OUTPUT"].map((chain) => ({ chain, rule: isForTheNode }));
  if (!snat || externalSetMarkChain !== undefined) return entries;
  const bit = `0x${(2 ** markBit).toString(16)}`;
  const mark = `${bit}/${bit}`;
  const comment = (text: string): string[] => ["-m", "comment", "--comment", text];
  return [
    ...entries,
    { chain: SETMARK, rule: [...comment("CNI portfwd masquerade mark"), "-j", "MARK", "--set-xmark", mark] },
    { chain: MASQ, rule: ["-m", "mark", "--mark", mark, "-j", "MASQUERADE"] },
    // Before the masquerade of bridge and ptp.
    { chain: "POSTROUTING", rule: [...comment("CNI portfwd requiring masquerade"), "-j", MASQ], isFirst: true },
  ];
}

/** The chains that those rules take. */
export function sharedChains({ snat, externalSetMarkChain }: Pick<Wanted, "snat"> & Marking): string[] {
  return snat && externalSetMarkChain === undefined ? [DNAT, SETMARK, MASQ] : [DNAT];
}

/** The rules of the container's chain: which packets are marked, and where they are led. */
export function containerRules(part: Part, wanted: Omit<IptablesWanted, "olderWins">): RuleWords[] {
  return part.entries.flatMap((entry) => [...markRules(entry, part, wanted), dnatRule(entry, part)]);
}

function markRules(entry: Entry, { family, container }: Part, wanted: Omit<IptablesWanted, "olderWins">): RuleWords[] {
  const { snat, masqAll, externalSetMarkChain = SETMARK } = wanted;
  if (!snat) return [];
  const marked = (source?: string): RuleWords => {
    const from = source === undefined ? [] : ["-s", source];
    return [...from, ...packetWords(entry), "-j", externalSetMarkChain];
  };
  if (masqAll) return [marked()];
  const localhost = family === 4 ? [marked("127.0.0.1/32")] : [];
  return [marked(formatCidr(networkOf(container))), ...localhost];
}

function dnatRule(entry: Entry, { container }: Part): RuleWords {
  const to = endpointText(container.ip, entry.mapping.containerPort);
  return [...packetWords(entry), "-j", "DNAT", "--to-destination", to];
}

/** Which packets a mapping is about. */
function packetWords({ mapping }: Entry): string[] {
  const { protocol, hostPort } = mapping;
  const address = hostAddress(mapping);
  const to = address === undefined ? [] : ["-d", formatCidr({ ip: address, prefixLength: address.length * 8 })];
  return [...to, "-p", protocol, "-m", protocol, "--dport", String(hostPort)];
}

/** include/uapi/linux/netfilter/xt_multiport.h: XT_MULTI_PORTS */
const PORTS_MAX = 15;

/** The rules that lead packets to the container's chain: those for an address of the node come first. */
export function jumpRules(attachment: Attachment, { entries, conditions }: Part): PlacedRule[] {
  const protocols = [...new Set(entries.map(({ mapping }) => mapping.protocol))].sort();
  return [true, false].flatMap((isFirst) =>
    protocols.flatMap((protocol) => {
      const ports = portsOf(entries, protocol, isFirst);
      return chunks(ports, PORTS_MAX).map((some): PlacedRule => {
        const which = ["-p", protocol, "-m", "comment", "--comment", commentOf(attachment)];
        const rule = [...which, "-m", "multiport", "--dports", some.join(","), ...conditions];
        return { chain: DNAT, rule: [...rule, "-j", dnatChainOf(attachment)], isFirst };
      });
    }),
  );
}

function portsOf(entries: readonly Entry[], protocol: Protocol, hasAddress: boolean): number[] {
  const own = entries.filter(({ mapping }) => mapping.protocol === protocol);
  const isOfKind = ({ mapping }: Entry): boolean => (hostAddress(mapping) !== undefined) === hasAddress;
  return [...new Set(own.filter(isOfKind).map(({ mapping }) => mapping.hostPort))];
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}
