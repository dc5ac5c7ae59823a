// Letting packets through by iptables, in one of its two forms or in the one that the node has chosen.

import { undisturbed } from "../../iptables/again.ts";
import { hasLegacyTable, includes, legacyTableBytes } from "../../iptables/legacy-table.ts";
import { type Form, restoreTable, saveTable } from "../../iptables/program.ts";
import { destinationOf, sourceOf } from "../../iptables/rule-source.ts";
import { haveChains } from "../../nftables/chain.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { deleteRule, listRules, type Rule } from "../../nftables/rule.ts";
import { NF, nfproto } from "../../nftables/uapi.ts";
import { engine } from "../../sys/engine.ts";
import { hasCode } from "../../sys/error.ts";
import { byFamily, type Family, formatIp, type Ip, isSingleHost } from "../../wire/ip.ts";
import { CNI_FORWARD } from "./upstream-chains.ts";
import { type Admitted, missingLines, missingRules, removalLines } from "./upstream-rules.ts";

const TABLE = "filter";

/** How often a removal is begun again because another program's came in between. */
const ATTEMPTS = 20;

/** Makes upstream's rules for the addresses, as far as they are missing. Throws IptablesError or SyscallError. */
export function admitByIptables(admitted: readonly Admitted[], form: Form): void {
  for (const [family, own] of byFamily(admitted)) {
    let seen = "";
    undisturbed(
      () => {
        seen = saveTable(TABLE, family, form);
        const lines = missingLines(seen, own);
        if (lines.length > 0) restoreTable(TABLE, family, lines, form);
      },
      () => withoutCounters(seen) !== withoutCounters(saveTable(TABLE, family, form)),
    );
  }
}

/** The times in comments, and the counters of policies, change by themselves. */
function withoutCounters(text: string): string {
  return text.replace(/^#.*$/gm, "").replace(/\[\d+:\d+\]$/gm, "");
}

/** What is missing of upstream's rules, as phrases. Throws IptablesError or SyscallError. */
export function iptablesFaults(admitted: readonly Admitted[], form: Form): string[] {
  return byFamily(admitted).flatMap(([family, own]) => {
    const program = family === 4 ? "iptables" : "ip6tables";
    return missingRules(saveTable(TABLE, family, form), own).map((text) => `${program}: ${text}`);
  });
}

/**
 * Takes upstream's rules for the addresses out of both forms of iptables. In nf_tables that takes no program of iptables', in
 * legacy it does where there is such a chain. Throws NetlinkError, IptablesError or SyscallError.
 */
export function dismissFromIptables(nft: Nftables | undefined, addresses: readonly Ip[]): void {
  for (const [family, own] of byFamily(addresses.map((ip) => ({ ip })))) {
    const ips = own.map(({ ip }) => ip);
    if (nft !== undefined) dismissFromNft(nft, family, ips);
    dismissFromLegacy(family, ips);
  }
}

function dismissFromNft(nft: Nftables, family: Family, addresses: readonly Ip[]): void {
  const chain = { family: nfproto(family), table: TABLE, name: CNI_FORWARD, chain: CNI_FORWARD };
  if (!haveChains(nft.connection, [chain])) return;
  const wanted = new Set(addresses.map(formatIp));
  for (let attempt = 1; ; attempt++) {
    const own = listRules(nft.connection, chain).filter((rule) => isFor(rule, family, wanted));
    try {
      nft.commit(own.map(({ handle }) => deleteRule({ ...chain, handle })));
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !hasCode(error, "ENOENT")) throw error;
    }
  }
}

/** Whether the rule accepts packets from or to one of the addresses. */
function isFor({ expressions }: Rule, family: Family, wanted: ReadonlySet<string>): boolean {
  const last = expressions.at(-1);
  if (last?.kind !== "immediate" || last.data === undefined || last.data instanceof Uint8Array) return false;
  const cidr = sourceOf(expressions, family) ?? destinationOf(expressions, family);
  if (cidr === undefined || last.data.code !== NF.ACCEPT) return false;
  return isSingleHost(cidr) && wanted.has(formatIp(cidr.ip));
}

function dismissFromLegacy(family: Family, addresses: readonly Ip[]): void {
  if (!hasLegacyTable(TABLE, family)) return;
  if (!includes(legacyTableBytes(TABLE, family), engine.encode(`${CNI_FORWARD}\0`))) return;
  let lines: string[] = [];
  undisturbed(
    () => {
      lines = removalLines(saveTable(TABLE, family, "legacy"), addresses);
      if (lines.length > 0) restoreTable(TABLE, family, lines, "legacy");
    },
    () => removalLines(saveTable(TABLE, family, "legacy"), addresses).join() !== lines.join(),
  );
}
