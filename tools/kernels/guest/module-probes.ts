// Probes for modules that nothing asks for by name.

import { spawnSync } from "node:child_process";
import type { Probe } from "./probe.ts";

const hasModule = (name: string): boolean => spawnSync("modprobe", [name], { stdio: "ignore" }).status === 0;

export const MODULE_PROBES = {
  bridgeNetfilter: () => hasModule("br_netfilter"),
  iptablesNft: () => hasModule("nft_compat"),
  iptablesLegacy: () => hasModule("iptable_nat"),
} satisfies Record<string, Probe>;
