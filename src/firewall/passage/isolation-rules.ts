// The rules by which containernetworking/plugins' firewall isolates bridges, as words of iptables-restore(8): table filter. What comes
// in by an isolated bridge and leaves by another interface goes on to the second chain, which drops what leaves by an isolated
// bridge.

import type { NatListing } from "../../iptables/listing.ts";
import { hasRule, lineOf, type RuleWords, sameRule, wordAfter } from "../../iptables/rule.ts";
import type { IsolatingPolicy } from "../wanted.ts";
import { commented, FORWARD, LEAD, STAGES } from "./upstream-chains.ts";

/** A bridge, and the policies of the networks on it that isolate. */
export interface Isolation {
  readonly bridge: string;
  readonly policies: readonly IsolatingPolicy[];
}

const [STAGE_1, STAGE_2] = STAGES;

const about = (policy: string): string[] => commented(`CNI firewall plugin rules (ingressPolicy: ${policy})`);

const FOR_BOTH = about("same-bridge|isolated");
const ENTRY: RuleWords = [...FOR_BOTH, "-j", STAGE_1];
const RETURN: RuleWords = [...FOR_BOTH, "-j", "RETURN"];

/** A rule that goes before the others of its chain. */
interface PlacedRule {
  readonly chain: (typeof STAGES)[number];
  readonly rule: RuleWords;
}

/** What the chains have for a bridge, in the order in which upstream's plugin inserts them. */
function rulesOf({ bridge, policies }: Isolation): PlacedRule[] {
  if (policies.length === 0) return [];
  const toOthers = (policy: string): PlacedRule => {
    return { chain: STAGE_1, rule: ["-i", bridge, "!", "-o", bridge, ...about(policy), "-j", STAGE_2] };
  };
  const toItself: RuleWords = ["-i", bridge, "-o", bridge, ...about("isolated"), "-j", "DROP"];
  return [
    ...policies.map(toOthers),
    ...(policies.includes("isolated") ? [{ chain: STAGE_1, rule: toItself }] : []),
    { chain: STAGE_2, rule: ["-o", bridge, ...FOR_BOTH, "-j", "DROP"] },
  ];
}

/** What a listing of the table lacks, as lines, each once; to be carried out behind those of missingLines. */
export function missingIsolation(listing: NatListing, isolations: readonly Isolation[]): string[] {
  const rules = isolations.flatMap(rulesOf);
  if (rules.length === 0) return [];
  const isMissing = ({ chain, rule }: PlacedRule): boolean => !hasRule(listing.get(chain), rule);
  return [
    ...STAGES.filter((chain) => !listing.has(chain)).map((chain) => `-N ${chain}`),
    ...entryLines(listing.get(FORWARD) ?? []),
    ...distinct(rules.filter(isMissing).map(({ chain, rule }) => lineOf(["-I", chain, "1", ...rule]))),
    ...STAGES.filter((chain) => !hasRule(listing.get(chain), RETURN)).map((chain) => lineOf(["-A", chain, ...RETURN])),
  ];
}

/** Each of them once: networks on one bridge have rules in common. */
const distinct = (lines: readonly string[]): string[] => [...new Set(lines)];

/** What CNI-FORWARD accepts never comes to a later rule. */
function entryLines(forward: readonly RuleWords[]): string[] {
  const at = forward.findIndex((rule) => sameRule(rule, ENTRY));
  const lead = forward.findIndex((rule) => sameRule(rule, LEAD));
  if (at >= 0 && at < lead) return [];
  return [...(at < 0 ? [] : [lineOf(["-D", FORWARD, ...ENTRY])]), lineOf(["-I", FORWARD, "1", ...ENTRY])];
}

/** The rules of a listing that isolate this bridge otherwise than so, each with its chain. */
export function surplusIsolation(listing: NatListing, isolation: Isolation): PlacedRule[] {
  const wanted = rulesOf(isolation);
  return STAGES.flatMap((chain) =>
    (listing.get(chain) ?? [])
      .filter((rule) => bridgeOf(rule) === isolation.bridge)
      .filter((rule) => !wanted.some((one) => one.chain === chain && sameRule(one.rule, rule)))
      .map((rule) => ({ chain, rule })),
  );
}

/** The bridge that a rule of these chains is about; undefined where it is not of upstream's making. */
export function bridgeOf(rule: RuleWords): string | undefined {
  if (wordAfter(rule, "--comment")?.includes("(ingressPolicy: ") !== true) return undefined;
  return wordAfter(rule, "-i") ?? wordAfter(rule, "-o");
}
