// The host-local plugin, for those who execute it.

import type { OwnPlugin } from "../../cni/plugin.ts";
import { hostLocal } from "../../ipam/host-local.ts";
import { hostLocalSchema, readHostLocalConfig } from "../../ipam/host-local-config.ts";

export const plugin: OwnPlugin = {
  name: "host-local",
  kind: "ipam",
  keys: [hostLocalSchema],
  judge: (invocation) => void readHostLocalConfig(invocation),
  ...hostLocal,
};
