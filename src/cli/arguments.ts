// The command line of one verb: long options, and operands. What an option is called decides the type of its value, so
// a verb cannot ask for one that it did not declare. docs/adr/0005-command-line.md says why no library does this.

import { closestMatch } from "leven";

/** The command line is wrong: the caller's mistake, told with what would be right. Ends the process with status 2. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** An option that is there or not. */
export interface Flag {
  readonly kind: "flag";
  readonly about: string;
}

/** An option with a value. */
export interface Text {
  readonly kind: "text";
  /** What stands for the value in the help: `NAME`. */
  readonly value: string;
  readonly about: string;
  /** What is wrong with a value, in words that follow "is"; undefined where nothing is. */
  readonly problem: ((value: string) => string | undefined) | undefined;
}

/** The values' names that stand for paths: a shell completes names of files there. */
const PATHS: readonly string[] = ["PATH", "FILE", "DIR", "DIRS", "DIRECTORY", "CONFLIST"];

/** Whether a value or operand of this name in the help is a path. */
export function isPath(name: string): boolean {
  return PATHS.includes(name);
}

/** The options of a verb by name, without the dashes. */
export type Options = Readonly<Record<string, Flag | Text>>;

/** The values that options got: false and undefined where they were not given. */
export type Values<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Flag ? boolean : string | undefined;
};

/** How many operands a verb takes, and what they are called in the help. */
export interface Operands {
  /** What stands for them in the help, a word each: `ACTION CONFLIST`. */
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** All that the first of them may be, where that is a fixed list. */
  readonly words?: () => readonly string[];
}

/** `--json` */
export function flag(about: string): Flag {
  return { kind: "flag", about };
}

/** `--network NAME` */
export function text(value: string, about: string, problem?: (value: string) => string | undefined): Text {
  return { kind: "text", value, about, problem };
}

/** No further from a name than this many letters, a word may be meant for it. */
const TYPING_ERRORS = 2;

/** `, did you mean list?`, or nothing where no name is near. The beginning of a name is near. */
export function suggestion(word: string, names: readonly string[]): string {
  const begun = word === "" ? undefined : names.find((name) => name.startsWith(word));
  const meant = begun ?? closestMatch(word, [...names], { maxDistance: Math.min(TYPING_ERRORS, word.length - 1) });
  return meant === undefined ? "" : `, did you mean ${meant}?`;
}

/**
 * Reads `--name`, `--name VALUE`, `--name=VALUE` and operands, in any order; behind `--` everything is an operand.
 * Throws UsageError for what the verb doesn't know, a value that is missing or not right, an option given twice.
 */
export function parseArguments<O extends Options>(
  options: O,
  args: readonly string[],
  operands: Operands | undefined,
): { values: Values<O>; operands: string[] } {
  const given = new Map<string, string | true>();
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] ?? "";
    if (word === "--") {
      rest.push(...args.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      rest.push(word);
      continue;
    }
    const [name, inline] = splitOption(word);
    const option = optionNamed(options, name, word);
    if (given.has(name)) throw new UsageError(`--${name} is given twice`);
    if (option.kind === "flag" && inline !== undefined) throw new UsageError(`--${name} takes no value`);
    if (option.kind === "flag") given.set(name, true);
    else given.set(name, checked(name, option, inline ?? args[++at]));
  }
  checkOperands(operands, rest);
  const values = Object.entries(options).map(([name, { kind }]) => [
    name,
    given.get(name) ?? (kind === "flag" ? false : undefined),
  ]);
  return { values: Object.fromEntries(values) as Values<O>, operands: rest }; // by the table, which O is made of
}

function splitOption(word: string): [name: string, inline: string | undefined] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word.slice(2), undefined] : [word.slice(2, equals), word.slice(equals + 1)];
}

function optionNamed(options: Options, name: string, word: string): Flag | Text {
  const option = word.startsWith("--") && Object.hasOwn(options, name) ? options[name] : undefined;
  if (option !== undefined) return option;
  const written = word.startsWith("--") ? `--${name}` : word;
  const names = [...Object.keys(options), "help"].map((known) => `--${known}`);
  throw new UsageError(`unknown option ${written}${suggestion(written, names)}`);
}

function checked(name: string, option: Text, value: string | undefined): string {
  if (value === undefined || value === "") throw new UsageError(`--${name} needs a value: --${name} ${option.value}`);
  const problem = option.problem?.(value);
  if (problem !== undefined) throw new UsageError(`--${name} ${JSON.stringify(value)} is ${problem}`);
  return value;
}

function checkOperands(operands: Operands | undefined, rest: readonly string[]): void {
  const surplus = rest[operands?.most ?? 0];
  if (surplus !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(surplus)}`);
  if (operands !== undefined && rest.length < operands.least) throw new UsageError(`${operands.name} is missing`);
}
