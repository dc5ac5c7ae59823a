// Rules as iptables-save(8) prints them and iptables-restore(8) reads them: words, quoted where they have to be.

import { type Cidr, familyOf, formatCidr, formatIp, networkOf } from "../../../wire/ip.ts";
import type { Attachment } from "../../attachment.ts";
import { commentOf } from "./names.ts";

/** What follows `-A CHAIN`. */
export type RuleWords = readonly string[];

const PLAIN_WORD = /^[\w!./:@%+,=-]+$/;

/** The words as a line; quotation marks and backslashes in them are escaped. */
export function lineOf(words: readonly string[]): string {
  return words.map((word) => (PLAIN_WORD.test(word) ? word : `"${word.replace(/["\\]/g, "\\$&")}"`)).join(" ");
}

const WORD = /"((?:[^"\\]|\\.)*)"|(\S+)/g;

/** The words of a line. */
export function wordsOf(line: string): string[] {
  return Array.from(line.matchAll(WORD), ([, quoted, plain = ""]) => quoted?.replace(/\\(.)/g, "$1") ?? plain);
}

/** Whether two rules are the same. */
export function sameRule(a: RuleWords, b: RuleWords): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}

const MULTICAST = { 4: "224.0.0.0/4", 6: "ff00::/8" } as const;

/** Packets inside the address's subnet stay as they are. */
export function acceptRule(attachment: Attachment, address: Cidr): RuleWords {
  return ["-d", formatCidr(networkOf(address)), ...commented(attachment), "-j", "ACCEPT"];
}

/** All others are masqueraded, but for those to multicast groups. */
export function masqueradeRule(attachment: Attachment, family: 4 | 6): RuleWords {
  return ["!", "-d", MULTICAST[family], ...commented(attachment), "-j", "MASQUERADE"];
}

/** The rule of POSTROUTING that leads the address's packets into the attachment's chain. */
export function jumpRule(attachment: Attachment, { ip }: Cidr, chain: string): RuleWords {
  const source = `${formatIp(ip)}/${familyOf(ip) === 4 ? 32 : 128}`;
  return ["-s", source, ...commented(attachment), "-j", chain];
}

function commented(attachment: Attachment): string[] {
  return ["-m", "comment", "--comment", commentOf(attachment)];
}

/** The word that follows an option, unless it is negated. */
export function wordAfter(words: RuleWords, option: string): string | undefined {
  const at = words.indexOf(option);
  return at < 0 || words[at - 1] === "!" ? undefined : words[at + 1];
}
