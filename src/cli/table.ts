// Tables for terminals and for awk: a line a row, columns two spaces apart, never folded.

import { printable, type Style } from "./terminal-text.ts";

export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
  /** Where the table is wider than the terminal, this column may be cut, to no fewer characters than these. */
  readonly least?: number;
  readonly paint?: (text: string) => string;
}

const GAP = "  ";
const ELLIPSIS = "…";

/** Characters, not UTF-16 units. Names in CNI are ASCII, so nothing here is two columns wide. */
function widthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : [...text].length;
}

/**
 * The titles and the rows as lines, without line ends. `limit` is the width to keep to, where that can be done by
 * cutting the columns that may be cut; otherwise lines are as long as they must be.
 */
export function layOut(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  style: Style,
  limit: number | undefined,
): string[] {
  const table = rows.map((row) => row.map(printable));
  const widths = columns.map(({ title }, i) =>
    table.reduce((width, row) => Math.max(width, widthOf(row[i] ?? "")), widthOf(title)),
  );
  const excess = limit === undefined ? 0 : widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - limit;
  const kept = excess > 0 ? shrink(columns, widths, excess) : widths;
  const titles = columns.map(({ title }) => title);
  return [
    lineOf(columns, kept, titles, () => style.bold),
    ...table.map((row) => lineOf(columns, kept, row, ({ paint }) => paint)),
  ];
}

/** Takes the excess from the columns that may be cut, if they have that much between them. */
function shrink(columns: readonly Column[], widths: readonly number[], excess: number): readonly number[] {
  let left = excess;
  const shrunk = columns.map(({ least }, i) => {
    const width = widths[i] ?? 0;
    const taken = least === undefined ? 0 : Math.min(left, Math.max(0, width - least));
    left -= taken;
    return width - taken;
  });
  return left > 0 ? widths : shrunk;
}

function lineOf(
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly string[],
  paintOf: (column: Column) => ((text: string) => string) | undefined,
): string {
  let line = "";
  let owed = ""; // spaces are put down only once something follows them
  columns.forEach((column, i) => {
    const width = widths[i] ?? 0;
    const text = fitted(cells[i] ?? "", width);
    const space = " ".repeat(width - widthOf(text));
    if (text === "") {
      owed += space + GAP;
      return;
    }
    const painted = paintOf(column)?.(text) ?? text;
    line += column.isNumber === true ? owed + space + painted : owed + painted;
    owed = column.isNumber === true ? GAP : space + GAP;
  });
  return line;
}

function fitted(text: string, width: number): string {
  return widthOf(text) <= width ? text : [...text].slice(0, width - 1).join("") + ELLIPSIS;
}
