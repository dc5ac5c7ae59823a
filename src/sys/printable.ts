// Text from outside, for people: names and messages may hold what a terminal would obey.

/** Control characters, marks that change the direction of writing, line ends of Unicode, halves of characters. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text with each such character made visible: `\x1b`, `\u{202e}`. */
export function printable(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.replace(OBEYED, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** The same for a message that may have several lines, those of a stack or of another program: they become one. */
export function printableLine(text: string): string {
  return printable(/[\r\n]/.test(text) ? text.trim().replace(/\s*[\r\n]+\s*/g, "; ") : text);
}

/** JSON whose texts hold none of those characters raw: the same value, in escapes of JSON. */
export function printableJson(json: string): string {
  // What is laid out in lines has its line ends outside of texts, where no text has one raw.
  return json.replace(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
