// "excludeFile": destinations in a file that changes while containers run, in the format of ip-masq-agent's
// configuration: JSON, or YAML of plain keys and lists. What was last read whole stays in force until the file can be
// read whole again.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { isJsonObject, type JsonValue } from "../../cni/json.ts";
import { hasCode } from "../../sys/error.ts";
import { exists, makeDirectories, readText, remove, replaceFile, stat } from "../../sys/file.ts";
import { logLine } from "../../sys/process.ts";
import { parseCidr } from "../../wire/ip.ts";
import { listKey } from "../nftables/policy.ts";
import type { MasqueradeOptions } from "./options.ts";

const DIRECTORY = "/run/bauta/lists";
const FILE_LIMIT = 4 << 20;

/** What is in force of a file, and of which state of the file that is. */
interface Applied {
  readonly stamp: string;
  readonly prefixes: readonly string[];
}

export interface Excluded {
  readonly prefixes: readonly string[];
  /** Whether the kernel's set has just these already. */
  readonly isApplied: boolean;
  /** Why the list is an old one; absent where it is what the file says. */
  readonly problem?: string;
  /** To be called when it has. */
  remember(): void;
}

const NOTHING: Excluded = { prefixes: [], isApplied: true, remember() {} };

/**
 * The destinations in the options' file. Where it can't be read or isn't whole the last good list counts, and standard
 * error says so; where there is none, CniError 7 is thrown.
 */
export function readExcluded(options: MasqueradeOptions): Excluded {
  const { excludeFile } = options;
  if (excludeFile === undefined) return NOTHING;
  const state = `${DIRECTORY}/${listKey(options)}`;
  const applied = readApplied(state);
  try {
    const { mtimeNs, size, inode, isRegular } = stat(excludeFile);
    if (!isRegular) throw new SyntaxError("it is not a regular file"); // reading a pipe might never end
    const stamp = `${excludeFile} ${inode} ${mtimeNs} ${size}`;
    if (applied?.stamp === stamp) return inForce(state, applied);
    const prefixes = parseExcludeFile(readText(excludeFile, FILE_LIMIT));
    return { prefixes, isApplied: false, remember: () => write(state, { stamp, prefixes }) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (applied === undefined) {
      throw CniError.because(error, CNI_CODE.INVALID_CONFIG, `ipMasqOptions.excludeFile: ${excludeFile}: ${reason}`);
    }
    logLine(`bauta: ${excludeFile}: ${reason}; the list that was read before stays in force`);
    return { ...inForce(state, applied), problem: reason };
  }
}

/** A list that the kernel has, if anything uses it: its last user may be going meanwhile, and have it forgotten. */
function inForce(state: string, applied: Applied): Excluded {
  const remember = (): void => {
    if (!exists(state)) write(state, applied);
  };
  return { prefixes: applied.prefixes, isApplied: true, remember };
}

function write(state: string, applied: Applied): void {
  makeDirectories(DIRECTORY, 0o700);
  replaceFile(state, JSON.stringify(applied), 0o600);
}

/**
 * Forgets what was read for the options' lists when nothing uses it any more. Whoever comes to use it remembers it after that; what
 * has come to be used between the question and the removal is put back. Throws SyscallError.
 */
export function forgetList(options: Pick<MasqueradeOptions, "listsJson">, isUsed: () => boolean): void {
  if (isUsed()) return;
  const state = `${DIRECTORY}/${listKey(options)}`;
  const applied = readApplied(state);
  if (remove(state) && applied !== undefined && isUsed() && !exists(state)) write(state, applied);
}

/**
 * The destinations from the options' file as the kernel has them, whatever the file says by now: a change comes into
 * force with the next ADD. Where none has come yet, as readExcluded.
 */
export function readInForce(options: MasqueradeOptions): readonly string[] {
  if (options.excludeFile === undefined) return [];
  return readApplied(`${DIRECTORY}/${listKey(options)}`)?.prefixes ?? readExcluded(options).prefixes;
}

function readApplied(path: string): Applied | undefined {
  try {
    const value: Applied = JSON.parse(readText(path));
    return value;
  } catch (error) {
    if (hasCode(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The prefixes that such a file excludes. Throws SyntaxError where it isn't whole or has something else in it. */
export function parseExcludeFile(text: string): string[] {
  const keys = text.trimStart().startsWith("{") ? jsonKeys(text) : yamlKeys(text);
  const listed = keys.get("nonmasqueradecidrs") ?? [];
  if (!Array.isArray(listed)) throw new SyntaxError("nonMasqueradeCIDRs is not a list");
  const prefixes = listed.map((one: JsonValue) => {
    if (typeof one !== "string" || parseCidr(one) === undefined) {
      throw new SyntaxError(`nonMasqueradeCIDRs: ${JSON.stringify(one)} is not a CIDR prefix`);
    }
    return one;
  });
  // As ip-masq-agent: link-local destinations are excluded unless the file says otherwise.
  if (!isTrue(keys.get("masqlinklocal"))) prefixes.push("169.254.0.0/16");
  if (!isTrue(keys.get("masqlinklocalipv6"))) prefixes.push("fe80::/10");
  return [...new Set(prefixes)];
}

const isTrue = (value: JsonValue | undefined): boolean => value === true || value === "true";

function jsonKeys(text: string): ReadonlyMap<string, JsonValue> {
  const value: JsonValue = JSON.parse(text);
  if (!isJsonObject(value)) throw new SyntaxError("it is not an object");
  return new Map(Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key.toLowerCase(), one]])));
}

/** `key: value`, `key: [a, b]`, and `key:` with lines of `- item` below it. */
function yamlKeys(text: string): ReadonlyMap<string, JsonValue> {
  const keys = new Map<string, JsonValue>();
  let items: JsonValue[] | undefined;
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.replace(/(^|\s)#.*$/, "").trimEnd();
    if (line === "" || line === "---") continue;
    const item = /^\s*-\s+(.+)$/.exec(line);
    const pair = /^([A-Za-z0-9]+):(?:\s+(.*))?$/.exec(line);
    if (item !== null && items !== undefined) items.push(scalar(item[1] ?? ""));
    else if (pair !== null) {
      const [, key = "", value = ""] = pair;
      items = value === "" ? [] : undefined;
      keys.set(key.toLowerCase(), items ?? flow(value));
    } else throw new SyntaxError(`line ${i + 1} is neither "key: value" nor an item of a list: ${JSON.stringify(raw)}`);
  }
  return keys;
}

function flow(value: string): JsonValue {
  if (!value.startsWith("[")) return scalar(value);
  if (!value.endsWith("]")) throw new SyntaxError(`${value}: the list does not end`);
  const inner = value.slice(1, -1).trim();
  return inner === "" ? [] : inner.split(",").map((one) => scalar(one.trim()));
}

function scalar(text: string): string {
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text;
}
