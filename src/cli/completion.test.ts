import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cli } from "../../test/support/cli.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { VERBS } from "./verbs.ts";

const run = (command: string, ...args: readonly string[]): string => execFileSync(command, args, { encoding: "utf8" });

/** The path of the script for a shell, as the command prints it. */
function scriptFor(shell: string): string {
  const path = `${temporaryDirectory()}/bauta.${shell}`;
  const { status, stdout } = cli(["completion", shell]);
  expect(status).toBe(0);
  writeFileSync(path, stdout);
  return path;
}

const wordsIn = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

/** What a shell that has read the script offers for the last word of the line, sorted. */
const SHELLS: Readonly<Record<string, (script: string, line: string) => string[]>> = {
  bash(script, line) {
    const call = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bauta; echo "\${COMPREPLY[@]}"`;
    return wordsIn(run("bash", "-c", call, script, ...line.split(" ")));
  },
  zsh(script, line) {
    const said = run("zsh", "-f", "test/support/completions.zsh", script, line).replaceAll("\r", "\n");
    const lines = said.slice(said.lastIndexOf("\nbegin\n"), said.lastIndexOf("\nend")).split("\n").slice(2);
    const offered = lines.filter((one) => one.trim() !== line.trim()).map((one) => one.replace(/ -- .*/, ""));
    return offered.flatMap(wordsIn);
  },
  fish(script, line) {
    const lines = run("fish", "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"', script, line).split("\n");
    return lines.map((one) => one.split("\t")[0] ?? "").filter((word) => word !== "");
  },
};

const NAMES = VERBS.map(({ name }) => name);

const EXPECTED: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ["bauta ", NAMES],
  ["bauta li", ["licenses", "list"]],
  ["bauta help li", ["licenses", "list"]],
  ["bauta list --", ["--help", "--json", "--network", "--quiet"]],
  ["bauta cni ", ["add", "check", "del", "gc", "status"]],
  ["bauta schema host", ["host-device", "host-local"]],
  ["bauta cni --netns /proc/self/stat", ["/proc/self/stat", "/proc/self/statm", "/proc/self/status"]],
  ["bauta cni add /proc/self/stat", ["/proc/self/stat", "/proc/self/statm", "/proc/self/status"]],
  ["bauta list --network d", []],
];

describe.each(Object.keys(SHELLS))("in %s", (shell) => {
  it.each(EXPECTED)("%s", (line, expected) => {
    const offered = SHELLS[shell]?.(scriptFor(shell), line) ?? [];
    // zsh shows the last part of a path alone.
    const wanted = shell === "zsh" ? expected.map((word) => word.replace(/^.*\//, "")) : expected;
    expect(offered.sort()).toEqual([...wanted].sort());
  });
});

it("tells which shells there are", () => {
  const { status, stderr } = cli(["completion", "tcsh"]);
  expect(status).toBe(2);
  expect(stderr).toContain('unknown shell "tcsh": it is bash, zsh or fish');
});
