// Extensions of iptables inside rules of nf_tables: include/uapi/linux/netfilter/nf_tables_compat.h.

import type { Expression } from "../nftables/expression.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { bytes, cstring } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";

/** NFTA_MATCH_… and NFTA_TARGET_…, which have the same numbers. `info` is the extension's own struct. */
const extension = attrs({ name: attr(1, cstring), info: attr(3, bytes) });

/** An extension in a rule: `-m NAME` or `-j NAME`. */
export interface Extension {
  readonly kind: "match" | "target";
  readonly name: string;
  readonly info: Uint8Array;
}

/** The extension that an expression is; undefined where it is none. */
export function extensionOf(expression: Expression): Extension | undefined {
  if (expression.kind !== "unknown" || expression.data === undefined) return undefined;
  const { name: kind } = expression;
  if (kind !== "match" && kind !== "target") return undefined;
  try {
    const { name, info } = extension.decode(expression.data);
    return name === undefined || info === undefined ? undefined : { kind, name, info };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
