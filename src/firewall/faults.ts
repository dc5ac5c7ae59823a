// CHECK: what is missing or altered of an attachment's place in the tables.

import type { Attachment } from "../cni/attachment.ts";
import type { Connection } from "../netlink/connection.ts";
import { getChain } from "../nftables/chain.ts";
import { attachmentId, idText } from "../owned/id.ts";
import { sameBytes } from "../wire/codec.ts";
import { familyOf, formatIp, type Ip } from "../wire/ip.ts";
import { bridgeFaults } from "./bridge.ts";
import { ownerOf, segmentHolding } from "./holding.ts";
import { portFaults } from "./ports.ts";
import { isIsolating, segmentFaults, segmentOf } from "./segment.ts";
import { ATTACHMENTS, adminChain, OWNERS, table } from "./table.ts";
import type { Protection } from "./wanted.ts";

/** The faults, each as a phrase; empty when all is well. Throws NetlinkError. */
export function holdingFaults(connection: Connection, attachment: Attachment, wanted: Protection): string[] {
  const ofTable = table.faults(connection).map(({ text }) => text);
  if (ofTable.length > 0) return ofTable;
  const segment = segmentOf(attachment.network, wanted);
  const id = attachmentId(attachment);
  return [
    ...placeFaults(connection, id, segment.id),
    ...wanted.addresses.flatMap((ip) => ownerFaults(connection, id, ip)),
    ...segmentFaults(connection, segment).map(({ text }) => text),
    ...(segment.bridge !== undefined && isIsolating(segment) ? bridgeFaults(connection, segment.bridge, segment) : []),
    ...(wanted.policy === "isolated" && wanted.port !== undefined
      ? portFaults(connection, { attachment, name: wanted.port })
      : []),
    ...(segment.adminChain === undefined ? [] : adminFaults(connection, segment.adminChain)),
  ];
}

function placeFaults(connection: Connection, id: Uint8Array, segment: Uint8Array): string[] {
  const found = segmentHolding(connection, id);
  if (found === undefined) return [`the element of map ${ATTACHMENTS.set} is missing`];
  const isThere = found !== "unknown" && idText(found) === idText(segment);
  return isThere ? [] : [`the element of map ${ATTACHMENTS.set} leads to another segment`];
}

function ownerFaults(connection: Connection, id: Uint8Array, ip: Ip): string[] {
  const map = `map ${OWNERS[familyOf(ip)].set}`;
  const owner = ownerOf(connection, ip);
  if (owner === undefined) return [`${formatIp(ip)} is missing in ${map}`];
  return sameBytes(owner, id) ? [] : [`${formatIp(ip)} has another owner in ${map}`];
}

function adminFaults(connection: Connection, name: string): string[] {
  const found = getChain(connection, adminChain(name));
  if (found === undefined) return [`the administrator's chain ${name} is missing`];
  return found.hook === undefined ? [`the administrator's chain ${name} is not at the hook forward`] : [];
}
