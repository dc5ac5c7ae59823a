// macspoofchk: a container may send frames under its own MAC address only. mac-spoof/table.ts has the picture; feature.ts is
// the door.

import type { Attachment } from "../cni/attachment.ts";
import type { Command } from "../nftables/message.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { cheapThenExact, takeOut, tryCommit, untilCommitted } from "../owned/commit.ts";
import { attachmentId, idText, isOfNetwork, networkId } from "../owned/id.ts";
import { repairsOf } from "../owned/table.ts";
import {
  createGuards,
  deleteGuard,
  deleteRemains,
  type GuardedPort,
  guardFaults,
  guardOf,
  listGuards,
  readGuard,
} from "./guard.ts";
import { GUARDED, table } from "./table.ts";
import { removeUpstreamGuard } from "./upstream.ts";

/**
 * Drops frames that come in through the port from any other source address than the container's. The port is new: whatever
 * guards one of its name is a leftover, and goes. Throws NetlinkError; nothing has been done in the kernel then.
 */
export function setUpGuard(nft: Nftables, attachment: Attachment, wanted: GuardedPort): void {
  const guard = guardOf(attachment, wanted);
  const create = createGuards([{ attachment, guard }]);
  cheapThenExact(
    nft,
    () => tryCommit(nft, create),
    (generation) => {
      const genid = generation();
      const repair = repairsOf(table.faults(nft.connection));
      nft.commit([...repair, ...deleteRemains(nft.connection, [guard]), ...create], { genid });
    },
  );
}

/** Removes the attachment's guard, also that of containernetworking/plugins. Throws NetlinkError. */
export function removeGuards(nft: Nftables, attachment: Attachment): void {
  removeGuard(nft, attachmentId(attachment));
  removeUpstreamGuard(nft, attachment);
}

/** What is missing or altered of the table or of the attachment's guard, each as a phrase. Throws NetlinkError. */
export function faultsOf(nft: Nftables, attachment: Attachment, wanted: GuardedPort): string[] {
  const ofTable = table.faults(nft.connection).map(({ text }) => text);
  return ofTable.length > 0 ? ofTable : guardFaults(nft.connection, guardOf(attachment, wanted));
}

/** Removes the guard of every attachment on the network that is not among the valid ones. Throws NetlinkError or SyscallError. */
export function collectGuards(nft: Nftables, network: string, valid: readonly Attachment[]): void {
  const validIds = new Set(valid.map((attachment) => idText(attachmentId(attachment))));
  const ofNetwork = networkId(network);
  for (const { id } of listGuards(nft.connection)) {
    if (isOfNetwork(id, ofNetwork) && !validIds.has(idText(id))) removeGuard(nft, id);
  }
}

/** Removes the guard of the attachment with this id, and with the last one the table. Throws NetlinkError. */
export function removeGuard(nft: Nftables, id: Uint8Array): void {
  const { connection } = nft;
  const guard = readGuard(connection, id);
  if (guard === undefined) return;
  const count = (): number => table.countLeadingTo(connection, GUARDED);
  takeOut(
    // The common case: nothing has been altered, and others stay.
    () => count() > 1 && tryCommit(nft, deleteGuard(guard)),
    () => count() === 0,
    () =>
      untilCommitted(nft, (generation) => {
        const genid = generation();
        nft.commit(planRemoval(nft, id, genid !== undefined), { genid });
      }),
  );
}

function planRemoval(nft: Nftables, id: Uint8Array, isByGeneration: boolean): readonly Command[] {
  const { connection } = nft;
  const removal = (): Command[] => (isByGeneration ? table.remove() : table.removeEmpty());
  const guarded = table.countLeadingTo(connection, GUARDED);
  const guard = readGuard(connection, id);
  if (guard === undefined) return guarded === 0 && table.exists(connection) ? removal() : [];
  if (guardFaults(connection, guard).length > 0) return deleteRemains(connection, [guard]);
  return guarded === 1 ? [...deleteGuard(guard), ...removal()] : deleteGuard(guard);
}
