// What iptables-save(8) prints of the nat table.

import { parseCidr } from "../wire/ip.ts";
import type { Jump, OwnChains } from "./nat-table.ts";
import { lineOf, type RuleWords, wordAfter, wordsOf } from "./rule.ts";

export const POSTROUTING = "POSTROUTING";

/** The rules of each chain, in order. */
export type NatListing = ReadonlyMap<string, readonly RuleWords[]>;

/** What `iptables-save -c` puts before a rule. */
const COUNTERS = /^\[(\d+):(\d+)\] /;

/** Reads what iptables-save prints, with counters or without; lines that are neither chain nor rule are passed over. */
export function readListing(text: string): NatListing {
  const chains = new Map<string, RuleWords[]>();
  for (const line of text.split("\n")) {
    const rule = line.startsWith("[") ? line.replace(COUNTERS, "") : line;
    if (rule.startsWith(":")) chains.set(rule.slice(1, rule.indexOf(" ")), []);
    else if (rule.startsWith("-A ")) {
      const [, chain = "", ...words] = wordsOf(rule);
      chains.get(chain)?.push(words);
    }
  }
  return chains;
}

/** How often a rule has matched. */
export interface Counters {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** The counters of POSTROUTING's rules, by lineOf of the rule, in what `iptables-save -c` prints. */
export function countersIn(text: string): Map<string, Counters> {
  const found = new Map<string, Counters>();
  for (const line of text.split("\n")) {
    const [counters, packets, bytes] = COUNTERS.exec(line) ?? [];
    if (counters === undefined || packets === undefined || bytes === undefined) continue;
    const [, chain, ...words] = wordsOf(line.slice(counters.length));
    if (chain === POSTROUTING) found.set(lineOf(words), { packets: BigInt(packets), bytes: BigInt(bytes) });
  }
  return found;
}

/** The jumps to these chains, each with its rule. */
export function jumpsIn(listing: NatListing, own: OwnChains): Map<Jump, RuleWords> {
  const found = new Map<Jump, RuleWords>();
  for (const words of listing.get(own.from ?? POSTROUTING) ?? []) {
    const chain = wordAfter(words, "-j") ?? wordAfter(words, "-g");
    if (chain === undefined || !own.includes(chain)) continue;
    const source = parseCidr(wordAfter(words, "-s") ?? "");
    found.set({ chain, source, comment: wordAfter(words, "--comment") }, words);
  }
  return found;
}
