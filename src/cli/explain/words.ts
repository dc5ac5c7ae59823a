// An explanation in words, and as an object for programs.

import { POSTROUTING, TABLE } from "../../masquerade/explain.ts";
import { verdictText } from "../../nftables/data.ts";
import { NFT_META } from "../../nftables/expr/meta.ts";
import { NF_NAT_RANGE } from "../../nftables/uapi.ts";
import { compareIp, formatIp } from "../../wire/ip.ts";
import { ruleText } from "../monitor/rule-text.ts";
import { shown } from "../names-text.ts";
import type { Style } from "../terminal-text.ts";
import { type Explanation, sourcesText } from "./explanation.ts";
import { protocolName } from "./packet.ts";
import type { Translation } from "./rule.ts";
import type { Step } from "./walk.ts";

/** What becomes of the packet, in one word. */
export type Verdict = "masquerade" | "snat" | "keep" | "drop" | "unknown" | "local" | "same-link" | "unreachable";

export function verdictOf({ way, walk }: Explanation): Verdict {
  if (way.kind === "none") return "unreachable";
  if (way.kind === "same link") return "same-link";
  if (way.kind === "local") return "local";
  if (walk === undefined) return "keep";
  const { ending } = walk;
  if (ending.kind === "translated") return ending.translation.kind === "dnat" ? "unknown" : ending.translation.kind;
  if (ending.kind === "unknown") return "unknown";
  return ending.kind === "dropped" ? "drop" : "keep";
}

/** The verdict as a sentence, with what it leaves with. */
export function conclusion(explanation: Explanation): string {
  const { packet, way, walk, sources, owner } = explanation;
  const [from, to] = [formatIp(packet.from), formatIp(packet.to)];
  const output = way.output?.name ?? "";
  switch (verdictOf(explanation)) {
    case "unreachable":
      return `It goes nowhere: the node has no way to ${to}`;
    case "local":
      return `It keeps its source: ${to} is the node's own, and what comes to the node is not translated`;
    case "same-link":
      return `It keeps its source: it stays on ${output}, where ${shown(owner).container ?? from} is itself`;
    case "drop":
      return "It is dropped by a rule";
    case "unknown":
      return "What becomes of it cannot be told without the packet itself: --live follows a real one";
    case "keep":
      return `It keeps its source, ${from}: ${reason(explanation)}`;
    case "masquerade":
      if (sources === undefined) return `It is dropped: ${output} has no IPv${packet.family} address to leave with`;
      return `It leaves with the source ${sourcesText(sources)}, the address of ${output}${how(walk?.ending)}`;
    case "snat":
      return `It leaves with the source ${sources === undefined ? "" : sourcesText(sources)}${how(walk?.ending)}`;
  }
}

function how(ending: { readonly translation?: Translation } | { readonly kind: string } | undefined): string {
  const translation = ending !== undefined && "translation" in ending ? ending.translation : undefined;
  if (translation === undefined) return "";
  const { ports, flags, first, last } = translation;
  const range = ports === undefined ? "" : ` from ${ports.first} to ${ports.last}`;
  const texts = [`, and a source port${range} chosen ${randomness(flags)}`];
  if (first !== undefined && last !== undefined && compareIp(first, last) !== 0) {
    const isPersistent = (flags & NF_NAT_RANGE.PERSISTENT) !== 0;
    texts.push(isPersistent ? "; always the same address for this container" : "; one of these for each flow");
  }
  return texts.join("");
}

function randomness(flags: number): string {
  if ((flags & NF_NAT_RANGE.PROTO_RANDOM_FULLY) !== 0) return "at random";
  return (flags & NF_NAT_RANGE.PROTO_RANDOM) !== 0 ? "by a hash with a random offset" : "as its own where that is free";
}

/** Why it keeps its source, in the terms of the options. */
function reason({ walk, way, packet }: Explanation): string {
  if (walk === undefined) return `table ${TABLE} is dormant`;
  if (walk.ending.kind === "no chain")
    return `chain ${POSTROUTING} of table ${TABLE} is missing; an ADD, or bauta restore, makes it`;
  const { decisive } = walk;
  if (decisive === undefined)
    return "it is neither in the set members nor in the map exceptions, so no policy of bauta's applies";
  const { rule, effect } = decisive;
  const set = "found" in effect ? effect.found : undefined;
  const expression = rule.expressions.find(({ kind }) => kind === "lookup" || kind === "cmp");
  const isByInterface = rule.expressions.some((e) => e.kind === "meta" && e.key === NFT_META.OIFNAME);
  if (rule.chain === POSTROUTING) return "packets to a multicast group are not translated";
  if (isByInterface)
    return `what leaves through ${way.output?.name ?? "this interface"} is not translated (outInterfaces, excludeOutInterfaces)`;
  if (set?.set.startsWith("kept-") === true) {
    const range = sourcesText({ first: set.first, last: set.last });
    return `its destination is excluded, by ${range} (exclude, excludeFile or only)`;
  }
  if (expression?.kind === "cmp") return `${formatIp(packet.to)} is in the container's own subnet`;
  return "the rule says so";
}

/** What the rule did, as it stands behind it. */
export function effectText({ effect }: Step): string {
  switch (effect.kind) {
    case "no match":
      return "does not match";
    case "continue":
      return "goes on";
    case "verdict":
      return verdictText(effect.verdict);
    case "translate":
      return "translates";
    case "unknown":
      return `cannot be told (${effect.what})`;
  }
}

/** The whole, as lines without line ends. */
export function asLines(explanation: Explanation, style: Style): string[] {
  const { packet, owner, way, walk, isStrict, effects, interference, policy } = explanation;
  const port = packet.port === undefined ? "" : ` port ${packet.port}`;
  const { network, container, interface: ifname } = shown(owner);
  const gateway = way.gateway === undefined ? "" : ` to ${formatIp(way.gateway)}`;
  const lines = [
    style.bold(
      `The first packet of a flow: ${protocolName(packet.protocol)}, ${formatIp(packet.from)} to ${formatIp(packet.to)}${port}`,
    ),
    `  ${formatIp(packet.from)} is ${ifname ?? "-"} of container ${container ?? "-"} on network ${network ?? "-"}`,
  ];
  if (way.input !== undefined) lines.push(`  it comes in through ${way.input.name}`);
  if (way.kind === "forward") lines.push(`  it leaves through ${way.output?.name ?? "-"}${gateway}`);
  if (policy !== undefined) lines.push(`  its policy is the chain ${policy}`);
  if (isStrict) lines.push("  packets of it that conntrack finds invalid are dropped (dropInvalid)");
  lines.push(...effects.map((effect) => `  ${effect}`));
  if (walk !== undefined) lines.push("", ...ruleLines(walk.steps, walk.decisive, explanation, style));
  lines.push("", style.green(conclusion(explanation)));
  if (interference.length > 0) lines.push("", "Outside bauta's tables:");
  for (const { severity, text } of interference) {
    lines.push(severity === "problem" ? style.red(`  problem: ${text}`) : `  note: ${text}`);
  }
  return lines;
}

function ruleLines(
  steps: readonly Step[],
  decisive: Step | undefined,
  { packet }: Explanation,
  style: Style,
): string[] {
  const lines: string[] = [];
  const texts = steps.map(({ rule }) => ruleText(rule.expressions));
  const width = texts.reduce((most, text) => Math.max(most, text.length), 0);
  let chain: string | undefined;
  steps.forEach((step, i) => {
    if (step.rule.chain !== chain) {
      chain = step.rule.chain;
      lines.push(`  table ${packet.family === 4 ? "ip" : "ip6"} ${TABLE}, chain ${chain}`);
    }
    const line = `    ${(texts[i] ?? "").padEnd(width)}  ${effectText(step)}`;
    lines.push(step === decisive ? style.bold(`${line}  <- decides`) : line);
  });
  return lines;
}

/** For --json. */
export function asObject(explanation: Explanation): object {
  const { packet, owner, way, walk, policy, sources, interference, isStrict, effects } = explanation;
  const { network, container, interface: ifname } = shown(owner);
  const translation = walk?.ending.kind === "translated" ? walk.ending.translation : undefined;
  const decisive = walk?.decisive;
  return {
    from: formatIp(packet.from),
    to: formatIp(packet.to),
    proto: protocolName(packet.protocol),
    port: packet.port ?? null,
    network: network ?? null,
    container: container ?? null,
    interface: ifname ?? null,
    in: way.input?.name ?? null,
    out: way.output?.name ?? null,
    gateway: way.gateway === undefined ? null : formatIp(way.gateway),
    policy: policy ?? null,
    dropInvalid: isStrict,
    verdict: verdictOf(explanation),
    text: conclusion(explanation),
    source: sources === undefined ? null : { first: formatIp(sources.first), last: formatIp(sources.last) },
    ports: translation?.ports ?? null,
    rules: (walk?.steps ?? []).map((step) => ({
      chain: step.rule.chain,
      handle: Number(step.rule.handle),
      rule: ruleText(step.rule.expressions),
      effect: effectText(step),
      decides: step === decisive,
    })),
    effects,
    interference,
    live: null,
  };
}
