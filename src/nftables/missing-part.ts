// nf_tables is made of modules. One that the kernel can't load comes to ENOENT, as if somebody had removed a table.

import { NetlinkError } from "../netlink/error.ts";
import type { Expression } from "./expression.ts";
import { NFPROTO } from "./uapi.ts";

/** The kinds of expression that every kernel's nf_tables has in itself: nft_basic_types of nf_tables_core.c. */
const BUILT_IN: ReadonlySet<string> = new Set([
  "bitwise",
  "byteorder",
  "cmp",
  "dynset",
  "exthdr",
  "immediate",
  "lookup",
  "meta",
  "payload",
  "range",
  "rt",
]);

/**
 * The modules that the kernel may have to load for these expressions, in their order. nft_counter is a part of nf_tables
 * from Linux 5.17 on, nft_objref from 6.2 on.
 */
export function modulesOf(family: number, expressions: readonly Expression[]): string[] {
  const modules = expressions.flatMap((e) => {
    const kind = e.kind === "unknown" ? e.name : e.kind;
    if (kind === "meta" && family === NFPROTO.BRIDGE) return ["nft_meta_bridge"];
    return kind === undefined || BUILT_IN.has(kind) ? [] : [`nft_${kind}`];
  });
  return [...new Set(modules)];
}

/**
 * The kernel has nf_tables, but not all of it that a transaction takes. To try again is of no use, and takes long: the
 * kernel looks for the module each time. That is why this has no `code`.
 */
export class MissingPartError extends Error {
  override readonly name: string = "MissingPartError";
}

/**
 * The kernel's no to a command of a transaction that took place on the very rule set that it was made for: where that
 * means that a module is missing, an error that says so, otherwise the same.
 */
export function asMissingPart(error: unknown): unknown {
  if (!(error instanceof NetlinkError) || error.code !== "ENOENT" || error.modules.length === 0) return error;
  const names = error.modules.join(" or ");
  return new MissingPartError(
    `${error.message}: the kernel lacks a part of nf_tables, which may be the module ${names}`,
  );
}
