// The keys of the plugin's configuration, as upstream's documentation has them.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { boolean, type Infer, integer, object, withDefault } from "../../cni/schema.ts";
import { backendKey, backendProblem } from "../../masquerade/masquerade.ts";

const MTU_MIN = 68; // RFC 791: what every link must carry
const MTU_MAX = 65535; // ETH_MAX_MTU, include/uapi/linux/if_ether.h

/** The plugin's own keys, for reading and for its JSON Schema. */
export const ptpSchema = object({
  ipMasq: withDefault(boolean("masquerade what the container sends beyond its subnets"), false),
  ipMasqBackend: backendKey,
  mtu: withDefault(integer(0, MTU_MAX, "of both ends; 0: the kernel's default"), 0),
});

export type PtpConfig = Infer<typeof ptpSchema>;

/** Reads the configuration. Throws CniError 6 for a wrong type and 7 for a wrong value. */
export function readPtpConfig(invocation: Invocation): PtpConfig {
  const keys = ptpSchema.read(invocation.config.raw, "");
  if (keys.mtu !== 0 && keys.mtu < MTU_MIN) {
    throw new CniError(CNI_CODE.INVALID_CONFIG, `mtu: ${keys.mtu} is not a number from ${MTU_MIN} to ${MTU_MAX}`);
  }
  const problem = keys.ipMasq ? backendProblem(keys.ipMasqBackend, invocation) : undefined;
  if (problem !== undefined) throw new CniError(CNI_CODE.INVALID_CONFIG, problem);
  return keys;
}
