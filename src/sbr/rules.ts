// The rules of source based routing among all of a namespace.

import { RTPROT_BAUTA } from "../links/routing-tables.ts";
import type { NewRule, Rule } from "../rtnetlink/rule.ts";
import { compareIp, formatIp, hostPrefix, type Ip, isSingleHost } from "../wire/ip.ts";
import type { SourceRule } from "./records.ts";

/** A rule as ADD makes it. */
export function newRule({ source, table }: SourceRule, priority: number | undefined): NewRule {
  return { source: hostPrefix(source), table, priority, protocol: RTPROT_BAUTA };
}

/** What identifies a rule that is there, for its deletion. */
export function presentRule({ source, table }: SourceRule, { priority, protocol }: Rule): NewRule {
  return { source: hostPrefix(source), table, priority, protocol };
}

/** The address that a rule is for, with its table; undefined of rules that are for more, or have other conditions. */
export function sourceRuleOf({ source, table, isPlain }: Rule): SourceRule | undefined {
  if (!isPlain || source === undefined || !isSingleHost(source)) return undefined;
  return { source: source.ip, table };
}

/** A rule that is there, as source based routing has rules. */
export interface PresentRule extends SourceRule {
  readonly rule: Rule;
}

/** Those for one of these addresses, whether this plugin or upstream's has made them. */
export function rulesFrom(rules: readonly Rule[], sources: readonly Ip[]): PresentRule[] {
  const wanted = new Set(sources.map(formatIp));
  return rules.flatMap((rule) => {
    const found = sourceRuleOf(rule);
    return found !== undefined && wanted.has(formatIp(found.source)) ? [{ ...found, rule }] : [];
  });
}

/** Whether it is ours and not upstream's, a person's or another program's. */
export function isOurs({ rule: { protocol } }: PresentRule): boolean {
  return protocol === RTPROT_BAUTA;
}

export function isSameRule(one: SourceRule, other: SourceRule): boolean {
  return one.table === other.table && compareIp(one.source, other.source) === 0;
}
