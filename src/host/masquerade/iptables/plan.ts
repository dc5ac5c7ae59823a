// What iptables-restore has to be told, and what CHECK finds wrong.

import { type Cidr, type Family, formatIp } from "../../../wire/ip.ts";
import type { Attachment } from "../../attachment.ts";
import { type NatListing, POSTROUTING } from "./listing.ts";
import { acceptRule, jumpRule, lineOf, masqueradeRule, type RuleWords, sameRule } from "./rule.ts";

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
  const [masquerade, ...accepts] = chainRules(attachment, family, addresses).reverse();
  const jumps = addresses.map((address) => jumpRule(attachment, address, chain));
  const lead = listing.get(POSTROUTING) ?? [];
  return [
    ...accepts.filter((rule) => !has(there, rule)).map((rule) => lineOf(["-I", chain, ...rule])),
    ...(masquerade === undefined || has(there, masquerade) ? [] : [append(chain, masquerade)]),
    ...jumps.filter((rule) => !has(lead, rule)).map((rule) => append(POSTROUTING, rule)),
  ];
}

/**
 * The rules of the chain. All subnets come before the masquerade, behind which no rule is reached; upstream's plugins, which
 * know one address at a time, put a second subnet after it.
 */
function chainRules(attachment: Attachment, family: Family, addresses: readonly Cidr[]): RuleWords[] {
  const rules: RuleWords[] = [];
  for (const address of addresses) {
    const rule = acceptRule(attachment, address);
    if (!has(rules, rule)) rules.push(rule);
  }
  return [...rules, masqueradeRule(attachment, family)];
}

function has(rules: readonly RuleWords[], wanted: RuleWords): boolean {
  return rules.some((rule) => sameRule(rule, wanted));
}

/** What is missing or altered, each as a phrase; empty when all is well. */
export function faultsIn(
  listing: NatListing,
  attachment: Attachment,
  family: Family,
  addresses: readonly Cidr[],
  chain: string,
): string[] {
  const table = `of table nat of ${family === 4 ? "iptables" : "ip6tables"}`;
  const rules = listing.get(chain);
  if (rules === undefined) return [`chain ${chain} ${table} is missing`];
  const faults: string[] = [];
  const masquerade = masqueradeRule(attachment, family);
  if (!has(rules, masquerade)) faults.push(`the rule \`${lineOf(masquerade)}\` of chain ${chain} ${table} is missing`);
  for (const address of addresses) {
    const accept = acceptRule(attachment, address);
    if (!has(rules, accept)) faults.push(`the rule \`${lineOf(accept)}\` of chain ${chain} ${table} is missing`);
    const jump = jumpRule(attachment, address, chain);
    if (!has(listing.get(POSTROUTING) ?? [], jump))
      faults.push(`the rule of chain ${POSTROUTING} ${table} for ${formatIp(address.ip)} is missing`);
  }
  if (rules.some((rule) => !isOfKind(rule, masquerade))) faults.push(`chain ${chain} ${table} has been altered`);
  return faults;
}

/** Whether it is the masquerade, or accepts a subnet. */
function isOfKind(rule: RuleWords, masquerade: RuleWords): boolean {
  return sameRule(rule, masquerade) || (rule[0] === "-d" && rule.at(-2) === "-j" && rule.at(-1) === "ACCEPT");
}
