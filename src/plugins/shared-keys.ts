// The keys that every plugin takes which asks an IPAM plugin for addresses and masquerades them, besides its own.

import { array, object, optional, type Schema, text } from "../cni/schema.ts";
import { rangeSchema } from "../ipam/range.ts";
import { containerOptionsSchema, networkOptionsSchema } from "../masquerade/options/options.ts";
import { parseCidr, parseIp } from "../wire/ip.ts";

// static needs the prefix length, host-local passes over it.
const address = text("an IP address, with a prefix length or without", (one) => parseCidr(one) ?? parseIp(one));
const ips = optional(array(address, "addresses that the container is to have"));

export const attachedKeys: Schema<unknown> = object({
  ipMasqOptions: optional(networkOptionsSchema),
  args: optional(object({ cni: optional(object({ ips, ipMasqOptions: optional(containerOptionsSchema) })) })),
  runtimeConfig: optional(
    object({
      ips,
      ipRanges: optional(array(array(rangeSchema), "range sets of host-local, before those of ipam")),
      ipMasq: optional(containerOptionsSchema),
    }),
  ),
});
