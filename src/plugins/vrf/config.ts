// The keys of the plugin's configuration.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { interfaceName } from "../../cni/fields.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { integer, json, object, optional, withDefault } from "../../cni/schema.ts";
import { RT_TABLE } from "../../rtnetlink/uapi.ts";

const TABLE_MAX = 0xffffffff; // IFLA_VRF_TABLE, include/uapi/linux/if_link.h: u32

export const vrfSchema = object({
  vrfname: interfaceName("name of the VRF device in the container, which is made unless it is there"),
  table: withDefault(
    integer(0, TABLE_MAX, "routing table of the VRF; 0: a free one, or that of the VRF that is there"),
    0,
  ),
});

export interface VrfConfig {
  readonly vrfname: string;
  /** Undefined: whichever. */
  readonly table: number | undefined;
}

/** Throws CniError 6 for a wrong type and 7 for a wrong value. */
export function readVrfConfig({ config }: Pick<Invocation, "config">): VrfConfig {
  const { vrfname, table } = vrfSchema.read(config.raw, "");
  if (table < RT_TABLE.DEFAULT || table > RT_TABLE.LOCAL) return { vrfname, table: table || undefined };
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `table: ${table} is one of the kernel's own (default, main, local), which no VRF can have`,
  );
}

const nameSchema = object({ vrfname: optional(json()) });

/** The name, for DEL, which no wrong value may stop: without a name there is nothing to remove. */
export function givenName({ config }: Pick<Invocation, "config">): string | undefined {
  const { vrfname } = nameSchema.read(config.raw, "");
  return typeof vrfname === "string" && vrfname !== "" ? vrfname : undefined;
}
