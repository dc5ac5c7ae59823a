// Keys of a configuration that nobody knows and that look like one that is known: `ipMask`. Plugins pass over what they do not
// know, as upstream's do, so that a typing error goes unnoticed.

import { closestMatch } from "leven";
import { configSchema } from "../cni/config.ts";
import { isJsonObject, type JsonObject } from "../cni/json.ts";
import type { OwnPlugin } from "../cni/plugin.ts";
import type { Fields, Schema } from "../cni/schema.ts";

export interface SuspectKey {
  /** Its path in the plugin's configuration. */
  readonly key: string;
  /** The name that is known. */
  readonly meant: string;
}

/** So many letters may be wrong; in a short key, one. */
const TYPING_ERRORS = 2;
const SHORT = 5;

/** Keys of runtimes, of lists and of upstream's plugins that ours read without a schema, or not at all. */
const OTHERS = ["runtimeConfig", "args", "prevResult", "capabilities", "type", "name", "cniVersion"];

/** Those of a plugin's configuration, and of its section "ipam"; `find` finds the IPAM plugin by its type. */
export function suspectKeys(
  plugin: OwnPlugin,
  config: JsonObject,
  find: (type: string) => OwnPlugin | undefined,
): SuspectKey[] {
  const own = plugin.kind === "ipam" ? [] : plugin.keys;
  const found = suspectsIn(config, [configSchema, ...own], "");
  const { ipam } = config;
  if (!isJsonObject(ipam)) return found;
  const allocator = plugin.kind === "ipam" ? plugin : find(typeof ipam["type"] === "string" ? ipam["type"] : "");
  return allocator?.kind === "ipam" ? [...found, ...suspectsIn(ipam, allocator.keys, "ipam.")] : found;
}

function suspectsIn(config: JsonObject, schemas: readonly Schema<unknown>[], at: string): SuspectKey[] {
  const known = [...schemas.flatMap((schema) => Object.keys(fieldsOf(schema))), ...OTHERS];
  const inSmall = new Set(known.map((key) => key.toLowerCase()));
  return Object.keys(config).flatMap((key) => {
    if (inSmall.has(key.toLowerCase())) return [];
    const maxDistance = key.length > SHORT ? TYPING_ERRORS : 1;
    const meant = closestMatch(key, known, { maxDistance });
    return meant === undefined ? [] : [{ key: `${at}${key}`, meant }];
  });
}

function fieldsOf({ shape }: Schema<unknown>): Fields {
  if (shape.kind === "object") return shape.fields;
  return shape.kind === "optional" ? fieldsOf(shape.inner) : {};
}
