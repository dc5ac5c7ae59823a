// ADD: the tables, the rules that lead to them, and then the main table without what is in them. In this order a packet finds
// a route at any time.

import type { Attachment } from "../cni/attachment.ts";
import type { IpConfig } from "../cni/result.ts";
import { requireContainerLink } from "../links/container-link.ts";
import { isRecordedNetns, type LockedNetns, withLockedNetns } from "../links/namespaces.ts";
import { copiesTo, executeUnlessDone, FreeTables, RTPROT_BAUTA, routesThrough } from "../links/routing-tables.ts";
import type { Connection } from "../netlink/connection.ts";
import type { Request } from "../netlink/message.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import { deleteRoute, type Route, replaceRoute } from "../rtnetlink/route.ts";
import { addRule, deleteRule, listRules, type Rule } from "../rtnetlink/rule.ts";
import { netnsIdOf } from "../sys/netns-id.ts";
import { familyOf } from "../wire/ip.ts";
import { hintsOf, leaving, missingDefault, routesFor } from "./plan.ts";
import { records, type SourceRule } from "./records.ts";
import { isOurs, isSameRule, newRule, presentRule, rulesFrom } from "./rules.ts";
import type { Wanted } from "./wanted.ts";

/** As upstream: what is below is for people. */
const FIRST_TABLE = 100;

/**
 * Puts the addresses' routing into force; what is there of an earlier ADD is used or replaced. Throws CniError 7 where the
 * container has no such interface, NetlinkError, or SyscallError.
 */
export function addRouting(attachment: Attachment, wanted: Wanted): void {
  withLockedNetns(wanted.netns, (namespace) => {
    const { container } = namespace;
    const link = requireContainerLink(getBriefLink(container, attachment.ifname), attachment.ifname);
    const rules = listRules(container);
    const targets = chooseTables(container, rules, wanted);
    const stale = staleRules(attachment, namespace, rules, targets, wanted);
    record(attachment, namespace, targets, wanted);
    const missing = targets.filter(({ rule }) => rule === undefined);
    const ruleRequests = [
      ...missing.map((target) => addRule(newRule(target, wanted.priority))),
      ...stale.map((rule) => deleteRule(presentRule(rule, rule.rule))),
    ];
    if (wanted.table !== undefined) {
      executeUnlessDone(container, ruleRequests, "EEXIST");
      return;
    }
    const through = routesThrough(container, link);
    const main = through.map(({ own }) => own);
    const filled = targets.flatMap((target) => fill(container, link, target, main, wanted));
    executeUnlessDone(container, [...filled, ...ruleRequests], "EEXIST");
    const hints = wanted.addSourceHints ? hintsOf(wanted, main, link).map(replaceRoute) : [];
    // The kernel may have taken a route away meanwhile, with an address or a next hop.
    const withdrawals = leaving(through, wanted).map(({ withdrawal }) => withdrawal);
    executeUnlessDone(container, [...hints, ...withdrawals], "ESRCH");
  });
}

/** An address, and the table of its routes. */
interface Target extends SourceRule {
  readonly address: IpConfig;
  /** The rule that leads there; undefined where it is still to be made. */
  readonly rule: Rule | undefined;
}

/** The table that a rule of ours leads to, or a free one for each address. */
function chooseTables(container: Connection, rules: readonly Rule[], { addresses, table, priority }: Wanted): Target[] {
  const present = rulesFrom(
    rules,
    addresses.map(({ ip }) => ip),
  ).filter((one) => isOurs(one) && (table === undefined || one.table === table));
  let free: FreeTables | undefined;
  let next = FIRST_TABLE;
  return addresses.map((address) => {
    const source = address.ip;
    const there = present.find((one) => isSameRule(one, { source, table: one.table }));
    const isAsWanted = priority === undefined || there?.rule.priority === priority;
    if (there !== undefined) return { address, source, table: there.table, rule: isAsWanted ? there.rule : undefined };
    if (table !== undefined) return { address, source, table, rule: undefined };
    free ??= new FreeTables(container, rules);
    next = free.take(next);
    return { address, source, table: next, rule: undefined };
  });
}

/** Rules of ours from an earlier ADD of the attachment which this ADD has no use for. */
function staleRules(
  attachment: Attachment,
  { netns }: LockedNetns,
  rules: readonly Rule[],
  targets: readonly Target[],
  { addresses }: Wanted,
): ReturnType<typeof rulesFrom> {
  const before = records.read(attachment);
  const earlier =
    before !== undefined && isRecordedNetns(netns, before) ? before.rules.map(({ source }) => source) : [];
  const sources = [...earlier, ...addresses.map(({ ip }) => ip)];
  return rulesFrom(rules, sources).filter((one) => isOurs(one) && !targets.some(({ rule }) => rule === one.rule));
}

function record(
  attachment: Attachment,
  { netns, path }: LockedNetns,
  targets: readonly Target[],
  { table, priority }: Wanted,
): void {
  records.write({
    attachment,
    rules: targets.map(({ source, table: chosen }) => ({ source, table: chosen })),
    ownsTables: table === undefined,
    ...(priority === undefined ? {} : { priority }),
    netns: path,
    containerNetns: netnsIdOf(netns),
  });
}

/** Requests that give an address's table what it lacks. A table that a rule of ours leads to has routes already. */
function fill(
  container: Connection,
  link: BriefLink,
  { address, table, rule }: Target,
  main: readonly Route[],
  wanted: Wanted,
): Request[] {
  const there = rule === undefined ? [] : tableRoutes(container, link, table, address);
  const moved = routesFor(address, main, wanted);
  const kept = there.filter(({ protocol }) => protocol !== RTPROT_BAUTA);
  const own = missingDefault(address, [...moved, ...kept], link, wanted);
  const outdated = there.filter(({ protocol }) => protocol === RTPROT_BAUTA);
  return [
    ...copiesTo(table, moved),
    ...(own === undefined ? outdated.map(deleteRoute) : [replaceRoute({ ...own, table })]),
  ];
}

function tableRoutes(container: Connection, link: BriefLink, table: number, { ip }: IpConfig): Route[] {
  return routesThrough(container, link, { table, families: [familyOf(ip)] }).map(({ own }) => own);
}
