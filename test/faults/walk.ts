// Walks along the system calls of one call of a plugin or of the command: at each of them, and with each mishap that it may meet,
// the call is made once, tidied up after as a runtime does, and the whole node compared with what it must be then.

import { SYS } from "../../src/sys/syscalls.ts";
import { failingAt, KILLED, killedBefore, listingCalls, shortenedAt, systemCallsIn } from "../support/interfere.ts";
import { mishapsOf, nameOfCall } from "./errnos.ts";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is walked along. Each function throws where what it does must succeed and does not. */
export interface Walk {
  /** `bridge ADD`. */
  readonly name: string;
  /** Brings the node to where the call is made; before each point. */
  readonly prepare: () => void;
  /** Makes the call; `through` is a command that executes the program in its turn. */
  readonly call: (through: readonly string[]) => Outcome;
  /** Throws unless a call that says it has succeeded has. */
  readonly verify?: (outcome: Outcome) => void;
  /** Throws unless a call that has failed says what was wrong: `mishap` is the name of an errno, or "short". */
  readonly judge: (outcome: Outcome, mishap: string) => void;
  /** What the runtime does then: DEL, or the same call again. */
  readonly tidy: () => void;
  /** What a new attachment does, from its ADD to its DEL. */
  readonly prove: () => void;
  /** What a call may leave: this is compared at each point. */
  readonly state: () => unknown;
  /** All that there is on the node: this takes long, and is compared after several points. */
  readonly whole: () => unknown;
  /** Whether the node must be as it was before, too, right after a call that says it has failed. */
  readonly undoes: boolean;
  /** In which sections it is; all where absent. */
  readonly sections?: readonly Section[];
  /** Whether the call makes for the first time what stays for others: there is more after the call than before. */
  readonly isFirst?: boolean;
}

export type Section = "kill" | "fail";

/** What has become of the points of a walk. */
export interface Walked {
  readonly points: number;
  /** Each in words. */
  readonly faults: readonly string[];
}

/** Which points are tried: all of them, or so many of each walk, others with each seed. */
export type Choice = "all" | { readonly seed: number; readonly count: number };

/** In the text of an error: a stack, and what brings one, is for faults of our own. */
export const FAULT = /src\/|\bat <|(Type|Range|Internal|Syntax|Reference)Error/;

/** A walk ends early with so many faults: they are one, most likely. */
const MOST_FAULTS = 12;

/** With this our program begins (keep_standard_descriptors() in engine/quickjs.c); what the C library can't do without is its affair. */
const FIRST = SYS.fcntl;

interface Point {
  /** From 1. */
  readonly count: number;
  /** "killed", the name of an errno, or "short". */
  readonly mishap: string;
  readonly through: readonly string[];
}

/** So many points come between two looks at the whole node. What has changed there stays, and is found a little later. */
const BATCH = 25;

/** Walks along a call. */
export function walk(walked: Walk, section: Section, choice: Choice): Walked {
  const calls = callsOf(walked);
  const expected = statesOf(walked);
  const points = chosen(section === "kill" ? killings(calls) : failures(calls), walked.name, choice);
  const faults: string[] = [];
  for (let from = 0; from < points.length && faults.length < MOST_FAULTS; from += BATCH) {
    const batch = points.slice(from, from + BATCH);
    const before = faults.length;
    for (const point of batch) noteFault(walked, calls, point, faults, () => tryPoint(walked, point, expected));
    if (faults.length > before || textOf(walked.whole) === expected.whole) continue;
    // One of these has changed something that is rarely looked at: which?
    const changed = compare("after some points", expected.whole, textOf(walked.whole));
    const again = { ...expected, whole: textOf(walked.whole) };
    for (const point of batch) noteFault(walked, calls, point, faults, () => tryPoint(walked, point, again, true));
    if (faults.length === before) faults.push(`${walked.name}: one of the system calls ${rangeOf(batch)}: ${changed}`);
    expected.whole = textOf(walked.whole);
  }
  return { points: points.length, faults };
}

const rangeOf = (points: readonly Point[]): string => `${points[0]?.count} to ${points.at(-1)?.count}`;

function noteFault(
  walked: Walk,
  calls: readonly number[],
  point: Point,
  faults: string[],
  attempt: () => string | undefined,
): void {
  const found = faults.length < MOST_FAULTS ? attempt() : undefined;
  if (found === undefined) return;
  const call = nameOfCall(calls[point.count - 1] ?? -1);
  faults.push(`${walked.name}: system call ${point.count} (${call}), ${point.mishap}: ${found}`);
  recover(walked);
}

function callsOf({ prepare, call, tidy, prove }: Walk): readonly number[] {
  prepare();
  const { stderr } = call(listingCalls());
  tidy();
  prove();
  const calls = systemCallsIn(stderr);
  if (calls.length === 0) throw new Error(`no system calls are told of: ${stderr}`);
  return calls;
}

/** What the node is like before the call, after the call has been tidied up, and after a new attachment has come and gone. */
interface States {
  readonly before: string;
  readonly tidied: string;
  readonly proved: string;
  whole: string;
}

const textOf = (look: () => unknown): string => JSON.stringify(look(), undefined, 1);

function statesOf(walked: Walk): States {
  const { prepare, call, verify, tidy, prove, state, whole } = walked;
  prepare();
  const before = textOf(state);
  const outcome = call([]);
  if (outcome.status !== 0) throw new Error(`the call fails by itself: ${outcome.stdout}${outcome.stderr}`);
  verify?.(outcome);
  tidy();
  const tidied = textOf(state);
  prove();
  return { before, tidied, proved: textOf(state), whole: textOf(whole) };
}

function killings(calls: readonly number[]): Point[] {
  return calls.map((_, i) => ({ count: i + 1, mishap: "killed", through: killedBefore(i + 1) }));
}

function failures(calls: readonly number[]): Point[] {
  const first = calls.indexOf(FIRST);
  return calls.flatMap((number, i) =>
    mishapsOf(i < first ? -1 : number).map((mishap) => ({
      count: i + 1,
      mishap,
      through: mishap === "short" ? shortenedAt(i + 1) : failingAt(i + 1, mishap),
    })),
  );
}

/** Evenly spaced ones, from another on with each seed. */
function chosen(points: readonly Point[], name: string, choice: Choice): readonly Point[] {
  if (choice === "all" || points.length <= choice.count) return points;
  const stride = points.length / choice.count;
  const from = (turnOf(name) + choice.seed) % Math.ceil(stride);
  return Array.from({ length: choice.count }, (_, i) => Math.floor(i * stride) + from).flatMap(
    (at) => points[at % points.length] ?? [],
  );
}

/** A number that a text always has, for taking turns. */
export function turnOf(text: string): number {
  return [...text].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 65521, 0);
}

/** What is wrong, in words; undefined where nothing is. */
function tryPoint(walked: Walk, point: Point, states: States, looksAtAll = false): string | undefined {
  try {
    return (
      faultAt(walked, point, states) ??
      (looksAtAll ? compare("in the end", states.whole, textOf(walked.whole)) : undefined)
    );
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The state is looked at once: right after an error, when nothing may be left even before a DEL, or else afterwards. */
function faultAt(walked: Walk, { mishap, through }: Point, states: States): string | undefined {
  const { prepare, call, verify, judge, tidy, prove, state, undoes, isFirst = false } = walked;
  prepare();
  const outcome = call(through);
  const isOver = outcome.status === KILLED;
  if (outcome.status === 0) verify?.(outcome);
  else if (!isOver) judge(outcome, mishap);
  const isUndone = undoes && !isOver && outcome.status !== 0 && !isFirst;
  const left = isUndone ? compare("right after an error", states.before, textOf(state)) : undefined;
  tidy();
  const afterwards = isUndone || isFirst ? undefined : compare("afterwards", states.tidied, textOf(state));
  prove();
  return left ?? afterwards ?? (isFirst ? compare("after a new attachment", states.proved, textOf(state)) : undefined);
}

/** The lines that are not in both; undefined where the texts are the same. */
function compare(when: string, expected: string, found: string): string | undefined {
  if (found === expected) return undefined;
  const [left, right] = [expected.split("\n"), found.split("\n")];
  const only = (some: readonly string[], others: readonly string[]): string[] => {
    const known = new Set(others);
    return some.filter((line) => !known.has(line)).map((line) => line.trim());
  };
  const [missing, more] = [only(left, right), only(right, left)];
  return `${when}: missing ${JSON.stringify(missing)}, more ${JSON.stringify(more)}`;
}

/** After a fault: what is left must not be held against the next point. */
function recover(walked: Walk): void {
  for (const step of [walked.tidy, walked.prove]) {
    try {
      step();
    } catch {
      // The next point tells.
    }
  }
}
