// The ptp plugin: a veth pair between the node and the container, without a bridge. The node is the container's gateway
// and routes all it sends, also what goes to other containers.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation, OwnPlugin } from "../../cni/plugin.ts";
import { runAll } from "../../cni/undo.ts";
import { allocatorStatus, collectAllocations, releaseAddresses } from "../../ipam/call.ts";
import { detachLink } from "../../links/detach.ts";
import { backendOf, collectStaleMasquerade, endMasquerade, ipMasqUnavailable } from "../../masquerade/masquerade.ts";
import { closingLast } from "../../owned/commit.ts";
import { attachedKeys } from "../attached-keys.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { ptpSchema, readPtpConfig } from "./config.ts";

export const plugin: OwnPlugin = {
  name: "ptp",
  kind: "interface",
  keys: [ptpSchema, attachedKeys],
  ipam: "required",
  add,
  check,
  del,
  gc,
  status,
};

/** The rules go first and the address goes back to IPAM last, so that whoever gets it next meets nothing of ours. */
function del(invocation: Invocation): void {
  const backend = backendOf(invocation);
  closingLast((keep) =>
    runAll([
      () => endMasquerade(invocation, backend, keep),
      () => {
        detachLink(invocation, "veth");
        releaseAddresses(invocation);
      },
    ]),
  );
}

function gc(invocation: Invocation): void {
  const backend = backendOf(invocation);
  runAll([() => collectStaleMasquerade(invocation, backend), () => collectAllocations(invocation)]);
}

function status(invocation: Invocation): void {
  const { ipMasq, ipMasqBackend } = readPtpConfig(invocation);
  allocatorStatus(invocation);
  const reason = ipMasq ? ipMasqUnavailable(ipMasqBackend) : undefined;
  if (reason === undefined) return;
  throw new CniError(CNI_CODE.NOT_AVAILABLE, `ipMasq: this node can't masquerade: ${reason}`);
}
