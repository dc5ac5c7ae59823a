// Finds out the features of this kernel by asking for each. A feature that bauta needs is a test; the others are reported.

import "./engine.ts";
import { FEATURES } from "../features.mjs";
import { FLOW_PROBES } from "./flow-probes.ts";
import { LINK_PROBES } from "./link-probes.ts";
import { MODULE_PROBES } from "./module-probes.ts";
import { NFTABLES_PROBES } from "./nftables-probes.ts";
import type { Probe } from "./probe.ts";
import { type TestOutcome, writeReport } from "./report.ts";

const PROBES = new Map<string, Probe>(
  Object.entries({ ...NFTABLES_PROBES, ...LINK_PROBES, ...FLOW_PROBES, ...MODULE_PROBES }),
);

function ask(probe: Probe): string {
  try {
    return probe() ? "yes" : "no";
  } catch (error) {
    if (error instanceof Error && "code" in error) return `no: ${error.code}`;
    throw error;
  }
}

const features: Record<string, string> = {};
const assertionResults: TestOutcome[] = [];
for (const { key, name, isNeeded } of FEATURES) {
  const probe = PROBES.get(key);
  if (probe === undefined) throw new Error(`nothing asks for ${key}`);
  const begin = performance.now();
  const answer = ask(probe);
  features[key] = answer;
  if (!isNeeded) continue;
  const duration = Math.round(performance.now() - begin);
  const status = answer === "yes" ? "passed" : "failed";
  assertionResults.push({ fullName: `the kernel has ${name}`, status, duration, failureMessages: [answer] });
}
writeReport({ name: "tools/kernels/guest/features.ts", message: "", assertionResults, features });
