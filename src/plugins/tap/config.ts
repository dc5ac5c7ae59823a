// The keys of the plugin's configuration, as upstream's documentation has them.

import { interfaceName } from "../../cni/fields.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { emptyIsAbsent, integer, object, optional, string } from "../../cni/schema.ts";
import type { Mac } from "../../wire/mac.ts";
import { flag, mtuKey, mtuOf, ownMacKeys, ownMacOf } from "../keys.ts";

/** 4294967295 stands for nobody. */
const ID_MAX = 0xfffffffe;

/** The plugin's own keys, for reading and for its JSON Schema. */
export const tapSchema = object({
  multiQueue: flag("several queues, each with a program or thread of its own"),
  vnetHdr: flag("a virtio header before each frame, until a program that opens the tap says otherwise"),
  owner: optional(integer(0, ID_MAX, "id of the user that may open the tap; absent: none")),
  group: optional(integer(0, ID_MAX, "id of the group that may open the tap; absent: none")),
  mtu: mtuKey("of the tap"),
  bridge: optional(emptyIsAbsent(interfaceName("bridge in the container that the tap becomes a port of"))),
  selinuxContext: optional(emptyIsAbsent(string("SELinux context that the tap is made under"))),
  ...ownMacKeys,
});

export interface TapConfig {
  readonly multiQueue: boolean;
  readonly vnetHdr: boolean;
  readonly owner: number | undefined;
  readonly group: number | undefined;
  /** Undefined: the kernel's choice. */
  readonly mtu: number | undefined;
  readonly bridge: string | undefined;
  readonly selinuxContext: string | undefined;
  /** Undefined: a random one. */
  readonly mac: Mac | undefined;
}

/** Reads the configuration. Throws CniError 6 for a wrong type, 7 for a wrong value, 4 for CNI_ARGS. */
export function readTapConfig({ config, args }: Invocation): TapConfig {
  const keys = tapSchema.read(config.raw, "");
  const { multiQueue, vnetHdr, owner, group, bridge, selinuxContext } = keys;
  return { multiQueue, vnetHdr, owner, group, bridge, selinuxContext, mtu: mtuOf(keys), mac: ownMacOf(keys, args) };
}
