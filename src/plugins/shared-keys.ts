// Keys that a plugin takes besides its own: where it asks an IPAM plugin for addresses, and where it masquerades them.

import { array, object, optional, type Schema, text } from "../cni/schema.ts";
import { rangeSchema } from "../ipam/range.ts";
import { containerOptionsSchema, networkOptionsSchema } from "../masquerade/options/options.ts";
import { parseCidr, parseIp } from "../wire/ip.ts";

// static needs the prefix length, host-local passes over it.
const address = text("an IP address, with a prefix length or without", (one) => parseCidr(one) ?? parseIp(one));
const ips = optional(array(address, "addresses that the container is to have"));

/** For the IPAM plugin that is asked. */
export const addressKeys: Schema<unknown> = object({
  args: optional(object({ cni: optional(object({ ips })) })),
  runtimeConfig: optional(
    object({ ips, ipRanges: optional(array(array(rangeSchema), "range sets of host-local, before those of ipam")) }),
  ),
});

/** The options of "ipMasq". */
export const masqueradeOptionKeys: Schema<unknown> = object({
  ipMasqOptions: optional(networkOptionsSchema),
  args: optional(object({ cni: optional(object({ ipMasqOptions: optional(containerOptionsSchema) })) })),
  runtimeConfig: optional(object({ ipMasq: optional(containerOptionsSchema) })),
});
