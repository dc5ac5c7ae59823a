// The bridge plugin: containers as ports of a bridge on the node.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation, OwnPlugin } from "../../cni/plugin.ts";
import { allocatorStatus } from "../../ipam/call.ts";
import { macSpoof } from "../../mac-spoof/feature.ts";
import { ipMasqUnavailable } from "../../masquerade/masquerade.ts";
import { attachedKeys } from "../attached-keys.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { bridgeSchema, readBridgeConfig } from "./config.ts";
import { del, gc } from "./del.ts";

export const plugin: OwnPlugin = {
  name: "bridge",
  kind: "interface",
  keys: [bridgeSchema, attachedKeys],
  ipam: "optional",
  add,
  check,
  del,
  gc,
  status,
};

function status(invocation: Invocation): void {
  const { ipMasq, ipMasqBackend, macspoofchk } = readBridgeConfig(invocation);
  if (invocation.config.ipamType !== "") allocatorStatus(invocation);
  const reasons = [
    ipMasq ? ["ipMasq", ipMasqUnavailable(ipMasqBackend)] : [],
    macspoofchk ? ["macspoofchk", macSpoof.unavailable()] : [],
  ];
  for (const [key, reason] of reasons) {
    if (reason !== undefined) throw new CniError(CNI_CODE.NOT_AVAILABLE, `${key}: this node can't do it: ${reason}`);
  }
}
