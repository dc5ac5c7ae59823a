// nf_tables is made of modules. One that the kernel can't load comes to ENOENT, as if somebody had removed a table.

import { NetlinkError } from "../netlink/error.ts";

/** What takes a module that a kernel may come without. nft_counter is always there from Linux 5.17 on. */
const modules = (): readonly (readonly [RegExp, string])[] => [
  [/^(add|create) chain /, "nft_chain_nat"],
  [/^(add|create) (map|set) /, "nft_counter"],
  [/^add rule bridge /, "nft_meta_bridge or nft_counter"],
  [/^(add|insert) rule /, "nft_masq, nft_nat, nft_ct or nft_counter"],
];

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
  if (!(error instanceof NetlinkError) || error.code !== "ENOENT") return error;
  const [, names] = modules().find(([operation]) => operation.test(error.operation)) ?? [];
  if (names === undefined) return error;
  return new MissingPartError(
    `${error.message}: the kernel lacks a part of nf_tables, which may be the module ${names}`,
  );
}
