// The explanation of a packet to a published port in words, and as an object for programs.

import { familyName } from "../../nftables/message.ts";
import { TABLE } from "../../portmap/table-names.ts";
import { formatIp } from "../../wire/ip.ts";
import { ruleText } from "../monitor/rule-text.ts";
import { shown } from "../names-text.ts";
import type { Style } from "../terminal-text.ts";
import { protocolName } from "./packet.ts";
import { type PublishedExplanation, targetText } from "./published.ts";
import type { Step, Walk } from "./walk.ts";
import { effectText } from "./words.ts";

/** Where it is led, and with which source it arrives, as a sentence. */
export function publishedConclusion(explanation: PublishedExplanation): string {
  const { packet, source, from, way, owner } = explanation;
  const to = `It is led to ${targetText(explanation)}${owner === undefined ? "" : `, ${nameText(explanation)}`}`;
  if (from === undefined) return `${to}, but no route leads there`;
  if (source === undefined) return `${to}; which source it arrives with cannot be told`;
  const isKept = from.ending.kind === "kept";
  return isKept
    ? `${to}, with its own source ${formatIp(packet.from)}`
    : `${to}, with the source ${formatIp(source)}, the address of ${way.output?.name ?? "-"}`;
}

function nameText({ owner }: PublishedExplanation): string {
  if (owner === undefined) return "";
  const { network, container, interface: ifname } = shown(owner);
  return `${ifname ?? "-"} of container ${container ?? "-"} on network ${network ?? "-"}`;
}

/** The whole, as lines without line ends. */
export function publishedLines(explanation: PublishedExplanation, style: Style): string[] {
  const { packet, to, from, effects } = explanation;
  const way = `${formatIp(packet.from)} to ${formatIp(packet.to)} port ${packet.port}`;
  return [
    style.bold(`The first packet of a flow: ${protocolName(packet.protocol)}, ${way}`),
    "",
    ...walkLines(to, style),
    ...(from === undefined ? [] : walkLines(from, style)),
    "",
    ...effects.map((effect) => `  ${effect}`),
    style.green(publishedConclusion(explanation)),
  ];
}

function walkLines({ steps, decisive }: Walk, style: Style): string[] {
  const texts = steps.map(({ rule }) => ruleText(rule.expressions));
  const width = texts.reduce((most, text) => Math.max(most, text.length), 0);
  return steps.flatMap((step, i) => {
    const { chain, family } = step.rule;
    const head = chain === steps[i - 1]?.rule.chain ? [] : [`  table ${familyName(family)} ${TABLE}, chain ${chain}`];
    const line = `    ${(texts[i] ?? "").padEnd(width)}  ${effectText(step)}`;
    return [...head, step === decisive ? style.bold(`${line}  <- decides`) : line];
  });
}

/** For --json. */
export function publishedObject(explanation: PublishedExplanation): object {
  const { packet, owner, container, port, source, way, to, from, effects } = explanation;
  const name = owner === undefined ? undefined : shown(owner);
  const rules = (walk: Walk): object[] => walk.steps.map((step) => ruleObject(step, step === walk.decisive));
  return {
    from: formatIp(packet.from),
    to: formatIp(packet.to),
    proto: protocolName(packet.protocol),
    port: packet.port ?? null,
    network: name?.network ?? null,
    container: name?.container ?? null,
    interface: name?.interface ?? null,
    out: way.output?.name ?? null,
    verdict: "published",
    text: publishedConclusion(explanation),
    target: { address: formatIp(container), port },
    source: source === undefined ? null : { first: formatIp(source), last: formatIp(source) },
    rules: [...rules(to), ...(from === undefined ? [] : rules(from))],
    effects,
    live: null,
  };
}

function ruleObject(step: Step, decides: boolean): object {
  const { chain, handle, expressions } = step.rule;
  return { chain, handle: Number(handle), rule: ruleText(expressions), effect: effectText(step), decides };
}
