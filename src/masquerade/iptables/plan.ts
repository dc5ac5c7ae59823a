// The input of iptables-restore for an attachment, and the faults that CHECK finds.

import type { Attachment } from "../../cni/attachment.ts";
import { type NatListing, POSTROUTING } from "../../iptables/listing.ts";
import { hasRule, lineOf, type RuleWords, sameRule } from "../../iptables/rule.ts";
import { type Cidr, type Family, formatIp } from "../../wire/ip.ts";
import { acceptRule, jumpRule, masqueradeRule } from "./rules.ts";

const append = (chain: string, rule: RuleWords): string => lineOf(["-A", chain, ...rule]);

/** For an attachment whose chain does not exist; if it does, iptables-restore fails and does nothing. */
export function freshLines(
  attachment: Attachment,
  family: Family,
  addresses: readonly Cidr[],
  chain: string,
): readonly string[] {
  return [
    `-N ${chain}`,
    ...chainRules(attachment, family, addresses).map((rule) => append(chain, rule)),
    ...addresses.map((address) => append(POSTROUTING, jumpRule(attachment, address, chain))),
  ];
}

/**
 * For one whose chain exists: another interface of the container has made it, or an ADD that was killed. What is missing is
 * added and nothing else touched, because others may be adding to it just now.
 */
export function mergedLines(
  attachment: Attachment,
  family: Family,
  addresses: readonly Cidr[],
  chain: string,
  listing: NatListing,
): readonly string[] {
  const there = listing.get(chain);
  if (there === undefined) return freshLines(attachment, family, addresses, chain);
  const jumps = addresses.map((address) => jumpRule(attachment, address, chain));
  const lead = listing.get(POSTROUTING) ?? [];
  return [
    ...completion(there, attachment, family, addresses, chain),
    ...jumps.filter((rule) => !hasRule(lead, rule)).map((rule) => append(POSTROUTING, rule)),
  ];
}

/** The lines for the rules that the chain lacks, which has the rules `there`: subnets in front, the masquerade behind them. */
function completion(
  there: readonly RuleWords[],
  attachment: Attachment,
  family: Family,
  addresses: readonly Cidr[],
  chain: string,
): readonly string[] {
  const missing = chainRules(attachment, family, addresses).filter((rule) => !hasRule(there, rule));
  return missing.map((rule) => (rule[0] === "-d" ? lineOf(["-I", chain, ...rule]) : append(chain, rule)));
}

/**
 * The rules of the chain. All subnets come before the masquerade, behind which no rule is reached; upstream's plugins, which
 * know one address at a time, put a second subnet after it.
 */
function chainRules(attachment: Attachment, family: Family, addresses: readonly Cidr[]): RuleWords[] {
  const rules: RuleWords[] = [];
  for (const address of addresses) {
    const rule = acceptRule(attachment, address);
    if (!hasRule(rules, rule)) rules.push(rule);
  }
  return [...rules, masqueradeRule(attachment, family)];
}

/** The missing or altered rules, each as a phrase; empty where there are none. */
export function faultsIn(
  listing: NatListing,
  attachment: Attachment,
  family: Family,
  addresses: readonly Cidr[],
  chain: string,
): string[] {
  const rules = listing.get(chain);
  const lead = listing.get(POSTROUTING) ?? [];
  const missing = addresses.filter(
    (address) => rules !== undefined && !hasRule(lead, jumpRule(attachment, address, chain)),
  );
  return [
    ...chainFaults(rules, attachment, family, addresses, chain),
    ...missing.map(({ ip }) => `the rule of chain ${POSTROUTING} ${tableText(family)} for ${formatIp(ip)} is missing`),
  ];
}

const tableText = (family: Family): string => `of table nat of ${family === 4 ? "iptables" : "ip6tables"}`;

/** The same of the attachment's own chain, which has these rules; undefined: it isn't there. */
export function chainFaults(
  rules: readonly RuleWords[] | undefined,
  attachment: Attachment,
  family: Family,
  addresses: readonly Cidr[],
  chain: string,
): string[] {
  const name = `chain ${chain} ${tableText(family)}`;
  if (rules === undefined) return [`${name} is missing`];
  const wanted = chainRules(attachment, family, addresses).reverse();
  const faults = wanted
    .filter((rule) => !hasRule(rules, rule))
    .map((rule) => `the rule \`${lineOf(rule)}\` of ${name} is missing`);
  return isAltered(rules, attachment, family) ? [...faults, `${name} has been altered`] : faults;
}

/** Whether there are rules that are neither the masquerade nor accept a subnet. */
function isAltered(rules: readonly RuleWords[], attachment: Attachment, family: Family): boolean {
  const masquerade = masqueradeRule(attachment, family);
  const isSubnet = (rule: RuleWords): boolean => rule[0] === "-d" && rule.at(-2) === "-j" && rule.at(-1) === "ACCEPT";
  return rules.some((rule) => !sameRule(rule, masquerade) && !isSubnet(rule));
}

/** The mending of a chain and of the jumps to it. */
export interface Repair {
  readonly lines: readonly string[];
  /** The addresses whose packets went elsewhere. */
  readonly addresses: readonly Cidr[];
  /** What was wrong with a chain that was there, as phrases. */
  readonly mended: readonly string[];
}

/**
 * What is missing, of all addresses whose packets go to the chain; a chain that has been altered is made anew. `lead` are
 * the lines of POSTROUTING's rules.
 */
export function repairOf(
  listing: NatListing,
  lead: ReadonlySet<string>,
  attachment: Attachment,
  family: Family,
  addresses: readonly Cidr[],
  chain: string,
): Repair {
  const rules = listing.get(chain);
  const isWrong = rules !== undefined && isAltered(rules, attachment, family);
  const jumps = addresses.filter((address) => !lead.has(lineOf(jumpRule(attachment, address, chain))));
  const lines = [
    ...(rules === undefined || isWrong ? [`:${chain} - [0:0]`] : []), // makes the chain, or empties it
    ...completion(isWrong ? [] : (rules ?? []), attachment, family, addresses, chain),
  ];
  return {
    lines: [...lines, ...jumps.map((address) => append(POSTROUTING, jumpRule(attachment, address, chain)))],
    addresses: lines.length > 0 ? addresses : jumps,
    mended: isWrong ? [`chain ${chain} ${tableText(family)} has been altered`] : [],
  };
}
