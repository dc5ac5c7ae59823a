// What becomes of a container's packets in somebody else's rules, as far as that can be told without a packet. A rule may match
// for sure, perhaps (it asks for an interface that nobody knows beforehand), or not. What is meant for some packets only (a
// port, a destination) is the administrator's will, and counts as not.

import type { Family, Ip } from "../../wire/ip.ts";

/** Packets of one kind. */
export interface Traffic {
  readonly family: Family;
  /** What is undefined is not known, and may be anything. */
  readonly in: string | undefined;
  readonly out: string | undefined;
  readonly source: Ip | undefined;
  readonly destination: Ip | undefined;
  /** Whether the packets belong to a connection that is there. */
  readonly isEstablished: boolean;
}

/** What the container sends, and what comes back to it: all that upstream's rules let through. */
export function trafficOf(family: Family, ip: Ip, bridge: string | undefined): Traffic[] {
  return [
    { family, in: bridge, out: undefined, source: ip, destination: undefined, isEstablished: false },
    { family, in: undefined, out: bridge, source: undefined, destination: ip, isEstablished: true },
  ];
}

export type Certainty = "yes" | "perhaps" | "no";

/** What a rule does with the packets that it matches; without `action` it only counts or marks them. */
export interface Judged {
  readonly matches: Certainty;
  readonly action?:
    | { readonly kind: "accept" | "drop" | "return" }
    | { readonly kind: "jump" | "goto"; readonly chain: string }
    | undefined;
  /** The rule as text. */
  readonly text: () => string;
}

/** One base chain and those that it leads to. */
export interface Chains {
  /** The rules of a chain, judged for the packets. */
  rulesOf(chain: string): readonly Judged[];
  readonly isDropping: boolean;
}

/** By what packets are dropped: a rule, or the base chain's policy. */
export interface Drop {
  readonly chain: string;
  /** Undefined where it is the policy. */
  readonly rule: string | undefined;
}

/** How deep chains may lead to chains: NFT_JUMP_STACK_SIZE of include/net/netfilter/nf_tables.h. */
const DEPTH_MAX = 16;

type Fate = "accept" | "end" | Drop;

/**
 * What drops the packets; undefined where they get through for all that is known. Where a rule matches perhaps, `doubt` says
 * whether packets are taken for dropped or for accepted by it.
 */
export function findDrop(chains: Chains, base: string, doubt: "drop" | "accept"): Drop | undefined {
  const fate = fateIn(chains, base, doubt, 0);
  if (typeof fate === "object") return fate;
  return fate === "end" && chains.isDropping ? { chain: base, rule: undefined } : undefined;
}

function fateIn(chains: Chains, chain: string, doubt: "drop" | "accept", depth: number): Fate {
  if (depth > DEPTH_MAX) return "end";
  for (const { matches, action, text } of chains.rulesOf(chain)) {
    if (matches === "no" || action === undefined) continue;
    const counts = (outcome: "drop" | "accept"): boolean => matches === "yes" || doubt === outcome;
    if (action.kind === "drop") {
      if (counts("drop")) return { chain, rule: text() };
    } else if (action.kind === "accept") {
      if (counts("accept")) return "accept";
    } else if (action.kind === "return") {
      if (matches === "yes") return "end";
    } else if ("chain" in action) {
      const fate = fateIn(chains, action.chain, doubt, depth + 1);
      if (typeof fate === "object" && counts("drop")) return fate;
      if (fate === "accept" && counts("accept")) return "accept";
      if (fate === "end" && action.kind === "goto" && matches === "yes") return "end";
    }
  }
  return "end";
}
