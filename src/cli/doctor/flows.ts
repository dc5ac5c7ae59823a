// Connection tracking: a full table drops new flows, and a masquerade has no more ports than there are.

import type { SysctlName } from "../../sys/sysctl.ts";
import type { Check, Finding } from "./finding.ts";
import type { Node } from "./node.ts";
import { percentOf } from "./words.ts";

const [NEARLY, FULL] = [0.8, 0.95];

/** Masquerade chooses from 1024 to 65535 for each protocol, address and destination (nf_nat_l4proto_unique_tuple()). */
const PORTS = 64_512;

export const flows: Check<Node> = {
  name: "flows",
  look({ sysctl }) {
    const [count, max] = ["count", "max"].map((what) =>
      Number(sysctl(`net/netfilter/nf_conntrack_${what}` as SysctlName)),
    );
    // Without the module nothing is tracked yet.
    if (count === undefined || max === undefined || !(max > 0)) return [];
    return [...tableOf(count, max), ...portsOf(count)];
  },
};

function tableOf(count: number, max: number): Finding[] {
  if (count < max * NEARLY) return [];
  const isFull = count >= max * FULL;
  const text = `the table of connection tracking is ${percentOf(count, max)} full (${count} of ${max})${isFull ? ": new flows are dropped" : ""}`;
  return [
    {
      severity: isFull ? "problem" : "warning",
      text,
      remedy: `sysctl -w net.netfilter.nf_conntrack_max=${max * 2}; \`conntrack -L\` shows whose they are`,
    },
  ];
}

/** With fewer flows than half of the ports no destination can have used them up. */
function portsOf(count: number): Finding[] {
  if (count < PORTS / 2) return [];
  const text = `${count} flows are tracked: to a single destination no more than ${PORTS} can be masqueraded as one address`;
  return [
    { severity: "note", text, remedy: "`conntrack -L -n` shows where they go; ipMasqOptions.to gives more addresses" },
  ];
}
