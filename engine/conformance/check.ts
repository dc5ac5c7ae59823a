// The tools of every check of the engine functions.

import { engine } from "../../src/sys/engine.ts";
import { SYS } from "../../src/sys/syscalls.ts";

export interface Check {
  readonly name: string;
  readonly run: () => void;
}

/** The environment variable that must be set where the checks run, and its value. */
export const VARIABLE = "BAUTA_CONFORMANCE";
export const VALUE = "Masquerade à la bautà 🎭";

export const AT_FDCWD = -100;
export const NOTHING: Uint8Array = new Uint8Array(0);
export const MEGABYTE: number = 1 << 20;

/** Throws unless both are the same JSON; typed arrays count as arrays. */
export function equal(actual: unknown, expected: unknown): void {
  const [got, wanted] = [show(actual), show(expected)];
  if (got !== wanted) throw new Error(`got ${got}, wanted ${wanted}`);
}

function show(value: unknown): string {
  const plain = value instanceof Uint8Array || value instanceof Int32Array ? Array.from(value) : value;
  const text = JSON.stringify(plain) ?? "undefined";
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text;
}

/** Throws unless the call throws an error of that kind. */
export function throws(kind: ErrorConstructor, call: () => unknown): void {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    if (error instanceof kind) return;
    throw new Error(`threw ${error}, not a ${kind.name}`, { cause: error });
  }
  throw new Error(`returned ${show(result)} instead of a ${kind.name}`);
}

/** Opens without close-on-exec, as a library that knows no better would. */
export const open = (file: string, flags = 0): number => engine.syscall(SYS.openat, AT_FDCWD, file, flags, 0);
