// Every wrong type at every key: made from the same schemas that the plugins read with, so that no key is forgotten.

import type { Fields, Schema } from "../../../src/cni/schema.ts";
import type { Json } from "./node.ts";

/** A key, the ways to be wrong there, and how the error is to be told. */
export interface WrongKey {
  /** As errors name it: `ipam.ranges[0][0].subnet`. */
  readonly at: string;
  /** The type that errors say should have been there. */
  readonly type: string;
  /** Values of another type each; code 6. */
  readonly wrongTypes: readonly Json[];
  /** What errors say that a value of the right type should have been. */
  readonly meaning: string;
  /** Values of the right type that mean nothing there; code 7. */
  readonly wrongValues: readonly Json[];
  /** The configuration with this value at the key, and all that must be beside it. */
  readonly put: (value: Json) => Json;
}

/** One of each kind of JSON. null counts as absent. */
const KINDS: readonly Json[] = ["yes", 5, 1.5, true, ["yes"], { yes: 5 }];

function kindOf(value: Json): string {
  if (Number.isInteger(value)) return "integer";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Every key below a schema, itself included. `put` makes the whole configuration from a value that is here. */
export function wrongKeys(schema: Schema<unknown>, at: string, put: (value: Json) => Json): WrongKey[] {
  const { shape } = schema;
  const here = (type: string, kind: string, meaning = "", wrongValues: readonly Json[] = []): WrongKey => {
    return { at, type, wrongTypes: KINDS.filter((value) => kindOf(value) !== kind), meaning, wrongValues, put };
  };
  switch (shape.kind) {
    case "optional":
      return wrongKeys(shape.inner, at, put);
    case "boolean":
      return [here("true or false", "boolean")];
    case "string":
      return [here("a string", "string")];
    case "integer": {
      const { min, max } = shape;
      return [
        here(`a whole number from ${min} to ${max}`, "integer", `a number from ${min} to ${max}`, [min - 1, max + 1]),
      ];
    }
    case "one of":
      return [
        here("a string", "string", `one of ${shape.values.map((one) => JSON.stringify(one)).join(", ")}`, ["nonsense"]),
      ];
    case "text":
      return [here("a string", "string", shape.noun, shape.noun === "a path" ? ["a\0b"] : ["non/sense", "a\0b"])];
    case "array":
      return [here("an array", "array"), ...wrongKeys(shape.element, `${at}[0]`, (value) => put([value]))];
    case "record":
      return [here("an object", "object"), ...wrongKeys(shape.element, `${at}.x`, (value) => put({ x: value }))];
    case "json object":
      return [here("an object", "object")];
    case "object":
      return [here("an object", "object"), ...keysOf(shape.fields, at, put)];
    default:
      throw new Error(`${at}: a schema of the kind ${JSON.stringify(shape.kind)} is new here`);
  }
}

function keysOf(fields: Fields, at: string, put: (value: Json) => Json): WrongKey[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const others = requiredOf(fields).filter(([key]) => key !== name);
    const beside = Object.fromEntries(others.map(([key, other]) => [key, sampleOf(other)]));
    return wrongKeys(field, pathOf(at, name), (value) => put({ ...beside, [name]: value }));
  });
}

function pathOf(at: string, name: string): string {
  if (!/^[\w-]+$/.test(name)) return `${at}["${name}"]`;
  return at === "" ? name : `${at}.${name}`;
}

/** What is right for a key whose value is of such a kind; all others that must be there are CIDR prefixes. */
const TEXTS: readonly (readonly [noun: string, sample: string])[] = [
  ["an interface name", "eth9"],
  ["a name of an interface", "eth9"],
  ["a DHCP option", "12"],
  ["", "198.18.0.0/24"],
];

/** Something that is right for a key that must be there. */
function sampleOf({ shape }: Schema<unknown>): Json {
  switch (shape.kind) {
    case "string":
      return "x";
    case "integer":
      return shape.min;
    case "text":
      if (shape.noun.startsWith("one of ")) return /^one of ([^,]+)/.exec(shape.noun)?.[1];
      return TEXTS.find(([noun]) => shape.noun.startsWith(noun))?.[1];
    case "array":
      return [];
    case "object":
      return Object.fromEntries(requiredOf(shape.fields).map(([key, field]) => [key, sampleOf(field)]));
    default:
      throw new Error(`there is no sample of the kind ${JSON.stringify(shape.kind)} here`);
  }
}

function requiredOf(fields: Fields): readonly (readonly [string, Schema<unknown>])[] {
  return Object.entries(fields).filter(([, field]) => field.absent === undefined);
}
