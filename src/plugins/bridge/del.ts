// DEL and GC: what attachments made goes away, whatever of it there still is.

import type { Invocation } from "../../cni/plugin.ts";
import {
  attachmentOf,
  collectStaleMasquerade,
  deleteAttachedVeth,
  endMasquerade,
  orLog,
  validAttachments,
} from "../../host/detach.ts";
import { collectAllocations, releaseAddresses } from "../../host/ipam.ts";
import { collectMacSpoofChecks, tearDownMacSpoofCheck } from "../../host/mac-spoof.ts";
import { closingLast } from "../../host/transactions.ts";
import { runAll } from "../../host/undo.ts";
import { readDelConfig } from "./config.ts";

/** The rules go first and the addresses back to IPAM last, so that whoever gets them next meets nothing of ours. */
export function del(invocation: Invocation): void {
  const { ipMasq, macspoofchk } = readDelConfig(invocation);
  closingLast((keep) =>
    runAll([
      () => endMasquerade(invocation, ipMasq, keep),
      () => orLog(invocation, "macspoofchk", macspoofchk, () => tearDownMacSpoofCheck(attachmentOf(invocation), keep)),
      () => {
        deleteAttachedVeth(invocation);
        releaseAddresses(invocation);
      },
    ]),
  );
}

export function gc(invocation: Invocation): void {
  const { ipMasq, macspoofchk } = readDelConfig(invocation);
  const collectGuards = (): void => collectMacSpoofChecks(invocation.config.name, validAttachments(invocation));
  runAll([
    () => collectStaleMasquerade(invocation, ipMasq),
    () => orLog(invocation, "macspoofchk", macspoofchk, collectGuards),
    () => collectAllocations(invocation),
  ]);
}
