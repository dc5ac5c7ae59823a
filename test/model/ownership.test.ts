// Every state of the model of ownership: what it asserts holds in all of them, and a model without one of the precautions fails.

import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const MODEL = "ownership.pml";
/** Assertions are judged; a state takes some 60 bytes of the 4,000 MB. */
const VERIFIER = ["-DSAFETY", "-DCOLLAPSE", "-DVECTORSZ=2048", "-DMEMLIM=4000"];

/** How often each may happen in a run of the model. */
interface Bounds {
  readonly ADDS: number;
  readonly KILLS: number;
  readonly SWEEPS?: number;
  readonly RESTORES?: number;
  readonly FLUSHES?: number;
  readonly FAULT?: number;
}

/** Has spin(1) make a verifier of the model within the bounds, and runs the verifier; returns what it has printed. */
function verify(bounds: Bounds): string {
  const directory = temporaryDirectory();
  copyFileSync(join(import.meta.dirname, MODEL), join(directory, MODEL));
  const all = { SWEEPS: 0, RESTORES: 0, FLUSHES: 0, FAULT: 0, ...bounds };
  const defines = Object.entries(all).map(([name, value]) => `-D${name}=${value}`);
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: directory, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  run("spin", ...defines, "-a", MODEL);
  run("gcc", all.FAULT === 0 ? "-O2" : "-O0", ...VERIFIER, "-o", "pan", "pan.c");
  return run(join(directory, "pan"), "-m1000000");
}

/** How many states were looked at, and in how many of them something is wrong. */
function verdictOf(printed: string): { readonly states: number; readonly errors: number } {
  const [, errors] = /errors: (\d+)/.exec(printed) ?? [];
  const [, states] = /(\d+(?:\.\d+)?(?:e\+\d+)?) states, stored/.exec(printed) ?? [];
  // A search that was cut short says so, and has proved nothing.
  expect(printed).not.toMatch(/max search depth too small|out of memory|Search not completed/);
  return { states: Number(states), errors: Number(errors) };
}

const KILLED_TWICE: Bounds = { ADDS: 2, KILLS: 1 };
const SWEPT: Bounds = { ADDS: 1, KILLS: 1, SWEEPS: 1 };
const RESTORED: Bounds = { ADDS: 1, KILLS: 0, RESTORES: 1 };

describe("who owns an address", () => {
  it.each([
    ["two ADDs and DELs of each, one of them killed", KILLED_TWICE, 300_000],
    ["a late DEL or bauta gc at any time, and a kill", SWEPT, 500_000],
    ["bauta restore at any time", RESTORED, 1_000_000],
    ["bauta restore and a flush of all rules at any time", { ...RESTORED, FLUSHES: 1 }, 5_000_000],
  ])("is right in every state: %s", (_, bounds, least) => {
    const { states, errors } = verdictOf(verify(bounds));
    expect(errors).toBe(0);
    expect(states).toBeGreaterThan(least);
  });

  it.each([
    ["an exact change does not go by the generation", 1, KILLED_TWICE],
    ["the record comes after the elements", 2, KILLED_TWICE],
    ["a departing owner gives nothing back", 3, KILLED_TWICE],
    ["a DEL takes the elements of whomever", 4, KILLED_TWICE],
    ["a DEL does not look whether the one who got the address is gone", 5, KILLED_TWICE],
    ["a restore does not look whether the one who got the address is gone", 6, RESTORED],
    ["a restore does not look again who else has a claim", 7, RESTORED],
    ["a repeated DEL leaves what has gone back to one who is gone", 8, KILLED_TWICE],
    ["an ADD does not end first what a killed DEL has begun", 9, KILLED_TWICE],
  ])("goes wrong where %s", (_, fault, bounds) => {
    const printed = verify({ ...bounds, FAULT: fault });
    expect(printed).toContain("assertion violated");
    expect(verdictOf(printed.replace(/.*Search not completed.*/, "")).errors).toBe(1);
  });
});
