// JSON as it comes from outside: its types, and reading it from bytes.

import { engine } from "../sys/engine.ts";
import { CNI_CODE, CniError } from "./error.ts";
import { findJsonError, UNREADABLE } from "./json-error.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Whether the value is an object: neither null nor an array. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads JSON in UTF-8; `what` names it in the CniError 6 that says where it stops being JSON. */
export function parseJson(bytes: Uint8Array, what: string): JsonValue {
  const text = engine.decode(bytes);
  const { value, problem } = tryParse(text);
  if (problem !== undefined) throw new CniError(CNI_CODE.DECODING_FAILURE, `${what} ${problem}`);
  return value;
}

type Parsed =
  | { readonly value: JsonValue; readonly problem?: undefined }
  | { readonly value?: undefined; readonly problem: string };

/** What engines say of a fault differs, so it isn't passed on. */
function tryParse(text: string): Parsed {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    // Not the syntax but the stack or the memory: to look for a fault would take long, and more memory.
    return { problem: error instanceof SyntaxError ? findJsonError(text) : UNREADABLE };
  }
}

const EXCERPT_LENGTH = 80;

/** A value for an error message: as JSON, cut short where it is long. */
export function excerpt(value: JsonValue): string {
  const text = begin(value, EXCERPT_LENGTH);
  return text.length <= EXCERPT_LENGTH ? text : `${text.slice(0, EXCERPT_LENGTH - 3)}...`;
}

/** The beginning of the value as JSON, about `room` characters: however large and deep it is, no more is looked at. */
function begin(value: JsonValue, room: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, Math.max(0, room)));
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const isArray = !isJsonObject(value);
  let text = isArray ? "[" : "{";
  for (const key in value) {
    if (text.length > room) break;
    if (text.length > 1) text += ",";
    if (!isArray) text += `${begin(key, room - text.length)}:`;
    text += begin(isArray ? (value[Number(key)] ?? null) : (value[key] ?? null), room - text.length);
  }
  return text + (isArray ? "]" : "}");
}
