// What a configuration may hold, declared once: the reader, its TypeScript type and its JSON Schema (json-schema.ts) come
// from the same definition. Reading follows Go's encoding/json where users can tell the difference: keys are found
// whatever their case, null counts as absent, unknown keys are passed over.

import { CNI_CODE, CniError } from "./error.ts";
import { excerpt, isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

/** What a schema is made of, for descriptions to people and programs. */
type Shape =
  | { readonly kind: "boolean" | "json" | "json object" }
  /** `later` is what text that is judged later should be. */
  | { readonly kind: "string"; readonly later?: Schema<unknown> }
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  | { readonly kind: "one of"; readonly values: readonly string[] }
  | { readonly kind: "text"; readonly noun: string }
  | { readonly kind: "array"; readonly element: Schema<unknown>; readonly least: number }
  | { readonly kind: "record"; readonly element: Schema<unknown> }
  | { readonly kind: "object"; readonly fields: Fields }
  | { readonly kind: "optional"; readonly inner: Schema<unknown>; readonly fallback: unknown }
  | { readonly kind: "unsupported" };

export interface Schema<T> {
  readonly shape: Shape;
  /** What the value means, for people. */
  readonly about: string;
  /**
   * Reads a value that is there and isn't null; `at` is the path of its key, "" for a whole configuration. Throws CniError
   * 6 for a wrong type, 7 for a wrong or missing value, 2 for an unsupported key.
   */
  readonly read: (value: JsonValue, at: string) => T;
  /** The value of an absent key, where it may be absent. */
  readonly absent?: () => T;
  /** Whether "" counts as absent, as it does for Go's net.IP. */
  readonly emptyIsAbsent?: boolean;
}

export type Infer<S> = S extends Schema<infer T> ? T : never;

export type Fields = Readonly<Record<string, Schema<unknown>>>;

/** The value that an object schema reads: every key is there, and undefined where it was absent and is optional. */
export type Values<F extends Fields> = { readonly [K in keyof F]: Infer<F[K]> };

export function string(about = ""): Schema<string> {
  return { shape: { kind: "string" }, about, read: readString };
}

export function boolean(about = ""): Schema<boolean> {
  return {
    shape: { kind: "boolean" },
    about,
    read: (value, at) => (typeof value === "boolean" ? value : wrongType(at, value, "true or false")),
  };
}

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max: number, about = ""): Schema<number> {
  return {
    shape: { kind: "integer", min, max },
    about,
    read(value, at) {
      if (typeof value !== "number" || !Number.isInteger(value))
        return wrongType(at, value, `a whole number from ${min} to ${max}`);
      return value >= min && value <= max ? value : wrongValue(at, value, `a number from ${min} to ${max}`);
    },
  };
}

/** One of a few words. */
export function oneOf<const T extends string>(values: readonly T[], about = ""): Schema<T> {
  return {
    shape: { kind: "one of", values },
    about,
    read(value, at) {
      const text = readString(value, at);
      const found = values.find((one) => one === text);
      return found ?? wrongValue(at, text, `one of ${values.map((one) => JSON.stringify(one)).join(", ")}`);
    },
  };
}

/** Text that `parse` understands or answers with undefined; `noun` says what it should be: "a CIDR prefix". */
export function text<T>(noun: string, parse: (text: string) => T | undefined, about = ""): Schema<T> {
  return {
    shape: { kind: "text", noun },
    about,
    read(value, at) {
      const given = readString(value, at);
      return parse(given) ?? wrongValue(at, given, noun);
    },
  };
}

/** Text of which "" counts as absent. */
export function emptyIsAbsent<T>(inner: Schema<T>): Schema<T> {
  return { ...inner, emptyIsAbsent: true };
}

/**
 * Text that is judged only when it is used: what is switched off, or replaced by another key, may be any text. The value is a
 * function that returns what `inner` reads, and throws what `inner` throws. "" counts as absent.
 */
export function judgedLater<T>(inner: Schema<T>): Schema<() => T> {
  return {
    shape: { kind: "string", later: inner },
    about: inner.about,
    emptyIsAbsent: true,
    read(value, at) {
      const given = readString(value, at);
      return () => inner.read(given, at);
    },
  };
}

/** Any JSON object, as it is. */
export function jsonObject(about = ""): Schema<JsonObject> {
  return { shape: { kind: "json object" }, about, read: readObject };
}

/** Anything but null, as it is. */
export function json(about = ""): Schema<JsonValue> {
  return { shape: { kind: "json" }, about, read: (value) => value };
}

/** A list of no fewer than `least`, which is 0 or 1. An element that is null counts as absent, if it may be absent. */
export function array<T>(element: Schema<T>, about = "", least: 0 | 1 = 0): Schema<readonly T[]> {
  return {
    shape: { kind: "array", element, least },
    about,
    read(value, at) {
      if (!Array.isArray(value)) return wrongType(at, value, "an array");
      const elements: readonly JsonValue[] = value;
      if (elements.length < least) return wrongValue(at, value, "a list of at least one");
      return elements.map((one, i) => {
        // As in Go: null leaves the element at what it is by itself.
        if (one === null && element.absent !== undefined) return element.absent();
        return element.read(one, `${at}[${i}]`);
      });
    },
  };
}

/** An object whose keys are the user's. */
export function record<T>(element: Schema<T>, about = ""): Schema<ReadonlyMap<string, T>> {
  return {
    shape: { kind: "record", element },
    about,
    read(value, at) {
      const entries = Object.entries(readObject(value, at)).filter(([, one]) => one !== null);
      return new Map(entries.map(([key, one]) => [key, element.read(one, pathOf(at, key))]));
    },
  };
}

/** An object of known keys. Of keys that differ by case only, the last counts. */
export function object<F extends Fields>(fields: F, about = ""): Schema<Values<F>> {
  const rows: Row[] = Object.entries(fields).map(([name, field]) => ({ name, field, path: pathOf("", name) }));
  const byName = new Map(rows.map((row) => [row.name, row]));
  const otherCases = new Map(rows.map((row) => [row.name.toLowerCase(), row]));
  const required = rows.filter(({ field }) => field.absent === undefined);
  const absent: Record<string, unknown> = Object.fromEntries(rows.map(({ name, field }) => [name, field.absent?.()]));
  return {
    shape: { kind: "object", fields },
    about,
    // Most configurations say few of the keys, and only what they say is looked at.
    read(value, at) {
      const given = readObject(value, at);
      const values = { ...absent };
      for (const key in given) {
        const one = given[key];
        if (one === undefined || one === null) continue;
        const row = byName.get(key) ?? otherCases.get(key.toLowerCase());
        if (row === undefined) continue;
        const { name, field, path } = row;
        values[name] = one === "" && field.emptyIsAbsent ? absent[name] : field.read(one, join(at, path));
      }
      for (const { name, field, path } of required) {
        if (values[name] !== undefined) continue;
        throw new CniError(CNI_CODE.INVALID_CONFIG, `${join(at, path)} is missing`, field.about);
      }
      return values as Values<F>; // the loops above are what Values says, which no type can follow
    },
  };
}

/** A key that may be absent. */
export function optional<T>(inner: Schema<T>): Schema<T | undefined> {
  return { ...inner, shape: { kind: "optional", inner, fallback: undefined }, absent: () => undefined };
}

/** A key that may be absent and then has this value. */
export function withDefault<T>(inner: Schema<T>, fallback: T): Schema<T> {
  return { ...inner, shape: { kind: "optional", inner, fallback }, absent: () => fallback };
}

/** A key that others know and we can't honour: an error of code 2 wherever it is given. `about` says what to do instead. */
export function unsupported(about: string): Schema<undefined> {
  return {
    shape: { kind: "unsupported" },
    about,
    read(value, at) {
      throw new CniError(CNI_CODE.UNSUPPORTED_FIELD, `${at}: ${excerpt(value)} is not supported`, about);
    },
    absent: () => undefined,
  };
}

/** A field, and its path in an object that has none itself. */
interface Row {
  readonly name: string;
  readonly field: Schema<unknown>;
  readonly path: string;
}

function readString(value: JsonValue, at: string): string {
  return typeof value === "string" ? value : wrongType(at, value, "a string");
}

function readObject(value: JsonValue, at: string): JsonObject {
  return isJsonObject(value) ? value : wrongType(at, value, "an object");
}

/** The path of a key in the object of this path, as errors have it: `a.b`, `a["b c"]`. */
export function pathOf(at: string, key: string): string {
  return join(at, /^[\w-]+$/.test(key) ? key : `[${JSON.stringify(key)}]`);
}

function join(at: string, path: string): string {
  return at === "" || path.startsWith("[") ? `${at}${path}` : `${at}.${path}`;
}

function wrongType(at: string, value: JsonValue, wanted: string): never {
  throw new CniError(CNI_CODE.DECODING_FAILURE, problem(at, value, wanted));
}

function wrongValue(at: string, value: JsonValue, wanted: string): never {
  throw new CniError(CNI_CODE.INVALID_CONFIG, problem(at, value, wanted));
}

function problem(at: string, value: JsonValue, wanted: string): string {
  return `${at === "" ? "" : `${at}: `}${excerpt(value)} is not ${wanted}`;
}
