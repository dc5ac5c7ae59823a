// The nat table of iptables-nft, which is a table of nf_tables: seen and changed without a program of iptables'.

import { deleteChain, haveChains } from "../nftables/chain.ts";
import type { Expression } from "../nftables/expression.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { deleteRule, flushChain, listRules, type Rule } from "../nftables/rule.ts";
import { getTable } from "../nftables/table.ts";
import { NFT_VERDICT, nfproto } from "../nftables/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { cstring } from "../wire/codec.ts";
import type { Family } from "../wire/ip.ts";
import { extensionOf } from "./compat.ts";
import { POSTROUTING, readListing } from "./listing.ts";
import type { Jump, NatTable, OwnChains, Removal } from "./nat-table.ts";
import { saveNat } from "./program.ts";
import { sourceOf } from "./rule-source.ts";

const TABLE = "nat";

/** How often a removal is begun again because another program's came in between. */
const ATTEMPTS = 20;

/** The family's table, with these chains in view; undefined where there is none, or no nf_tables. Throws NetlinkError. */
export function nftNatTable(nft: Nftables, family: Family, own: OwnChains): NatTable | undefined {
  const protocol = nfproto(family);
  if (!isPresent(nft, protocol)) return undefined;
  const named = (chain: string) => ({ family: protocol, table: TABLE, name: chain, chain });
  const rules = named(own.from ?? POSTROUTING);
  const hasChain = (chain: string): boolean => haveChains(nft.connection, [named(chain)]);
  const listJumps = (): Map<Jump, bigint> =>
    new Map(listRules(nft.connection, rules).flatMap((rule): [Jump, bigint][] => jumpOf(rule, family, own)));
  return {
    family,
    hasChain,
    jumps: () => [...listJumps().keys()],
    list: () => readListing(saveNat(family, "nft")),
    mayHaveChains: () => true,
    mayHaveJumps: () => listJumps().size > 0,
    remove(choose) {
      for (let attempt = 1; ; attempt++) {
        const handles = listJumps();
        const { jumps, chains }: Removal = choose([...handles.keys()]);
        try {
          nft.commit([
            ...jumps.map((jump) => deleteRule({ ...rules, handle: handles.get(jump) ?? 0n })),
            ...chains.filter(hasChain).flatMap((chain) => [flushChain(named(chain)), deleteChain(named(chain))]),
          ]);
          return;
        } catch (error) {
          if (attempt === ATTEMPTS || !hasCode(error, "ENOENT", "EBUSY")) throw error;
        }
      }
    },
  };
}

function isPresent(nft: Nftables, family: number): boolean {
  try {
    return getTable(nft.connection, { family, name: TABLE }) !== undefined;
  } catch (error) {
    if (hasCode(error, "EINVAL", "EOPNOTSUPP")) return false; // net/netfilter/nfnetlink.c: no such subsystem
    throw error;
  }
}

function jumpOf({ expressions, handle, comment }: Rule, family: Family, own: OwnChains): [Jump, bigint][] {
  const last = expressions.at(-1);
  if (last?.kind !== "immediate" || last.data === undefined || last.data instanceof Uint8Array) return [];
  const { code, chain } = last.data;
  if (chain === undefined || (code !== NFT_VERDICT.JUMP && code !== NFT_VERDICT.GOTO) || !own.includes(chain))
    return [];
  const source = sourceOf(expressions, family);
  return [[{ chain, source, comment: comment ?? matchedComment(expressions) }, handle]];
}

/** The text of `-m comment --comment …`: struct xt_comment_info is nothing but that, up to a NUL. */
function matchedComment(expressions: readonly Expression[]): string | undefined {
  for (const expression of expressions) {
    const found = extensionOf(expression);
    if (found?.kind === "match" && found.name === "comment") return cstring.decode(found.info);
  }
  return undefined;
}
