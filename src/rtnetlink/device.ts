// How requests say which link they mean.

import { AF } from "./uapi.ts";

/** A link by its index; the name is only for people. A Link is one. */
export interface Device {
  readonly index: number;
  readonly name?: string | undefined;
}

/** A link by its name (or alternative name), or by its index. */
export type LinkRef = string | Device;

/** The name, or `if7` where only the index is known: iproute2 reads both. */
export function deviceText(link: LinkRef): string {
  return typeof link === "string" ? link : (link.name ?? `if${link.index}`);
}

/** The AF_ number of an address (in bytes) or of a family (4 or 6). */
export function addressFamily(of: { readonly length: number } | 4 | 6): number {
  return (typeof of === "number" ? of === 4 : of.length === 4) ? AF.INET : AF.INET6;
}
