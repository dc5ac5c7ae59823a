// The rules by which containernetworking/plugins' iptables back end lets a container's packets through, as words of
// iptables-restore(8): table filter, chain CNI-FORWARD.

import { readListing } from "../../iptables/listing.ts";
import { hasRule, lineOf, type RuleWords } from "../../iptables/rule.ts";
import { familyOf, formatIp, type Ip } from "../../wire/ip.ts";
import { type Isolation, missingIsolation } from "./isolation-rules.ts";
import { CNI_FORWARD, commented, FORWARD, LEAD } from "./upstream-chains.ts";

/** The rule of CNI-FORWARD that leads to the administrator's chain. */
function adminRule(adminChain: string): RuleWords {
  return [...commented("CNI firewall plugin admin overrides"), "-j", adminChain];
}

/** What comes back to the container, and what the container sends. */
export function rulesFor(ip: Ip): RuleWords[] {
  const address = `${formatIp(ip)}/${familyOf(ip) === 4 ? 32 : 128}`;
  return [
    ["-d", address, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"],
    ["-s", address, "-j", "ACCEPT"],
  ];
}

/** Addresses with the name of the chain that their network's administrator has rules in. */
export interface Admitted {
  readonly ip: Ip;
  readonly adminChain: string;
  /** The isolation of the container's bridge; undefined where there is none by iptables. */
  readonly isolation?: Isolation | undefined;
}

/** What a table lacks that is printed so, as lines of iptables-restore; the addresses are of its family. */
export function missingLines(text: string, admitted: readonly Admitted[]): string[] {
  const listing = readListing(text);
  const admins = [...new Set(admitted.map(({ adminChain }) => adminChain))];
  const chains = [CNI_FORWARD, ...admins].filter((chain) => !listing.has(chain));
  const leads = admins.map(adminRule).filter((rule) => !hasRule(listing.get(CNI_FORWARD), rule));
  // A search of the whole chain for each address would take long where there are thousands.
  const there = new Set((listing.get(CNI_FORWARD) ?? []).map(lineOf));
  const rules = admitted.flatMap(({ ip }) => rulesFor(ip)).filter((rule) => !there.has(lineOf(rule)));
  return [
    ...chains.map((chain) => `-N ${chain}`),
    ...(hasRule(listing.get(FORWARD), LEAD) ? [] : [lineOf(["-I", FORWARD, "1", ...LEAD])]),
    ...leads.map((rule) => lineOf(["-I", CNI_FORWARD, "1", ...rule])),
    ...rules.map((rule) => lineOf(["-A", CNI_FORWARD, ...rule])),
    ...missingIsolation(listing, [...new Set(admitted.flatMap(({ isolation }) => isolation ?? []))]),
  ];
}

/** The lines that take the addresses' rules out of a table that is printed so. Chains stay: an administrator's rules are there. */
export function removalLines(text: string, addresses: readonly Ip[]): string[] {
  const there = new Set((readListing(text).get(CNI_FORWARD) ?? []).map(lineOf));
  const rules = addresses.flatMap(rulesFor).filter((rule) => there.has(lineOf(rule)));
  return rules.map((rule) => lineOf(["-D", CNI_FORWARD, ...rule]));
}

/** What is missing in a table that is printed so, as phrases. */
export function missingRules(text: string, admitted: readonly Admitted[]): string[] {
  return missingLines(text, admitted).map((line) => `\`${line}\` would have to be carried out`);
}
