// The keys of the plugin's configuration.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { ip } from "../../cni/fields.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { array, integer, json, judgedLater, object, optional, withDefault } from "../../cni/schema.ts";
import { FAMILIES, familyOf, formatIp, type Ip } from "../../wire/ip.ts";
import { flag } from "../keys.ts";

const TABLE_MAX = 0xffffffff; // FRA_TABLE, include/uapi/linux/fib_rules.h: u32
/** The last before the rule of the main table. */
const PRIORITY_MAX = 32765;

export const sbrSchema = object({
  table: optional(
    integer(
      1,
      TABLE_MAX,
      "table that the rules lead to, and whose routes are your own; absent: a free one for each address",
    ),
  ),
  gateways: withDefault(
    array(judgedLater(ip("a gateway")), "gateways in place of those of the addresses, one of each family at most"),
    [],
  ),
  addSourceHints: flag("keep the routes to the subnets in the main table, with the address as their source"),
  priority: optional(integer(1, PRIORITY_MAX, "priority of the rules; absent: the kernel's choice, from 32765 down")),
});

export interface SbrConfig {
  readonly table: number | undefined;
  readonly gateways: readonly Ip[];
  readonly addSourceHints: boolean;
  readonly priority: number | undefined;
}

/** Throws CniError 6 for a wrong type and 7 for a wrong value. With a table of its own, `gateways` isn't judged, as upstream. */
export function readSbrConfig({ config }: Pick<Invocation, "config">): SbrConfig {
  const { gateways, ...rest } = sbrSchema.read(config.raw, "");
  return { ...rest, gateways: rest.table === undefined ? oneOfEach(gateways.map((read) => read())) : [] };
}

function oneOfEach(gateways: readonly Ip[]): readonly Ip[] {
  for (const family of FAMILIES) {
    const [one, other] = gateways.filter((ip) => familyOf(ip) === family);
    if (one === undefined || other === undefined) continue;
    throw new CniError(
      CNI_CODE.INVALID_CONFIG,
      `gateways: ${formatIp(one)} and ${formatIp(other)} are two of IPv${family}, of which one is possible`,
    );
  }
  return gateways;
}

const tableSchema = object({ table: optional(json()) });

/** The table, for DEL, which no wrong value may stop. */
export function givenTable({ config }: Pick<Invocation, "config">): number | undefined {
  const { table } = tableSchema.read(config.raw, "");
  return typeof table === "number" ? table : undefined;
}
