// macspoofchk: a container may send frames under its own MAC address only. The door for plugins; mac-spoof/table.ts has
// the picture.

import type { Attachment } from "../cni/attachment.ts";
import type { Nftables } from "../nftables/batch.ts";
import type { Command } from "../nftables/message.ts";
import { type Keep, reasonAgainst, untilCommitted, withNftables, withNftablesIfAny } from "../owned/commit.ts";
import { attachmentId, idText, isOfNetwork, networkId } from "../owned/id.ts";
import { tryOutOnce } from "../owned/tried-out.ts";
import { hasCode } from "../sys/error.ts";
import type { Mac } from "../wire/mac.ts";
import {
  createGuard,
  deleteGuard,
  deleteRemains,
  type Guard,
  guardFaults,
  guardOf,
  listGuards,
  readGuard,
} from "./guard.ts";
import {
  countGuarded,
  hasSkeleton,
  makeSkeleton,
  removeEmptySkeleton,
  removeSkeleton,
  skeletonFaults,
} from "./table.ts";
import { removeUpstreamGuard } from "./upstream.ts";

/** The guard against forged source addresses is not what it should be. */
export class MacSpoofError extends Error {
  override readonly name: string = "MacSpoofError";
}

/**
 * Drops frames that come in through the port (the node's end of the container's veth pair) from any other source address.
 * The port is new: whatever guards one of its name is a leftover, and goes. Throws NetlinkError or SyscallError; nothing
 * has been done then.
 */
export function setUpMacSpoofCheck(attachment: Attachment, port: string, mac: Mac): void {
  const guard = guardOf(attachmentId(attachment), port, mac);
  const create = createGuard(attachment, guard);
  withNftables((nft) => {
    try {
      // All that it takes in the common case, and the cheapest there is: the kernel waits for nothing.
      nft.commit(create);
    } catch (error) {
      if (!hasCode(error, "ENOENT", "EEXIST")) throw error;
      commitExactly(nft, () => [...makeSkeleton(), ...deleteRemains(nft.connection, [guard]), ...create]);
    }
  });
}

/**
 * Removes the attachment's guard, also that of containernetworking/plugins. Needs neither the container nor its links. Does
 * nothing, without an error, where there is none. `keep` is of closingLast. Throws NetlinkError or SyscallError.
 */
export function tearDownMacSpoofCheck(attachment: Attachment, keep?: Keep): void {
  withNftablesIfAny((nft) => {
    release(nft, attachmentId(attachment));
    removeUpstreamGuard(nft, attachment);
  }, keep);
}

/** Why this node cannot check addresses now, or undefined when it can: see masqueradeUnavailable. */
export function macSpoofCheckUnavailable(): string | undefined {
  return reasonAgainst(() =>
    withNftables((nft) => {
      if (!hasSkeleton(nft.connection)) tryOutOnce("macspoofchk", () => nft.tryOut(makeSkeleton()));
    }),
  );
}

/** Throws MacSpoofError, which names all that is missing or altered. */
export function checkMacSpoofCheck(attachment: Attachment, port: string, mac: Mac): void {
  const guard = guardOf(attachmentId(attachment), port, mac);
  const faults = withNftables(({ connection }) => {
    const skeleton = skeletonFaults(connection);
    return skeleton.length > 0 ? skeleton : guardFaults(connection, guard);
  });
  if (faults.length === 0) return;
  const { network, containerId, ifname } = attachment;
  throw new MacSpoofError(`macspoofchk of ${containerId} ${ifname} on ${network}: ${faults.join("; ")}`);
}

/** Removes the guard of every attachment on the network that is not among the valid ones. */
export function collectMacSpoofChecks(network: string, valid: readonly Attachment[]): void {
  const validIds = new Set(valid.map((attachment) => idText(attachmentId(attachment))));
  const ofNetwork = networkId(network);
  withNftablesIfAny((nft) => {
    for (const { id } of listGuards(nft.connection)) {
      if (isOfNetwork(id, ofNetwork) && !validIds.has(idText(id))) release(nft, id);
    }
  });
}

function release(nft: Nftables, id: Uint8Array): void {
  const guard = readGuard(nft.connection, id);
  if (guard === undefined) return;
  if (countGuarded(nft.connection) === 1 || !tryDelete(nft, guard)) {
    commitExactly(nft, (remove) => planRelease(nft, id, remove));
  }
  // Of two that leave at once neither may have seen itself as the last.
  else if (countGuarded(nft.connection) === 0) commitExactly(nft, (remove) => planEmpty(nft, remove));
}

/** The common case: nothing has been altered, and others stay. Returns false, with nothing done, where that is not so. */
function tryDelete(nft: Nftables, guard: Guard): boolean {
  try {
    nft.commit(deleteGuard(guard));
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

function planRelease(nft: Nftables, id: Uint8Array, remove: RemoveSkeleton): readonly Command[] {
  const guard = readGuard(nft.connection, id);
  if (guard === undefined) return [];
  if (guardFaults(nft.connection, guard).length > 0) return deleteRemains(nft.connection, [guard]);
  const own = deleteGuard(guard);
  return countGuarded(nft.connection) === 1 ? [...own, ...remove()] : own;
}

function planEmpty(nft: Nftables, remove: RemoveSkeleton): readonly Command[] {
  return hasSkeleton(nft.connection) && countGuarded(nft.connection) === 0 ? remove() : [];
}

type RemoveSkeleton = () => readonly Command[];

/** Commits what `plan` makes of the state as it reads it; begins again when somebody else changes that in between. */
function commitExactly(nft: Nftables, plan: (remove: RemoveSkeleton) => readonly Command[]): void {
  untilCommitted(nft, (generation) => {
    const genid = generation();
    nft.commit(plan(genid === undefined ? removeEmptySkeleton : removeSkeleton), { genid });
  });
}
