// A packet's way through the rules of a table, from a base chain on.

import { getChain } from "../../nftables/chain.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { listRules, type Rule } from "../../nftables/rule.ts";
import { NF, NFT_VERDICT } from "../../nftables/uapi.ts";
import type { Packet } from "./packet.ts";
import { applyRule, type Effect, type Translation } from "./rule.ts";
import { kernelSets } from "./sets.ts";

/** A rule that the packet came to, and what it did. */
export interface Step {
  readonly rule: Rule;
  readonly effect: Effect;
}

/** How it ends. `translated` and `dropped` by the last step, `kept` by it or by the chain's policy. */
export type Ending =
  | { readonly kind: "translated"; readonly translation: Translation }
  | { readonly kind: "kept" | "dropped" | "unknown" | "no chain" };

export interface Walk {
  readonly steps: readonly Step[];
  readonly ending: Ending;
  /** The step that decided; undefined where it was the base chain's policy. */
  readonly decisive: Step | undefined;
}

/** Rules are as many as one likes, but a packet that meets more than these is going in circles. */
const STEPS_MAX = 4096;

/** Follows the packet. Rules, sets and chains are asked for one by one, so it is not for many. Throws NetlinkError. */
export function walk(nft: Nftables, packet: Packet, base: { family: number; table: string; chain: string }): Walk {
  const { family, table } = base;
  const sets = kernelSets(nft, family, table);
  const steps: Step[] = [];
  const policy = getChain(nft.connection, { family, table, name: base.chain })?.policy;
  if (policy === undefined) return { steps, ending: { kind: "no chain" }, decisive: undefined };
  const rulesOf = (chain: string): Rule[] => listRules(nft.connection, { family, table, chain });
  /** Where to go on when a chain has been gone through, the innermost last. */
  const callers: (readonly Rule[])[] = [];
  let rest: readonly Rule[] = rulesOf(base.chain);
  let turn: Step | undefined;
  const end = (kind: "kept" | "dropped" | "unknown", decisive: Step | undefined): Walk => {
    return { steps, ending: { kind }, decisive };
  };
  for (;;) {
    const [rule, ...after] = rest;
    if (rule === undefined) {
      const caller = callers.pop();
      if (caller === undefined) return end(policy === NF.DROP ? "dropped" : "kept", turn);
      rest = caller;
      continue;
    }
    const effect = applyRule(rule.expressions, packet, sets);
    const step = { rule, effect };
    steps.push(step);
    rest = after;
    if (effect.kind === "unknown" || steps.length > STEPS_MAX) return end("unknown", step);
    if (effect.kind === "translate")
      return { steps, ending: { kind: "translated", translation: effect.translation }, decisive: step };
    if (effect.kind !== "verdict") continue;
    const { code, chain = "" } = effect.verdict;
    turn = step;
    if (code === NF.DROP) return end("dropped", step);
    if (code === NF.ACCEPT) return end("kept", step);
    if (code === NFT_VERDICT.JUMP) callers.push(rest);
    if (code === NFT_VERDICT.JUMP || code === NFT_VERDICT.GOTO) rest = rulesOf(chain);
    else if (code === NFT_VERDICT.RETURN) rest = [];
  }
}
