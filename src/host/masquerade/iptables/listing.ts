// What iptables-save(8) prints of the nat table.

import { parseCidr } from "../../../wire/ip.ts";
import { isChainName } from "./names.ts";
import type { Jump } from "./nat-table.ts";
import { type RuleWords, wordAfter, wordsOf } from "./rule.ts";

export const POSTROUTING = "POSTROUTING";

/** The rules of each chain, in order. */
export type NatListing = ReadonlyMap<string, readonly RuleWords[]>;

/** Reads what iptables-save prints; lines that are neither chain nor rule are passed over. */
export function readListing(text: string): NatListing {
  const chains = new Map<string, RuleWords[]>();
  for (const line of text.split("\n")) {
    if (line.startsWith(":")) chains.set(line.slice(1, line.indexOf(" ")), []);
    else if (line.startsWith("-A ")) {
      const [, chain = "", ...words] = wordsOf(line);
      chains.get(chain)?.push(words);
    }
  }
  return chains;
}

/** The jumps of POSTROUTING to chains of this back end, each with its rule. */
export function jumpsIn(listing: NatListing): Map<Jump, RuleWords> {
  const found = new Map<Jump, RuleWords>();
  for (const words of listing.get(POSTROUTING) ?? []) {
    const chain = wordAfter(words, "-j") ?? wordAfter(words, "-g");
    if (chain === undefined || !isChainName(chain)) continue;
    const source = parseCidr(wordAfter(words, "-s") ?? "");
    found.set({ chain, source, comment: wordAfter(words, "--comment") }, words);
  }
  return found;
}
