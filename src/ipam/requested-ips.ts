// The addresses that someone asks for: CNI_ARGS, `args.cni.ips` and the `ips` capability (upstream's CONVENTIONS.md).

import type { JsonObject } from "../cni/json.ts";
import { array, object, optional, type Schema, withDefault } from "../cni/schema.ts";

/** The lists of a configuration, each an empty one where it is absent. */
export interface RequestedIps<T> {
  readonly args: readonly T[];
  readonly runtimeConfig: readonly T[];
}

interface Keys<T> {
  readonly args: { readonly cni: { readonly ips: readonly T[] } | undefined } | undefined;
  readonly runtimeConfig: { readonly ips: readonly T[] } | undefined;
}

/** Where the lists are in a whole configuration; `element` says what may be in them. */
export function requestedIpsSchema<T>(element: Schema<T>): Schema<Keys<T>> {
  const ips = withDefault(array(element), []);
  return object({
    args: optional(object({ cni: optional(object({ ips })) })),
    runtimeConfig: optional(object({ ips })),
  });
}

/** Reads both lists of a whole configuration. Throws CniError. */
export function readRequestedIps<T>(raw: JsonObject, schema: Schema<Keys<T>>): RequestedIps<T> {
  const { args, runtimeConfig } = schema.read(raw, "");
  return { args: args?.cni?.ips ?? [], runtimeConfig: runtimeConfig?.ips ?? [] };
}
