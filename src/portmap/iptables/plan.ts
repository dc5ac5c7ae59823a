// The input of iptables-restore for an attachment, the faults that CHECK finds, and who has a port.

import type { Attachment } from "../../cni/attachment.ts";
import type { NatListing } from "../../iptables/listing.ts";
import { hasRule, lineOf, type RuleWords, wordAfter } from "../../iptables/rule.ts";
import { type Family, formatIp, parseCidr } from "../../wire/ip.ts";
import { type Part, partsOf } from "../elements.ts";
import { hostKey, NO_CONDITIONS, type PortMapping, PROTOCOL_NAMES, type Publication } from "../mapping.ts";
import { DNAT, DNAT_CHAINS, dnatChainOf, parseComment } from "./names.ts";
import type { IptablesRecord } from "./records.ts";
import { containerRules, jumpRules, type PlacedRule, sharedChains, sharedRules } from "./rules.ts";

/** What an attachment publishes to packets of one family, by its record. */
export interface RecordedPart {
  readonly record: IptablesRecord;
  readonly part: Part;
}

export function recordedParts(records: readonly IptablesRecord[], family: Family): RecordedPart[] {
  return records.flatMap((record) =>
    partsOf(record)
      .filter((part) => part.family === family)
      .map((part) => ({ record, part })),
  );
}

const line = ({ chain, rule, isFirst = false }: PlacedRule): string => lineOf([isFirst ? "-I" : "-A", chain, ...rule]);

/** The rules of a container: of all its interfaces on the network, because they share the chain. */
interface ContainerRules {
  readonly chain: string;
  readonly jumps: readonly PlacedRule[];
  readonly rules: readonly RuleWords[];
}

function rulesOf(parts: readonly RecordedPart[], { network, containerId }: Attachment): ContainerRules {
  return {
    chain: dnatChainOf({ network, containerId }),
    jumps: parts.flatMap(({ record, part }) => jumpRules(record.attachment, part)),
    rules: parts.flatMap(({ record, part }) => containerRules(part, record)),
  };
}

/**
 * Makes what the container's parts take, and nothing besides: what was in its chain before goes. Chains that are missing are
 * made by `-N`, which fails where somebody else has been faster.
 */
export function publishLines(listing: NatListing, parts: readonly RecordedPart[], attachment: Attachment): string[] {
  const { chain, jumps, rules } = rulesOf(parts, attachment);
  const chains = new Set(parts.flatMap(({ record }) => sharedChains(record)));
  const shared = new Map(parts.flatMap(({ record }) => sharedRules(record)).map((one) => [line(one), one]));
  const missing = [...shared.values()].filter((one) => !hasRule(listing.get(one.chain), one.rule));
  return [
    ...[...chains].filter((name) => !listing.has(name)).map((name) => `-N ${name}`),
    ...missing.map(line),
    ...jumpsTo(listing, chain).map((rule) => lineOf(["-D", DNAT, ...rule])),
    `:${chain} - [0:0]`, // makes the chain, or empties it
    ...rules.map((rule) => line({ chain, rule })),
    ...jumps.map(line),
  ];
}

function jumpsTo(listing: NatListing, chain: string): readonly RuleWords[] {
  return (listing.get(DNAT) ?? []).filter((rule) => wordAfter(rule, "-j") === chain);
}

/** The missing or altered rules, each as a phrase. */
export function faultsIn(listing: NatListing, parts: readonly RecordedPart[], attachment: Attachment): string[] {
  const { chain, jumps, rules } = rulesOf(parts, attachment);
  const there = listing.get(chain);
  const shared = parts.flatMap(({ record }) => sharedRules(record));
  const faults = shared.filter((one) => !hasRule(listing.get(one.chain), one.rule)).map(missingText);
  if (there === undefined) return [...faults, `chain ${chain} is missing`];
  const lost = rules.filter((rule) => !hasRule(there, rule)).map((rule) => missingText({ chain, rule }));
  const isAltered = lost.length === 0 && there.some((rule) => !hasRule(rules, rule));
  const leading = jumpsTo(listing, chain);
  const unled = jumps.filter(({ rule }) => !leading.some((one) => isSameJump(one, rule)));
  return [
    ...new Set([
      ...faults,
      ...lost,
      ...unled.map(missingText),
      ...(isAltered ? [`chain ${chain} has been altered`] : []),
    ]),
  ];
}

const missingText = ({ chain, rule }: PlacedRule): string =>
  `the rule \`${lineOf(rule)}\` of chain ${chain} is missing`;

/** iptables-save may write conditions in other words, and in another order. */
function isSameJump(found: RuleWords, wanted: RuleWords): boolean {
  return ["-p", "--comment", "--dports", "-j"].every(
    (option) => wordAfter(found, option) === wordAfter(wanted, option),
  );
}

/** The ports that the rules of a container's chain publish, ours or upstream's: a publication for each container address. */
export function publicationsIn(rules: readonly RuleWords[]): Publication[] {
  const found = new Map<string, Publication>();
  for (const rule of rules) {
    const one = publishedBy(rule);
    if (one === undefined) continue;
    const { container, mapping } = one;
    const name = formatIp(container);
    const more = found.get(name)?.mappings ?? [];
    found.set(name, {
      containers: [{ ip: container, prefixLength: container.length * 8 }],
      mappings: [...more, mapping],
      snat: false,
      masqAll: false,
      conditions: NO_CONDITIONS,
    });
  }
  return [...found.values()];
}

function publishedBy(rule: RuleWords): { readonly container: Uint8Array; readonly mapping: PortMapping } | undefined {
  const [, v6, v4, port] = /^(?:\[(.+)\]|(.+)):(\d+)$/.exec(wordAfter(rule, "--to-destination") ?? "") ?? [];
  const container = parseCidr(`${v6 ?? v4}/${v6 === undefined ? 32 : 128}`)?.ip;
  const protocol = PROTOCOL_NAMES.find((name) => name === wordAfter(rule, "-p"));
  const hostPort = Number(wordAfter(rule, "--dport"));
  if (container === undefined || protocol === undefined || !(hostPort > 0)) return undefined;
  const hostIp = parseCidr(wordAfter(rule, "-d") ?? "")?.ip ?? new Uint8Array(container.length);
  return { container, mapping: { hostIp, hostPort, containerPort: Number(port), protocol } };
}

/** Whose each port is, by hostKey: the names in the comment of the rule that leads to the container's chain. */
export function holdersIn(listing: NatListing, own: string): Map<string, string> {
  const holders = new Map<string, string>();
  for (const jump of listing.get(DNAT) ?? []) {
    const chain = wordAfter(jump, "-j") ?? "";
    if (chain === own || !DNAT_CHAINS.includes(chain)) continue;
    const name = parseComment(wordAfter(jump, "--comment") ?? "");
    const text =
      name === undefined ? `chain ${chain} of iptables` : `container ${name.containerId}, network ${name.network}`;
    for (const { mappings } of publicationsIn(listing.get(chain) ?? [])) {
      for (const mapping of mappings) if (!holders.has(hostKey(mapping))) holders.set(hostKey(mapping), text);
    }
  }
  return holders;
}
