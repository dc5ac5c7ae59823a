// The keys of the plugin's configuration, as upstream's documentation has them.

import type { Invocation } from "../../cni/plugin.ts";
import { object } from "../../cni/schema.ts";
import { type Masquerade, masqueradeFor } from "../../masquerade/masquerade.ts";
import { masqueradeKeys } from "../extras.ts";
import { mtuKey, mtuOf } from "../keys.ts";

/** The plugin's own keys, for reading and for its JSON Schema. */
export const ptpSchema = object({ ...masqueradeKeys, mtu: mtuKey("of both ends") });

export interface PtpConfig {
  /** Undefined where "ipMasq" is off. */
  readonly masquerade: Masquerade | undefined;
  /** Of both ends; undefined: the kernel's choice. */
  readonly mtu: number | undefined;
}

/** Reads the configuration. Throws CniError 6 for a wrong type and 7 for a wrong value. */
export function readPtpConfig(invocation: Invocation): PtpConfig {
  const keys = ptpSchema.read(invocation.config.raw, "");
  return { masquerade: masqueradeFor(keys, invocation), mtu: mtuOf(keys) };
}
