// Probes for features of connection tracking.

import { execFileSync } from "node:child_process";
import { PATIENCE_S } from "../../../engine/patience.mjs";
import { deleteFlows, type FlowFilter, listFlows, listFlowsOf } from "../../../src/conntrack/flow.ts";
import { Connection } from "../../../src/netlink/connection.ts";
import { NETLINK } from "../../../src/netlink/uapi.ts";
import type { Probe } from "./probe.ts";

const NOBODY: FlowFilter = { direction: "original", end: "source", address: Uint8Array.of(127, 9, 9, 9) };

/** Makes the kernel track one connection. */
function track(): void {
  execFileSync("nft", ["add table ip track; add chain ip track c { type filter hook output priority 0; }"]);
  execFileSync("nft", ["add rule ip track c ct state new counter"]);
  execFileSync("ping", ["-n", "-c1", `-W${PATIENCE_S}`, "127.0.0.1"], { stdio: "ignore" });
  execFileSync("nft", ["delete table ip track"]);
}

export const FLOW_PROBES = {
  listFlowsOf: () => {
    track();
    const connection = Connection.open(NETLINK.NETFILTER);
    if (listFlows(connection, 4).length === 0) throw new Error("the kernel has tracked nothing");
    return listFlowsOf(connection, NOBODY, () => true).length === 0;
  },
  deleteFlowsOf: () => {
    Connection.open(NETLINK.NETFILTER).execute(deleteFlows(NOBODY));
    return true;
  },
} satisfies Record<string, Probe>;
