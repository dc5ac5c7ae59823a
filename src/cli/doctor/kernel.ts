// What the networks ask of the kernel: each plugin is asked as STATUS asks it.

import { CniError } from "../../cni/error.ts";
import { FEATURES } from "../../features.ts";
import { pluginNamed } from "../../lists/call.ts";
import { invocationFor } from "../../lists/file-faults.ts";
import { isTriedOut, type TryOut } from "../../owned/tried-out.ts";
import { inNewNetns } from "../../sys/netns.ts";
import type { Check, Finding } from "./finding.ts";
import type { Node } from "./node.ts";

export const kernel: Check<Node> = {
  name: "kernel",
  look(node) {
    // Who may not ask nf_tables is told so by the first question, and learns nothing of what the kernel lacks.
    node.nftables(() => undefined);
    // Before there is a network, what bauta can do here is of interest as such.
    if (node.networks().length === 0) return FEATURES.flatMap(ofFeature);
    return node.networks().flatMap(({ name, list }) =>
      list.plugins.flatMap((plugin): Finding[] => {
        const reason = unavailable(() =>
          pluginNamed(plugin.type)?.unavailable?.(invocationFor(list, plugin, node.cniPath), withoutTraces),
        );
        if (reason === undefined) return [];
        const text = `the network ${name} needs what this node lacks: ${plugin.type}: ${reason}`;
        return [{ severity: "problem", text, remedy: REMEDY }];
      }),
    );
  },
};

const REMEDY = "load the kernel's module, or install what is named; `bauta cni status` asks again";

/** What has not been tried since the boot is tried where nobody notices. */
const withoutTraces: TryOut = (name, attempt) => {
  if (!isTriedOut(name)) inNewNetns(attempt);
};

function ofFeature({ name, unavailable: ask }: (typeof FEATURES)[number]): Finding[] {
  const reason = ask(withoutTraces);
  if (reason === undefined) return [];
  return [{ severity: "note", text: `this node can't do ${name}: ${reason}`, remedy: REMEDY }];
}

function unavailable(ask: () => string | undefined): string | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof CniError) return error.message;
    throw error;
  }
}
