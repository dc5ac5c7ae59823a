// The format of a list of destinations: that of ip-masq-agent's configuration, JSON or YAML of plain keys and lists.
// Reading takes time in proportion to the length of the text, whatever is in it: no regular expression goes over a line that
// could make it look twice. docs/adr/0011-exclude-file.md tells why no YAML library reads it.

import { isJsonObject, type JsonValue } from "../../cni/json.ts";
import { parseCidr } from "../../wire/ip.ts";

/**
 * The prefixes that a list excludes, each once. Throws SyntaxError where the text is not whole or has something else in it: the
 * message says where, and nothing of what is there.
 */
export function parseExcludeFile(text: string): string[] {
  const keys = text.trimStart().startsWith("{") ? jsonKeys(text) : yamlKeys(text);
  const listed = keys.get("nonmasqueradecidrs") ?? [];
  if (!Array.isArray(listed)) throw new SyntaxError("nonMasqueradeCIDRs is not a list");
  const prefixes = listed.map((one: JsonValue, i) => {
    if (typeof one !== "string" || parseCidr(one) === undefined) {
      throw new SyntaxError(`nonMasqueradeCIDRs[${i}] is not a CIDR prefix`);
    }
    return one;
  });
  // As ip-masq-agent: link-local destinations are excluded unless the list says otherwise.
  if (!isTrue(keys.get("masqlinklocal"))) prefixes.push("169.254.0.0/16");
  if (!isTrue(keys.get("masqlinklocalipv6"))) prefixes.push("fe80::/10");
  return [...new Set(prefixes)];
}

const isTrue = (value: JsonValue | undefined): boolean => value === true || value === "true";

function jsonKeys(text: string): ReadonlyMap<string, JsonValue> {
  const value = parse(text);
  if (!isJsonObject(value)) throw new SyntaxError("it is not whole JSON"); // engines quote what they can't read
  return new Map(Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key.toLowerCase(), one]])));
}

/** Undefined where the text is no JSON, or nested more deeply than the engine reads. */
function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `key: value`, `key: [a, b]`, and `key:` with lines of `- item` below it. */
function yamlKeys(text: string): ReadonlyMap<string, JsonValue> {
  const keys = new Map<string, JsonValue>();
  let items: JsonValue[] | undefined;
  for (const [i, raw] of text.split("\n").entries()) {
    const line = withoutComment(raw).trimEnd();
    if (line === "" || line === "---") continue;
    const item = itemIn(line);
    const pair = pairIn(line);
    if (item !== undefined && items !== undefined) items.push(scalar(item));
    else if (pair !== undefined) {
      items = pair.value === "" ? [] : undefined;
      keys.set(pair.key.toLowerCase(), items ?? flow(pair.value, i + 1));
    } else throw new SyntaxError(`line ${i + 1} is neither "key: value" nor an item of a list`);
  }
  return keys;
}

const isSpace = (character: string | undefined): boolean => character !== undefined && character.trim() === "";

/** The line up to a "#" that begins it or that follows a space. */
function withoutComment(line: string): string {
  for (let at = line.indexOf("#"); at >= 0; at = line.indexOf("#", at + 1)) {
    if (at === 0 || isSpace(line[at - 1])) return line.slice(0, at);
  }
  return line;
}

/** What follows the "-" of `- item`. */
function itemIn(line: string): string | undefined {
  const start = line.trimStart();
  return start.startsWith("-") && isSpace(start[1]) ? start.slice(1).trimStart() : undefined;
}

/** Key and value of `key: value`, of which the value may be missing. */
function pairIn(line: string): { readonly key: string; readonly value: string } | undefined {
  const colon = line.indexOf(":");
  const key = line.slice(0, colon);
  const rest = line.slice(colon + 1);
  if (colon < 1 || !/^[A-Za-z0-9]+$/.test(key) || (rest !== "" && !isSpace(rest[0]))) return undefined;
  return { key, value: rest.trimStart() };
}

function flow(value: string, line: number): JsonValue {
  if (!value.startsWith("[")) return scalar(value);
  if (!value.endsWith("]")) throw new SyntaxError(`line ${line}: the list that begins with "[" does not end`);
  const inner = value.slice(1, -1).trim();
  return inner === "" ? [] : inner.split(",").map((one) => scalar(one.trim()));
}

/** Without the quotation marks around it. */
function scalar(text: string): string {
  const first = text[0];
  const isQuoted = text.length > 1 && (first === '"' || first === "'") && text.endsWith(first);
  return isQuoted ? text.slice(1, -1) : text;
}
