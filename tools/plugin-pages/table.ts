// The table of a plugin's keys, from the definitions that the plugin reads its configuration by.

import type { OwnPlugin } from "../../src/cni/plugin.ts";
import type { Schema } from "../../src/cni/schema.ts";

/** A key and what is to be told of it. */
interface Row {
  /** `ipam.ranges[][].subnet` */
  readonly path: string;
  /** What the value may be. */
  readonly value: string;
  /** What counts where the key is absent; "" where nothing does. */
  readonly fallback: string;
  readonly about: string;
}

/** The table as Markdown, with a sentence instead where the plugin has no keys of its own. */
export function keyTable({ keys, kind }: Pick<OwnPlugin, "keys" | "kind">): string {
  const prefix = kind === "ipam" ? "ipam" : "";
  const rows = new Map(keys.flatMap((schema) => rowsOf(schema, prefix)).map((row) => [row.path, row]));
  if (rows.size === 0) return "It has no keys of its own.";
  const cells = [...rows.values()].map(({ path, value, fallback, about }) => [`\`${path}\``, value, fallback, about]);
  const lines = [["key", "value", "unless given", "what it does"], ["---", "---", "---", "---"], ...cells];
  return lines.map((line) => `| ${line.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`).join("\n");
}

/** More keys than this are named in one row, where the object itself is described. */
const MANY_KEYS = 8;

/** The rows of a value that is under this path; of an object those of its keys. */
function rowsOf(schema: Schema<unknown>, path: string, fallback = "must be given"): Row[] {
  const { shape, about } = schema;
  if (shape.kind === "optional") {
    const [first, ...rest] = rowsOf(given(shape.inner), path, shown(shape.fallback));
    if (first === undefined) return [];
    return first.path === path && about !== "" ? [{ ...first, about }, ...rest] : [first, ...rest];
  }
  const own = { path, value: valueText(schema), fallback, about };
  const { element, suffix } = elementOf(schema);
  if (element.shape.kind !== "object") return [own];
  const { fields } = element.shape;
  const isOfRuntime = /^(args|runtimeConfig)\./.test(path);
  if (about !== "" && (isOfRuntime || Object.keys(fields).length > MANY_KEYS)) return [own];
  const keys = Object.entries(fields).flatMap(([key, field]) =>
    rowsOf(field, path === "" ? key : `${path}${suffix}.${key}`),
  );
  // Of an object that is described its keys say what it has.
  return about === "" && suffix === "" ? keys : [{ ...own, value: valueText(schema, true) }, ...keys];
}

/** What a list, or an object with keys of the user's, is made of, however deep; `[][]`, say, is what the path goes on with. */
function elementOf(schema: Schema<unknown>): { readonly element: Schema<unknown>; readonly suffix: string } {
  const { shape } = given(schema);
  if (shape.kind !== "array" && shape.kind !== "record") return { element: given(schema), suffix: "" };
  const { element, suffix } = elementOf(shape.element);
  return { element, suffix: `${shape.kind === "array" ? "[]" : ".*"}${suffix}` };
}

/** The schema of a value that is there. */
function given(schema: Schema<unknown>): Schema<unknown> {
  return schema.shape.kind === "optional" ? given(schema.shape.inner) : schema;
}

/** What a value may be. The keys of an object are named, unless they have rows of their own. */
function valueText(schema: Schema<unknown>, haveRows = false): string {
  const { shape } = schema;
  switch (shape.kind) {
    case "boolean":
      return "`true` or `false`";
    case "integer":
      return `a number from ${shape.min} to ${shape.max}`;
    case "one of":
      return listOf(shape.values.map((one) => JSON.stringify(one)));
    case "text":
      return shape.noun.replace(/ \(.*\)$/, "");
    case "string":
      return shape.later === undefined ? "a text" : valueText(shape.later);
    case "array":
      return `a list${shape.least > 0 ? " of at least one" : ""}: ${valueText(shape.element, haveRows)}`;
    case "record":
      return `an object whose keys are yours: ${valueText(shape.element, haveRows)}`;
    case "optional":
      return valueText(shape.inner, haveRows);
    case "object":
      return haveRows ? "an object" : `an object of ${listOf(Object.keys(shape.fields))}`;
    case "json object":
      return "an object";
    case "json":
      return "anything";
    case "unsupported":
      return "not supported";
  }
}

function listOf(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(", ");
}

/** A value that is no JSON, an address that has been read say, is not told. */
function shown(fallback: unknown): string {
  const isTold =
    typeof fallback === "boolean" || typeof fallback === "number" || (typeof fallback === "string" && fallback !== "");
  return isTold ? `\`${fallback}\`` : "";
}
