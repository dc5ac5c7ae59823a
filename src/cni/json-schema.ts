// A configuration schema as JSON Schema (draft 2020-12), for editors and for people. No plugin needs this file.

import type { JsonObject, JsonValue } from "./json.ts";
import type { Fields, Schema } from "./schema.ts";

/** The document that describes a plugin's configuration; `title` names the plugin. */
export function toJsonSchema(schema: Schema<unknown>, title: string): JsonObject {
  return { $schema: "https://json-schema.org/draft/2020-12/schema", title, ...describe(schema) };
}

function describe(schema: Schema<unknown>): JsonObject {
  const type = typeOf(schema);
  return schema.about === "" ? type : { ...type, description: schema.about };
}

function typeOf({ shape }: Schema<unknown>): JsonObject {
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
      return { type: "string", enum: shape.values };
    case "text":
      return { type: "string", $comment: `must be ${shape.noun}` };
    case "array":
      return { type: "array", items: describe(shape.element) };
    case "record":
      return { type: "object", additionalProperties: describe(shape.element) };
    case "object":
      return describeFields(shape.fields);
    case "optional":
      return withDefaultOf(shape.inner, shape.fallback);
    case "unsupported":
      return { not: {} };
  }
}

/** Keys beyond those known are allowed: they may be another plugin's, or the runtime's. */
function describeFields(fields: Fields): JsonObject {
  const properties: Record<string, JsonValue> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    properties[name] = describe(field);
    if (field.absent === undefined) required.push(name);
  }
  return required.length > 0 ? { type: "object", properties, required } : { type: "object", properties };
}

/** A default that is no JSON, a parsed address say, can't be told. */
function withDefaultOf(inner: Schema<unknown>, fallback: unknown): JsonObject {
  if (typeof fallback === "boolean" || typeof fallback === "number" || typeof fallback === "string") {
    return { ...describe(inner), default: fallback };
  }
  return describe(inner);
}
