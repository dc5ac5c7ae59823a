// Rules that other programs have made: whose packets they are about.

import { NFT_CMP } from "../nftables/expr/cmp.ts";
import { NFT_PAYLOAD } from "../nftables/expr/payload.ts";
import type { Expression } from "../nftables/expression.ts";
import type { Cidr, Family } from "../wire/ip.ts";

/** struct iphdr and struct ipv6hdr: where the addresses stand. */
const SADDR = { 4: { offset: 12, length: 4 }, 6: { offset: 8, length: 16 } } as const;
const DADDR = { 4: { offset: 16, length: 4 }, 6: { offset: 24, length: 16 } } as const;

/**
 * The address that `ip saddr 10.22.0.5` asks for; of `ip saddr 10.22.0.0/16`, which loads only the bytes that count, the
 * prefix. Undefined where the rule asks for none, or for one whose prefix ends within a byte.
 */
export function sourceOf(expressions: readonly Expression[], family: Family): Cidr | undefined {
  return comparedAt(expressions, SADDR[family]);
}

/** The same of `ip daddr`. */
export function destinationOf(expressions: readonly Expression[], family: Family): Cidr | undefined {
  return comparedAt(expressions, DADDR[family]);
}

function comparedAt(
  expressions: readonly Expression[],
  { offset, length }: { readonly offset: number; readonly length: number },
): Cidr | undefined {
  for (const [i, load] of expressions.entries()) {
    if (load.kind !== "payload" || load.base !== NFT_PAYLOAD.NETWORK_HEADER || load.offset !== offset) continue;
    const compare = expressions[i + 1];
    if (compare?.kind !== "cmp" || compare.op !== NFT_CMP.EQ || !(compare.data instanceof Uint8Array)) continue;
    if (compare.data.length > length) continue;
    const ip = new Uint8Array(length);
    ip.set(compare.data);
    return { ip, prefixLength: compare.data.length * 8 };
  }
  return undefined;
}
