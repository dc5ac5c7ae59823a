// The host-local plugin, for those who execute it.

import type { Plugin } from "../../cni/plugin.ts";
import { hostLocal } from "../../ipam/host-local.ts";

export const plugin: Plugin = { name: "host-local", ...hostLocal };
