// A verb of the command: what it takes, what it says of itself, what it does.

import { flag, type Operands, type Options, parseArguments, type Text, type Values } from "./arguments.ts";
import { type Output, quieted } from "./io.ts";

/** Among the options of a verb that tells what it has done, or what it is doing. */
export const QUIET = { quiet: flag("tell only what was asked for, and what is wrong") };

export interface Verb {
  readonly name: string;
  /** One line of `bauta help`. */
  readonly summary: string;
  /** Whole paragraphs, lines up to 80 characters. */
  readonly about: string;
  readonly options: Options;
  readonly operands: Operands | undefined;
  /** All of `bauta help VERB`. */
  readonly help: () => string;
  /** Does it. Throws UsageError for arguments that it does not take. */
  readonly run: (args: readonly string[], io: Output) => void;
}

/** A verb as its file declares it. */
export interface VerbSpec<O extends Options> {
  readonly name: string;
  readonly summary: string;
  /** Whole paragraphs, lines up to 80 characters. */
  readonly about: string;
  readonly options: O;
  readonly operands?: Operands;
  readonly run: (values: Values<O>, io: Output, operands: readonly string[]) => void;
}

/** Makes a verb of its declaration. */
export function verb<O extends Options>(spec: VerbSpec<O>): Verb {
  return {
    name: spec.name,
    summary: spec.summary,
    about: spec.about,
    options: spec.options,
    operands: spec.operands,
    help: () => helpOf(spec),
    run(args, io) {
      if (args.includes("--help") || args.includes("-h")) {
        io.printText(helpOf(spec));
        return;
      }
      const { values, operands } = parseArguments(spec.options, args, spec.operands);
      spec.run(values, "quiet" in values && values["quiet"] === true ? quieted(io) : io, operands);
    },
  };
}

function helpOf<O extends Options>({ name, summary, about, options, operands }: VerbSpec<O>): string {
  const usage = [`Usage: bauta ${name}`, ...usageOf({ options, operands })];
  const entries = optionsOf({ options }).map((option) => [writtenOf(option), option.about] as const);
  return `${folded(usage)}\n\n${summary}.\n\n${about.trim()}\n\nOptions:\n${inColumns(entries)}`;
}

/** An option as people see it. */
export interface ShownOption {
  /** With its dashes. */
  readonly name: string;
  readonly about: string;
  /** What stands for its value; undefined where it takes none. */
  readonly value: string | undefined;
}

/** The options of a verb, --help among them, the last. */
export function optionsOf({ options }: Pick<Verb, "options">): readonly ShownOption[] {
  const own = Object.entries(options).map(([name, option]) => ({
    name: `--${name}`,
    about: option.about,
    value: option.kind === "text" ? (option satisfies Text).value : undefined,
  }));
  return [...own, { name: "--help", about: "this text", value: undefined }];
}

/** `--network NAME` */
export function writtenOf({ name, value }: ShownOption): string {
  return value === undefined ? name : `${name} ${value}`;
}

/** What may follow a verb's name, optional things in brackets; without --help. */
export function usageOf({ options, operands }: Pick<Verb, "options" | "operands">): readonly string[] {
  const words = optionsOf({ options })
    .slice(0, -1)
    .map((option) => `[${writtenOf(option)}]`);
  if (operands !== undefined) words.push(operands.least === 0 ? `[${operands.name}]` : operands.name);
  return words;
}

const WIDTH = 80;

/** The words in lines of at most 80 characters, which go on where the second word of the first began. */
function folded([first = "", ...words]: readonly string[]): string {
  const lines = [first];
  for (const word of words) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length <= WIDTH) lines[lines.length - 1] = line;
    else lines.push(`${" ".repeat(first.length)} ${word}`);
  }
  return lines.join("\n");
}

/** Two columns, each entry a line. */
export function inColumns(entries: readonly (readonly [string, string])[]): string {
  const width = entries.reduce((most, [left]) => Math.max(most, left.length), 0);
  return entries.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}
