// What can be tampered with: our table of a family as nft(8) lists it, and a change to one object of it.

import { keyText } from "./node.ts";
import type { Json } from "./runtime.ts";

export const TABLE = "bauta_masquerade";

/** A change to one object: the commands of one transaction. */
export interface Tampering {
  /** `ip: delete table` */
  readonly what: string;
  readonly commands: readonly string[];
  /** What a complaint must say. */
  readonly complaint: RegExp;
  /** Removes what is nobody's after DEL. */
  readonly cleanup: readonly string[];
}

export function tamper(family: string, what: string, commands: readonly string[], complaint: string): Tampering {
  return { what: `${family}: ${what}`, commands, complaint: new RegExp(complaint), cleanup: [] };
}

/** The table of one family. */
export interface Listing {
  readonly family: string;
  /** As nft prints it, with handles. */
  readonly text: string;
  /** Sets and maps, as nft has them in JSON. */
  readonly sets: readonly Json[];
  /** Chains, as nft has them in JSON, with their rules. */
  readonly chains: readonly { readonly name: string; readonly hook?: string; readonly rules: readonly Rule[] }[];
}

interface Rule {
  readonly text: string;
  readonly handle: string;
}

/** The elements that lead to a chain. */
export function referencesTo({ sets }: Listing, chain: string): { readonly map: string; readonly key: string }[] {
  return sets.flatMap(({ name, map, elem = [] }) =>
    map === "verdict"
      ? elem
          .filter((element: Json) => element[1].goto?.target === chain)
          .map((element: Json) => ({ map: name, key: keyText(element[0]) }))
      : [],
  );
}
