// Text for terminals: colours, and nothing else that a terminal would obey.

import { printable } from "../sys/printable.ts";

/** Dresses text up; the plain one leaves it as it is. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

/** Stands for ESC [ until a line is printed. No text in UTF-8 has it: it is the half of a character. */
const MARK = "\udbff";

// ECMA-48, 8.3.117 SGR: what switches each on, and what switches it off again.
const wrap =
  (on: number, off: number) =>
  (text: string): string =>
    `${MARK}${on}m${text}${MARK}${off}m`;

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

/** A line as a terminal gets it: the colours of a Style take effect, all else that it would obey is made visible. */
export function terminalLine(line: string): string {
  const [first = "", ...dressed] = line.split(/\udbff(?=[0-9]{1,2}m)/);
  return printable(first) + dressed.map((part) => `\x1b[${printable(part)}`).join("");
}
