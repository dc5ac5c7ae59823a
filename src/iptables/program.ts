// iptables' own programs. Which of its two forms (legacy, nf_tables) stands behind a plain name is the node's choice.

import { engine, type SpawnResult } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { stat } from "../sys/file.ts";
import { spawn } from "../sys/spawn.ts";
import type { Family } from "../wire/ip.ts";

/** iptables could not be run, or said no. */
export class IptablesError extends Error {
  override readonly name: string = "IptablesError";
}

/** Either form, as the node has chosen; or one of them by name. */
export type Form = "any" | "legacy" | "nft";

const FORMS: Readonly<Record<Form, readonly string[]>> = {
  any: ["", "-nft", "-legacy"],
  legacy: ["-legacy", ""],
  nft: ["-nft", ""],
};

/** Where they are, should the environment's PATH not lead there. */
const DIRECTORIES = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];

/** Seconds to wait for the lock that all users of iptables-legacy share. */
const LOCK_PATIENCE_S = 30;

const programName = (family: Family): string => (family === 4 ? "iptables" : "ip6tables");

/** The path of `iptables-restore`, say; undefined where there is none. */
export function findProgram(family: Family, verb: "save" | "restore", form: Form = "any"): string | undefined {
  const fromPath = (engine.getenv("PATH") ?? "").split(":").filter((directory) => directory.startsWith("/"));
  const directories = [...new Set([...fromPath, ...DIRECTORIES])];
  for (const suffix of FORMS[form]) {
    const name = `${programName(family)}${suffix}-${verb}`;
    const found = directories.find((directory) => isFile(`${directory}/${name}`));
    if (found !== undefined) return `${found}/${name}`;
  }
  return undefined;
}

function isFile(path: string): boolean {
  try {
    return !stat(path).isDirectory;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "EACCES", "ELOOP")) return false;
    throw error;
  }
}

/** Why this node has no iptables, and what to do, where that is so. */
export function iptablesMissing(): string | undefined {
  const missing = ([4, 6] as const).find((family) => findProgram(family, "restore") === undefined);
  if (missing === undefined) return undefined;
  return `${programName(missing)}-restore is in none of the directories of PATH, nor in ${DIRECTORIES.join(", ")}; install the package iptables, or use "nftables", which needs nothing`;
}

/** Which form stands behind the plain names, as the program itself says; undefined where there is no such program. */
export function plainForm(family: Family): Exclude<Form, "any"> | undefined {
  const path = findProgram(family, "save");
  if (path === undefined) return undefined;
  const { stdout } = spawn(path, [path, "--version"], engine.environ(), new Uint8Array(), { keepsErrors: true });
  // Programs from before 1.8 knew no other form and say nothing of it.
  return engine.decode(stdout).includes("(nf_tables)") ? "nft" : "legacy";
}

/** The tables of iptables that features have something in. */
export type TableName = "nat" | "filter";

/** What `iptables-save -t TABLE` prints. Throws IptablesError or SyscallError. */
export function saveTable(table: TableName, family: Family, form: Form = "any"): string {
  return run(family, "save", form, table, ["-t", table], "");
}

/** Carries out the lines on the table, all or none of them, and leaves alone what they don't name. Throws as saveTable. */
export function restoreTable(table: TableName, family: Family, lines: readonly string[], form: Form = "any"): void {
  const text = [`*${table}`, ...lines, "COMMIT", ""].join("\n");
  run(family, "restore", form, table, ["--noflush", `--wait=${LOCK_PATIENCE_S}`], text);
}

/** saveTable of the nat table. */
export function saveNat(family: Family, form: Form = "any"): string {
  return saveTable("nat", family, form);
}

/** The same with the counters of the rules. */
export function saveNatCounters(family: Family): string {
  return run(family, "save", "any", "nat", ["-c", "-t", "nat"], "");
}

/** restoreTable of the nat table. */
export function restoreNat(family: Family, lines: readonly string[], form: Form = "any"): void {
  restoreTable("nat", family, lines, form);
}

function run(
  family: Family,
  verb: "save" | "restore",
  form: Form,
  table: TableName,
  args: readonly string[],
  input: string,
): string {
  const path = findProgram(family, verb, form);
  if (path === undefined) {
    const name = `${programName(family)}${form === "any" ? "" : `-${form}`}-${verb}`;
    throw new IptablesError(`this node has no ${name}: install the package iptables`);
  }
  const result = spawn(path, [path, ...args], engine.environ(), engine.encode(input), { keepsErrors: true });
  const { status, signal } = result;
  if (status === 0 && signal === 0) return engine.decode(result.stdout);
  const doing = `${verb === "save" ? "list" : "change"} the ${table} table of ${programName(family)}`;
  const end = signal === 0 ? `ended with status ${status}` : `was killed by signal ${signal}`;
  const said = saidBy(result, input);
  const remedy = status === RESOURCE_PROBLEM ? LOCKED : INSTEAD[table];
  throw new IptablesError(`cannot ${doing}: ${[path, ...args].join(" ")} ${end}${said}; ${remedy}`);
}

/** What needs no iptables, by the table. */
const INSTEAD: Readonly<Record<TableName, string>> = {
  nat: 'the back end "nftables" needs no iptables',
  filter: 'the backend "nftables" needs no iptables, unless a table of iptables drops forwarded packets',
};

/** include/xtables.h: also where a lock is held for too long, and where memory or privileges are missing. */
const RESOURCE_PROBLEM = 4;
const LOCKED = "if another program holds its lock, `fuser -v /run/xtables.lock` names it; try again";

/** What the program said on standard error, and the line that it did not take. */
function saidBy({ stderr }: SpawnResult, input: string): string {
  const lines = engine.decode(stderr).split("\n");
  const text = lines.map((line) => line.trim()).filter((line) => line !== "" && !USAGE.test(line));
  const number = /\bline:? (\d+)/.exec(text.join(" "))?.[1];
  const refused = number === undefined ? undefined : input.split("\n")[Number(number) - 1];
  const parts = refused === undefined ? text : [...text, `line ${number} is \`${refused}\``];
  return parts.length === 0 ? "" : `: ${parts.join("; ")}`;
}

const USAGE = /^Try `/;
