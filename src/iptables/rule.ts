// Rules as iptables-save(8) prints them and iptables-restore(8) reads them: words, quoted where they have to be.

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

/** Whether one of the rules is the wanted one; of a chain that is missing, none is. */
export function hasRule(rules: readonly RuleWords[] | undefined, wanted: RuleWords): boolean {
  return rules?.some((rule) => sameRule(rule, wanted)) ?? false;
}

/** The word that follows an option, unless it is negated. */
export function wordAfter(words: RuleWords, option: string): string | undefined {
  const at = words.indexOf(option);
  return at < 0 || words[at - 1] === "!" ? undefined : words[at + 1];
}
