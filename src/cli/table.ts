// Tables for terminals and for awk: a line a row, columns two spaces apart, never folded.

import { printable } from "../sys/printable.ts";
import type { Style } from "./terminal-text.ts";

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

/** What stands in a cell, as it may be printed. */
interface Cell {
  readonly text: string;
  /** Characters, not UTF-16 units. Names in CNI are ASCII, so nothing here is two columns wide. */
  readonly width: number;
}

function cellOf(text: string): Cell {
  const shown = printable(text);
  return { text: shown, width: /^[\x20-\x7e]*$/.test(shown) ? shown.length : [...shown].length };
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
  const known = new Map<string, Cell>(); // most texts stand in many rows
  const toCell = (text: string): Cell => {
    const cell = known.get(text) ?? cellOf(text);
    known.set(text, cell);
    return cell;
  };
  const titles = columns.map(({ title }) => cellOf(title));
  const table = rows.map((row) => columns.map((_, i) => toCell(row[i] ?? "")));
  const widths = titles.map(({ width }) => width);
  for (const row of table) {
    row.forEach(({ width }, i) => {
      if (width > (widths[i] ?? 0)) widths[i] = width;
    });
  }
  const excess = limit === undefined ? 0 : widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - limit;
  const kept = excess > 0 ? shrink(columns, widths, excess) : widths;
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
  cells: readonly Cell[],
  paintOf: (column: Column) => ((text: string) => string) | undefined,
): string {
  const parts = columns.map((column, i) => {
    const width = widths[i] ?? 0;
    const cell = cells[i];
    if (cell === undefined || cell.text === "") return " ".repeat(width);
    const text = cell.width <= width ? cell.text : [...cell.text].slice(0, width - 1).join("") + ELLIPSIS;
    const painted = paintOf(column)?.(text) ?? text;
    if (cell.width >= width) return painted;
    const space = " ".repeat(width - cell.width);
    return column.isNumber === true ? space + painted : painted + space;
  });
  return parts.join(GAP).trimEnd();
}
