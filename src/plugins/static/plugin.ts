// The static plugin, for those who execute it.

import type { Plugin } from "../../cni/plugin.ts";
import { staticIpam } from "../../ipam/static.ts";

export const plugin: Plugin = { name: "static", ...staticIpam };
