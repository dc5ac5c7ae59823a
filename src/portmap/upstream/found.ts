// What containernetworking/plugins publish on this node, by either of their back ends, for `bauta adopt`.

import type { NatTable } from "../../iptables/nat-table.ts";
import { natTablesOf } from "../../iptables/nat-tables.ts";
import { type RuleWords, wordAfter } from "../../iptables/rule.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import type { Rule } from "../../nftables/rule.ts";
import { FAMILIES, type Family, formatIp, type Ip } from "../../wire/ip.ts";
import { DNAT, DNAT_CHAINS, dnatChainOf, parseComment, SETMARK } from "../iptables/names.ts";
import { publicationsIn } from "../iptables/plan.ts";
import { records as iptablesRecords } from "../iptables/records.ts";
import type { PortMapping } from "../mapping.ts";
import type { RuleOwner } from "./owners.ts";
import { hasConditions, readUpstreamRules } from "./rules.ts";

/** What one of a container's addresses has. */
export interface Found {
  readonly owner: RuleOwner;
  readonly address: Ip;
  readonly mappings: readonly PortMapping[];
  /** Whether sources are translated for it. */
  readonly snat: boolean;
  readonly masqAll: boolean;
  /** What is to go: rules of nf_tables, or a chain of iptables. */
  readonly rules: readonly Rule[];
  readonly chain?: { readonly table: NatTable; readonly name: string };
}

/** All that can be moved, and phrases about what cannot. Throws NetlinkError, SyscallError or IptablesError. */
export function findUpstream(nft: Nftables): { readonly found: readonly Found[]; readonly left: readonly string[] } {
  const [found, left]: [Found[], string[]] = [[], []];
  for (const family of FAMILIES) {
    if (hasConditions(nft.connection, family)) {
      left.push(`table ${family === 4 ? "ip" : "ip6"} cni_hostport has conditions, and it does not tell whose`);
    } else found.push(...byNftables(nft, family));
    for (const table of natTablesOf(nft, family, DNAT_CHAINS)) {
      const inTable = byIptables(table);
      found.push(...inTable.found);
      left.push(...inTable.left);
    }
  }
  return { found, left };
}

function byNftables(nft: Nftables, family: Family): Found[] {
  const groups = new Map<string, { address: Ip; containerId: string; mappings: PortMapping[]; rules: Rule[] }>();
  const [translated, everyone] = [new Set<string>(), new Set<string>()];
  for (const { rule, container, mapping, isForAll } of readUpstreamRules(nft.connection, family)) {
    const { comment: containerId } = rule;
    if (container === undefined || containerId === undefined) continue;
    const key = `${containerId} ${formatIp(container)}`;
    const group = groups.get(key) ?? { address: container, containerId, mappings: [], rules: [] };
    groups.set(key, group);
    group.rules.push(rule);
    if (mapping !== undefined) group.mappings.push(mapping);
    else (isForAll ? everyone : translated).add(key);
  }
  return [...groups].map(([key, { address, containerId, mappings, rules }]) => {
    const masqAll = everyone.has(key);
    const owner = { containerId, network: undefined };
    return { owner, address, mappings, rules, snat: masqAll || translated.has(key), masqAll };
  });
}

function byIptables(table: NatTable): { readonly found: readonly Found[]; readonly left: readonly string[] } {
  const own = new Set(iptablesRecords.listLive().map(({ record }) => dnatChainOf(record.attachment)));
  if (!table.jumps().some(({ chain }) => !own.has(chain))) return { found: [], left: [] };
  const [found, left]: [Found[], string[]] = [[], []];
  const listing = table.list();
  const jumps = listing.get(DNAT) ?? [];
  for (const name of new Set(jumps.flatMap((jump) => wordAfter(jump, "-j") ?? []))) {
    if (own.has(name) || !DNAT_CHAINS.includes(name)) continue;
    const leading = jumps.filter((jump) => wordAfter(jump, "-j") === name);
    const owner = parseComment(wordAfter(leading[0] ?? [], "--comment") ?? "");
    const rules = listing.get(name) ?? [];
    if (owner === undefined) left.push(`chain ${name}: the comment does not name its container`);
    else if (leading.some(isConditional)) left.push(`chain ${name}: it has conditions in the words of iptables`);
    else if (rules.some(marksElsewhere)) left.push(`chain ${name}: packets are marked by a chain of somebody else's`);
    else {
      const marks = rules.filter((rule) => wordAfter(rule, "-j") === SETMARK);
      const masqAll = marks.some((rule) => wordAfter(rule, "-s") === undefined);
      for (const { containers, mappings } of publicationsIn(rules)) {
        const address = containers[0]?.ip;
        if (address === undefined) continue;
        found.push({ owner, address, mappings, snat: marks.length > 0, masqAll, rules: [], chain: { table, name } });
      }
    }
  }
  return { found, left };
}

/** `-p tcp -m comment --comment … -m multiport --dports … -j …`: so many words has a rule without conditions. */
const PLAIN_JUMP = 12;

const isConditional = (jump: RuleWords): boolean => jump.length !== PLAIN_JUMP;

function marksElsewhere(rule: RuleWords): boolean {
  const target = wordAfter(rule, "-j");
  return target !== "DNAT" && target !== SETMARK;
}
