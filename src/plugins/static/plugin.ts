// The static plugin, for those who execute it.

import type { OwnPlugin } from "../../cni/plugin.ts";
import { staticIpam } from "../../ipam/static.ts";
import { staticSchema } from "../../ipam/static-config.ts";

export const plugin: OwnPlugin = { name: "static", kind: "ipam", keys: [staticSchema], ...staticIpam };
