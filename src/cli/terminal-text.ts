// Text for terminals: colours, and nothing that a terminal would obey.

/** Dresses text up; the plain one leaves it as it is. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

// ECMA-48, 8.3.117 SGR: what switches each on, and what switches it off again.
const wrap =
  (on: number, off: number) =>
  (text: string): string =>
    `\x1b[${on}m${text}\x1b[${off}m`;

const COLOURS: Style = {
  bold: wrap(1, 22),
  dim: wrap(2, 22),
  red: wrap(31, 39),
  green: wrap(32, 39),
  yellow: wrap(33, 39),
};

const same = (text: string): string => text;

const PLAIN: Style = { bold: same, dim: same, red: same, green: same, yellow: same };

/**
 * Colours for a terminal, unless NO_COLOR says otherwise (https://no-color.org: set, and not empty) or the terminal
 * calls itself dumb.
 */
export function styleFor(isTerminal: boolean, getenv: (name: string) => string | undefined): Style {
  const isRefused = (getenv("NO_COLOR") ?? "") !== "" || getenv("TERM") === "dumb";
  return isTerminal && !isRefused ? COLOURS : PLAIN;
}

/** The text with control characters made visible (`\x1b`): names and comments come from whoever wrote them. */
export function printable(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
