// The addresses that someone asks for: CNI_ARGS, `args.cni.ips` and the `ips` capability (upstream's CONVENTIONS.md).

import type { JsonObject } from "../cni/json.ts";
import { array, object, optional, type Schema, withDefault } from "../cni/schema.ts";

/** The lists of a configuration, each an empty one where it is absent. */
export interface RequestedIps<T> {
  readonly args: readonly T[];
  readonly runtimeConfig: readonly T[];
}

/** Reads both lists of a whole configuration; `element` says what may be in them. */
export function readRequestedIps<T>(raw: JsonObject, element: Schema<T>): RequestedIps<T> {
  const ips = withDefault(array(element), []);
  const { args, runtimeConfig } = object({
    args: optional(object({ cni: optional(object({ ips })) })),
    runtimeConfig: optional(object({ ips })),
  }).read(raw, "");
  return { args: args?.cni?.ips ?? [], runtimeConfig: runtimeConfig?.ips ?? [] };
}
