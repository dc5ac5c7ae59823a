// A configuration schema as JSON Schema (draft 2020-12), for editors and for people. No plugin needs this file.

import type { JsonObject, JsonValue } from "./json.ts";
import type { Fields, Schema } from "./schema.ts";

/** The regular expression of a kind of text, by the noun that its schema has for it ("a CIDR prefix"). */
export type Patterns = Readonly<Record<string, string>>;

/** The dialect that all of this is in, for "$schema". */
export const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** What takes the values that the schema reads. Text without a pattern is any string, and a comment tells the noun. */
export function toJsonSchema(schema: Schema<unknown>, patterns: Patterns = {}): JsonObject {
  return describe(schema, patterns);
}

function describe(schema: Schema<unknown>, patterns: Patterns): JsonObject {
  const type = typeOf(schema, patterns);
  return schema.about === "" ? type : { ...type, description: schema.about };
}

function typeOf({ shape, emptyIsAbsent }: Schema<unknown>, patterns: Patterns): JsonObject {
  switch (shape.kind) {
    case "boolean":
    case "string":
      return { type: shape.kind };
    case "json":
      return {};
    case "json object":
      return { type: "object" };
    case "integer":
      return { type: "integer", minimum: shape.min, maximum: shape.max };
    case "one of":
      return { type: "string", enum: emptyIsAbsent === true ? [...shape.values, ""] : shape.values };
    case "text":
      return textOf(shape.noun, patterns[shape.noun], emptyIsAbsent === true);
    case "array":
      return {
        type: "array",
        items: describe(shape.element, patterns),
        ...(shape.least > 0 ? { minItems: shape.least } : {}),
      };
    case "record":
      return { type: "object", additionalProperties: describe(shape.element, patterns) };
    case "object":
      return describeFields(shape.fields, patterns);
    case "optional":
      return withDefaultOf(shape.inner, shape.fallback, patterns);
    case "unsupported":
      return { not: {} };
  }
}

function textOf(noun: string, pattern: string | undefined, mayBeEmpty: boolean): JsonObject {
  const comment = { type: "string", $comment: `must be ${noun}` };
  if (pattern === undefined) return comment;
  return { ...comment, pattern: mayBeEmpty ? `^$|${pattern}` : pattern };
}

/** Keys beyond those known are allowed: they may be another plugin's, or the runtime's. */
function describeFields(fields: Fields, patterns: Patterns): JsonObject {
  const properties: Record<string, JsonValue> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    properties[name] = describe(field, patterns);
    if (field.absent === undefined) required.push(name);
  }
  return required.length > 0 ? { type: "object", properties, required } : { type: "object", properties };
}

/** A default that is no JSON, a parsed address say, can't be told, and "" tells nothing but that the key is absent. */
function withDefaultOf(inner: Schema<unknown>, fallback: unknown, patterns: Patterns): JsonObject {
  if (
    typeof fallback === "boolean" ||
    typeof fallback === "number" ||
    (typeof fallback === "string" && fallback !== "")
  ) {
    return { ...describe(inner, patterns), default: fallback };
  }
  return describe(inner, patterns);
}
