// ADD: an attachment comes onto its segment.

import type { Attachment } from "../cni/attachment.ts";
import type { Connection } from "../netlink/connection.ts";
import { createChain, getChain } from "../nftables/chain.ts";
import type { Command } from "../nftables/message.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { cheapThenExact, tryCommit } from "../owned/commit.ts";
import { attachmentId } from "../owned/id.ts";
import { repairsOf } from "../owned/table.ts";
import { sameBytes } from "../wire/codec.ts";
import { planBridge } from "./bridge.ts";
import { createHoldings, deleteOwner, type Holding, ownerOf, segmentHolding } from "./holding.ts";
import { createPorts, type Port, planDeparture, planPorts } from "./ports.ts";
import { records } from "./records.ts";
import { removeHolding } from "./release.ts";
import {
  assertSegment,
  createSegment,
  hasSegment,
  readSegment,
  type Segment,
  segmentFaults,
  segmentOf,
} from "./segment.ts";
import { adminChain, table } from "./table.ts";
import type { Protection } from "./wanted.ts";

/**
 * Puts the attachment onto its segment, and makes the attachment the owner of its addresses, also where another owned them. The
 * segment gets the wanted policy. Throws NetlinkError; nothing has been done then.
 */
export function claim(nft: Nftables, attachment: Attachment, wanted: Protection): void {
  const segment = segmentOf(attachment.network, wanted);
  const holding = { attachment, segment: segment.id, addresses: wanted.addresses };
  const ports = wanted.port === undefined ? [] : [{ attachment, name: wanted.port }];
  cheapThenExact(
    nft,
    // The common case: the segment is there. It must still be so when the transaction takes place.
    () =>
      hasSegment(nft.connection, segment) &&
      tryCommit(nft, [
        ...createHoldings([holding]),
        ...(wanted.policy === "isolated" ? createPorts(ports) : []),
        ...assertSegment(segment),
      ]),
    (generation) => {
      const id = attachmentId(attachment);
      const isLeftover = segmentHolding(nft.connection, id) !== undefined;
      if (isLeftover) removeHolding(nft, id, wanted);
      const genid = generation();
      nft.commit(planExactly(nft.connection, holding, ports, segment), { genid });
    },
  );
}

function planExactly(connection: Connection, holding: Holding, ports: readonly Port[], segment: Segment): Command[] {
  const faults = table.faults(connection);
  const isFresh = faults.some(({ isWhole }) => isWhole);
  const taken = isFresh ? [] : holding.addresses.filter((ip) => ownerOf(connection, ip) !== undefined);
  return [
    ...repairsOf(faults),
    ...taken.flatMap(deleteOwner),
    ...planPortsOf(connection, ports, segment),
    ...planSegments(connection, [segment], isFresh),
    ...createHoldings([holding]),
  ];
}

/** Where the segment has had another policy, the ports of those that are on it follow. Their records tell the ports. */
function planPortsOf(connection: Connection, own: readonly Port[], segment: Segment): Command[] {
  const { policy: before } = readSegment(connection, segment.id) ?? {};
  const isIsolated = segment.policy === "isolated";
  if (before === undefined || isIsolated === (before === "isolated"))
    return isIsolated ? planPorts(connection, own) : [];
  const others = portsOn(segment.id).filter(({ name }) => own.every((one) => one.name !== name));
  if (isIsolated) return planPorts(connection, [...own, ...others]);
  const departing = others.map(({ attachment, name }) => ({ id: attachmentId(attachment), name }));
  return planDeparture(connection, departing, true);
}

/** The ports of the live attachments on a segment. */
function portsOn(segment: Uint8Array): Port[] {
  return records.listLive().flatMap(({ record }) => {
    const { attachment, port } = record;
    if (port === undefined || !sameBytes(segmentOf(attachment.network, record).id, segment)) return [];
    return [{ attachment, name: port }];
  });
}

/** What makes the segments as they are wanted, and the bridges with them. Throws NetlinkError. */
export function planSegments(connection: Connection, wanted: readonly Segment[], isFresh: boolean): Command[] {
  const segments = wanted.flatMap((one) => {
    return isFresh ? createSegment(one) : repairsOf(segmentFaults(connection, one));
  });
  const bridges = new Set(wanted.flatMap(({ bridge }) => bridge ?? []));
  return [
    ...planAdminChains(connection, wanted, isFresh),
    ...segments,
    ...[...bridges].flatMap((bridge) => {
      const changes = wanted.filter((one) => one.bridge === bridge);
      return planBridge(connection, bridge, changes, isFresh);
    }),
  ];
}

/** A chain of the administrator's stays as it is. */
function planAdminChains(connection: Connection, wanted: readonly Segment[], isFresh: boolean): Command[] {
  const names = new Set(wanted.flatMap((one) => one.adminChain ?? []));
  const missing = [...names].filter((name) => isFresh || getChain(connection, adminChain(name)) === undefined);
  return missing.map((name) => createChain(adminChain(name)));
}
