// The bridge plugin: containers as ports of a bridge on the node.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation, Plugin } from "../../cni/plugin.ts";
import { allocatorStatus } from "../../host/ipam.ts";
import { masqueradeUnavailable } from "../../host/masquerade.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { readBridgeConfig } from "./config.ts";
import { del, gc } from "./del.ts";

export const bridge: Plugin = { name: "bridge", add, check, del, gc, status };

function status(invocation: Invocation): void {
  const { ipMasq, macspoofchk } = readBridgeConfig(invocation);
  if (invocation.config.ipamType !== "") allocatorStatus(invocation);
  const reason = ipMasq || macspoofchk ? masqueradeUnavailable() : undefined;
  if (reason !== undefined)
    throw new CniError(
      CNI_CODE.NOT_AVAILABLE,
      `${ipMasq ? "ipMasq" : "macspoofchk"}: this node can't do it: ${reason}`,
    );
}
