// DEL and GC: what attachments made goes away, whatever of it there still is.

import type { Invocation } from "../../cni/plugin.ts";
import { attachmentOf, deleteAttachedVeth, orLog, validAttachments } from "../../host/detach.ts";
import { backendOf, collectStaleMasquerade, endMasquerade } from "../../host/ip-masq.ts";
import { collectAllocations, releaseAddresses } from "../../host/ipam.ts";
import { collectMacSpoofChecks, tearDownMacSpoofCheck } from "../../host/mac-spoof.ts";
import { closingLast } from "../../host/transactions.ts";
import { runAll } from "../../host/undo.ts";
import { wantsMacSpoofCheck } from "./config.ts";

/** The rules go first and the addresses back to IPAM last, so that whoever gets them next meets nothing of ours. */
export function del(invocation: Invocation): void {
  const backend = backendOf(invocation);
  const macspoofchk = wantsMacSpoofCheck(invocation);
  closingLast((keep) =>
    runAll([
      () => endMasquerade(invocation, backend, keep),
      () => orLog(invocation, "macspoofchk", macspoofchk, () => tearDownMacSpoofCheck(attachmentOf(invocation), keep)),
      () => {
        deleteAttachedVeth(invocation);
        releaseAddresses(invocation);
      },
    ]),
  );
}

export function gc(invocation: Invocation): void {
  const backend = backendOf(invocation);
  const macspoofchk = wantsMacSpoofCheck(invocation);
  const collectGuards = (): void => collectMacSpoofChecks(invocation.config.name, validAttachments(invocation));
  runAll([
    () => collectStaleMasquerade(invocation, backend),
    () => orLog(invocation, "macspoofchk", macspoofchk, collectGuards),
    () => collectAllocations(invocation),
  ]);
}
