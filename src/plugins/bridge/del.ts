// DEL and GC: what attachments made goes away, whatever of it there still is.

import type { Invocation } from "../../cni/plugin.ts";
import { attachmentOf, collectStaleMasquerade, deleteAttachedVeth, endMasquerade } from "../../host/detach.ts";
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
      () => orLog(invocation, macspoofchk, () => tearDownMacSpoofCheck(attachmentOf(invocation), keep)),
      () => {
        deleteAttachedVeth(invocation);
        releaseAddresses(invocation);
      },
    ]),
  );
}

export function gc(invocation: Invocation): void {
  const { config } = invocation;
  const { ipMasq, macspoofchk } = readDelConfig(invocation);
  const valid = config.validAttachments.map((one) => ({ network: config.name, ...one }));
  runAll([
    () => collectStaleMasquerade(invocation, ipMasq),
    () => orLog(invocation, macspoofchk, () => collectMacSpoofChecks(config.name, valid)),
    () => collectAllocations(invocation),
  ]);
}

/**
 * A configuration may have changed while the container ran, so the guard goes whatever it says by now. Where it does not
 * want one, that there is none to be removed from this node, which may have no nf_tables, is no reason to fail.
 */
function orLog(invocation: Invocation, isWanted: boolean, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (isWanted || !(error instanceof Error)) throw error;
    invocation.log(`macspoofchk, which the configuration does not ask for, is left alone: ${error.message}`);
  }
}
