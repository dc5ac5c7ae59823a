// What is wrong with our tables, and what puts it right.

import type { Command } from "../../nftables/message.ts";
import type { Family } from "../../wire/ip.ts";
import { TABLE } from "./table-names.ts";

/**
 * What is wrong with something of ours: what it is, and the commands that put it right. They are EEXIST where somebody has
 * made in between what is missing.
 */
export interface Fault {
  /** `chain postrouting of table ip bauta_masquerade has been altered` */
  readonly text: string;
  readonly repair: readonly Command[];
  /** Whether there was no table at all, so that nothing in it can be in the way. */
  readonly isWhole?: boolean;
}

/** The commands that put things right. A set that policies share is found wrong more than once. */
export function repairsOf(faults: readonly Fault[]): Command[] {
  const byText = new Map(faults.map(({ text, repair }) => [text, repair]));
  return [...byText.values()].flat();
}

/** `table ip bauta_masquerade` */
export function tableText(family: Family): string {
  return `table ${family === 4 ? "ip" : "ip6"} ${TABLE}`;
}
