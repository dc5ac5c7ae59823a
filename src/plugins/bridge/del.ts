// DEL and GC: what attachments made goes away, whatever of it there still is.

import { attachmentOf, validAttachments } from "../../cni/attachment.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { orLog, runAll } from "../../cni/undo.ts";
import { collectAllocations, releaseAddresses } from "../../ipam/call.ts";
import { detachLink } from "../../links/detach.ts";
import { withNode } from "../../links/namespaces.ts";
import { hasWayBack, removeWaysBack } from "../../links/way-back.ts";
import { macSpoof } from "../../mac-spoof/feature.ts";
import { backendOf, collectStaleMasquerade, endMasquerade } from "../../masquerade/masquerade.ts";
import { closingLast } from "../../owned/commit.ts";
import { wantsMacSpoofCheck } from "./config.ts";

/** The rules go first and the addresses back to IPAM last, so that whoever gets them next meets nothing of ours. */
export function del(invocation: Invocation): void {
  const backend = backendOf(invocation);
  const macspoofchk = wantsMacSpoofCheck(invocation);
  closingLast((keep) =>
    runAll([
      () => endMasquerade(invocation, backend, keep),
      () => orLog(invocation, "macspoofchk", macspoofchk, () => macSpoof.tearDown(attachmentOf(invocation), [], keep)),
      () => {
        forgetWaysBack(invocation);
        detachLink(invocation, "veth");
        releaseAddresses(invocation);
      },
    ]),
  );
}

/** As the bridge stays, so would routes through it. Without a result of ADD nothing tells of them. */
function forgetWaysBack({ prevResult }: Invocation): void {
  if (prevResult === undefined || !hasWayBack(prevResult)) return;
  withNode((node) => removeWaysBack(node, prevResult));
}

export function gc(invocation: Invocation): void {
  const backend = backendOf(invocation);
  const macspoofchk = wantsMacSpoofCheck(invocation);
  const collectGuards = (): void => macSpoof.collect(invocation.config.name, validAttachments(invocation));
  runAll([
    () => collectStaleMasquerade(invocation, backend),
    () => orLog(invocation, "macspoofchk", macspoofchk, collectGuards),
    () => collectAllocations(invocation),
  ]);
}
