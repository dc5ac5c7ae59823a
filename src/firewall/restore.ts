// `bauta restore`: what the records tell of comes back into the tables, in one transaction.

import type { Connection } from "../netlink/connection.ts";
import type { Command } from "../nftables/message.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { untilCommitted } from "../owned/commit.ts";
import type { Restoration } from "../owned/feature.ts";
import { attachmentId, idBytes, idText } from "../owned/id.ts";
import { repairsOf } from "../owned/table.ts";
import { FAMILIES, formatIp, type Ip } from "../wire/ip.ts";
import { planSegments } from "./claim.ts";
import { createHoldings, createOwners, deleteAttachment, deleteOwner, type Holding, listFrom } from "./holding.ts";
import { type Port, planPorts } from "./ports.ts";
import { type FirewallRecord, records, type StoredProtection } from "./records.ts";
import { removeHolding } from "./release.ts";
import { type Segment, segmentFaults, segmentOf, segmentOfChain } from "./segment.ts";
import { ATTACHMENTS, OWNERS, table } from "./table.ts";

/** Puts back what is missing of every live attachment. Throws NetlinkError or SyscallError. */
export function restoreTables(nft: Nftables): Restoration {
  const { connection } = nft;
  const done = untilCommitted(nft, (generation) => {
    const genid = generation();
    const { live, problems } = records.survey();
    const ordered = oldestFirst(live);
    const faults = live.length === 0 ? [] : table.faults(connection);
    const isFresh = faults.some(({ isWhole }) => isWhole);
    const segments = newestSegments(ordered);
    const mending = isFresh ? [] : segments.flatMap((one) => segmentFaults(connection, one));
    const elements = planElements(connection, ordered, isFresh);
    const ports = isolatedPorts(ordered, segments);
    nft.commit(
      [
        ...repairsOf(faults),
        ...elements.before,
        ...planSegments(connection, segments, isFresh),
        ...planPorts(connection, ports),
        ...elements.after,
      ],
      { genid },
    );
    const isMendable = ({ repair }: (typeof faults)[number]): boolean => repair.length > 0;
    return {
      restored: elements.missing,
      mended: [...faults, ...mending].filter(isMendable).map(({ text }) => text),
      problems: faults.filter((fault) => !isMendable(fault)).map(({ text }) => text),
      passedOver: problems,
      attachments: live.map(({ id }) => id),
    };
  });
  const { restored, ...rest } = done;
  withdrawGone(nft, restored);
  return { ...rest, restored: restored.length };
}

function oldestFirst(live: readonly StoredProtection[]): readonly FirewallRecord[] {
  const time = new Map(live.map(({ id }) => [id, records.time(id) ?? 0n]));
  const order = (a: StoredProtection, b: StoredProtection): number =>
    (time.get(a.id) ?? 0n) < (time.get(b.id) ?? 0n) ? -1 : 1;
  return live.toSorted(order).map(({ record }) => record);
}

/** The latest ADD decides the policy of a segment. */
function newestSegments(ordered: readonly FirewallRecord[]): Segment[] {
  const newest = new Map<string, Segment>();
  for (const record of ordered) {
    const segment = segmentOf(record.attachment.network, record);
    newest.set(idText(segment.id), segment);
  }
  return [...newest.values()];
}

/** A port that two attachments have belongs to the later. */
function isolatedPorts(ordered: readonly FirewallRecord[], segments: readonly Segment[]): Port[] {
  const isolated = new Set(segments.filter(({ policy }) => policy === "isolated").map(({ id }) => idText(id)));
  const ports = new Map<string, Port>();
  for (const record of ordered) {
    const { attachment, port } = record;
    const isOn = isolated.has(idText(segmentOf(attachment.network, record).id));
    if (port !== undefined && isOn) ports.set(port, { attachment, name: port });
  }
  return [...ports.values()];
}

interface Elements {
  /** What stands for something else than it should. */
  readonly before: readonly Command[];
  readonly after: readonly Command[];
  /** The attachments of which something was missing. */
  readonly missing: readonly FirewallRecord[];
}

function planElements(connection: Connection, ordered: readonly FirewallRecord[], isFresh: boolean): Elements {
  const places = isFresh ? new Map<string, string>() : listPlaces(connection);
  const owners = isFresh ? new Map<string, string>() : listOwners(connection);
  const rightful = new Map<string, FirewallRecord>();
  for (const record of ordered) for (const ip of record.addresses) rightful.set(formatIp(ip), record);
  const before: Command[] = [];
  const missing = new Set<FirewallRecord>();
  const holdings: Holding[] = [];
  const owned: { readonly attachment: FirewallRecord["attachment"]; readonly addresses: readonly Ip[] }[] = [];
  for (const record of ordered) {
    const { attachment } = record;
    const id = idText(attachmentId(attachment));
    const segment = segmentOf(attachment.network, record).id;
    const place = places.get(id);
    const isPlaced = place === idText(segment);
    const lost = record.addresses.filter((ip) => {
      const text = formatIp(ip);
      return rightful.get(text) === record && owners.get(text) !== id;
    });
    if (isPlaced && lost.length === 0) continue;
    missing.add(record);
    before.push(...lost.filter((ip) => owners.has(formatIp(ip))).flatMap(deleteOwner));
    if (!isPlaced && place !== undefined) before.push(...deleteAttachment(idBytes(id)));
    if (!isPlaced) holdings.push({ attachment, segment, addresses: [] });
    owned.push({ attachment, addresses: lost });
  }
  return { before, after: [...createHoldings(holdings), ...createOwners(owned)], missing: [...missing] };
}

/** The segment of each attachment, as texts of the ids; "" where it is none. */
function listPlaces(connection: Connection): Map<string, string> {
  return new Map(
    listFrom(connection, ATTACHMENTS).map(({ key, data }) => {
      const chain = data === undefined || data instanceof Uint8Array ? undefined : data.chain;
      const segment = segmentOfChain(chain);
      return [idText(key), segment === undefined ? "" : idText(segment)];
    }),
  );
}

/** The owner of each address, by texts. */
function listOwners(connection: Connection): Map<string, string> {
  const found = FAMILIES.flatMap((family) => listFrom(connection, OWNERS[family]));
  return new Map(found.map(({ key, data }) => [formatIp(key), data instanceof Uint8Array ? idText(data) : ""]));
}

/**
 * A DEL that has looked before its elements were back has found nothing to remove. It has renamed the record first; so the one of
 * the two that looks last sees what the other did, and takes the elements out.
 */
function withdrawGone(nft: Nftables, restored: readonly FirewallRecord[]): void {
  if (restored.length === 0) return;
  const live = records.liveIds();
  for (const record of restored) {
    const id = attachmentId(record.attachment);
    if (!live.has(idText(id))) removeHolding(nft, id, record);
  }
}
