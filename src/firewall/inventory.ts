// `bauta list`: the attachments of the firewall, by the kernel and the records.

import type { Connection } from "../netlink/connection.ts";
import { readComment, UNKNOWN_NAME } from "../owned/comment.ts";
import type { AttachmentName, Inventory, ListedAttachment, ListedItem, OwnedState } from "../owned/feature.ts";
import { idText, isOfNetwork, networkId } from "../owned/id.ts";
import { inOrder } from "../owned/inventory.ts";
import { FAMILIES, formatIp } from "../wire/ip.ts";
import { listFrom } from "./holding.ts";
import { type FirewallRecord, records } from "./records.ts";
import { isIsolating, type KnownSegment, segmentIn, segmentOf, segmentOfChain } from "./segment.ts";
import { ATTACHMENTS, OWNERS, SEGMENTS, table } from "./table.ts";

/** Lists all attachments, or those of one network. Throws NetlinkError or SyscallError. */
export function listInventory(connection: Connection, network?: string): Inventory {
  const inventory = take(connection, network);
  const isAllOk = inventory.attachments.every(({ items }) => items.every(({ state }) => state === "ok"));
  // Records and maps are read one after the other, and attachments come and go meanwhile.
  return isAllOk ? inventory : take(connection, network);
}

/** What the kernel has of an attachment. */
interface Place {
  readonly segment: string | undefined;
  readonly comment: string | undefined;
}

/** The maps, by texts of ids and addresses. */
interface Maps {
  readonly places: ReadonlyMap<string, Place>;
  /** The owner of each address. */
  readonly owners: ReadonlyMap<string, string>;
  readonly segments: ReadonlyMap<string, KnownSegment>;
}

function readMaps(connection: Connection): Maps {
  const places = listFrom(connection, ATTACHMENTS).map(({ key, data, comment }): [string, Place] => {
    const chain = data === undefined || data instanceof Uint8Array ? undefined : data.chain;
    const segment = segmentOfChain(chain);
    return [idText(key), { segment: segment && idText(segment), comment }];
  });
  const owners = FAMILIES.flatMap((family) => listFrom(connection, OWNERS[family])).flatMap(({ key, data }) =>
    data instanceof Uint8Array ? [[formatIp(key), idText(data)] as const] : [],
  );
  const segments = listFrom(connection, SEGMENTS).map((one) => [idText(one.key), segmentIn(one)] as const);
  return { places: new Map(places), owners: new Map(owners), segments: new Map(segments) };
}

function take(connection: Connection, network: string | undefined): Inventory {
  const { live, leaving, problems } = records.survey();
  const maps = readMaps(connection);
  const isWanted = ({ record }: { readonly record: FirewallRecord }): boolean =>
    network === undefined || record.attachment.network === network;
  const [alive, going] = [live.filter(isWanted), leaving.filter(isWanted)];
  const recorded = new Set([...alive, ...going].map(({ id }) => id));
  const wanted = network === undefined ? undefined : networkId(network);
  const alone = [...maps.places].filter(([id]) => !recorded.has(id) && (wanted === undefined || isOf(id, wanted)));
  const attachments = inOrder([
    ...alive.map(({ id, record }) => listed(id, record, maps)),
    ...going.filter(({ id }) => maps.places.has(id)).map(({ id, record }) => listed(id, record, maps, "leaving")),
    ...alone.map(([id, place]) => withoutRecord(id, place, maps)),
  ]);
  const faults = attachments.length === 0 ? [] : table.faults(connection).map(({ text }) => text);
  return { attachments, faults: [...problems, ...faults] };
}

function isOf(id: string, network: Uint8Array): boolean {
  const bytes = Uint8Array.from({ length: network.length }, (_, i) => Number.parseInt(id.slice(2 * i, 2 * i + 2), 16));
  return isOfNetwork(bytes, network);
}

function listed(id: string, record: FirewallRecord, maps: Maps, state?: OwnedState): ListedAttachment {
  const { attachment, addresses } = record;
  const place = maps.places.get(id);
  const known = place?.segment === undefined ? undefined : maps.segments.get(place.segment);
  const segment = segmentOf(attachment.network, record);
  const stateOf = (address: string): OwnedState => {
    if (place === undefined) return "missing";
    const owner = maps.owners.get(address);
    if (owner !== id) return owner === undefined ? "missing" : "taken";
    if (known === undefined) return "no-policy";
    return place.segment === idText(segment.id) ? "ok" : "other-policy";
  };
  const items = addresses.map((ip) => {
    const address = formatIp(ip);
    return itemOf(address, known ?? record, state ?? stateOf(address));
  });
  return { id, name: { ...attachment, isCut: false }, options: undefined, items };
}

function withoutRecord(id: string, { segment, comment }: Place, { owners, segments }: Maps): ListedAttachment {
  const known = segment === undefined ? undefined : segments.get(segment);
  const addresses = [...owners].filter(([, owner]) => owner === id).map(([address]) => address);
  const items = addresses.map((address) => itemOf(address, known, "no-record"));
  return { id, name: nameIn(comment), options: undefined, items };
}

/** The names in the comment of an attachment's element. */
export function nameIn(comment: string | undefined): AttachmentName {
  const { prefixLength: _, ...name } = readComment(comment, false) ?? { ...UNKNOWN_NAME, prefixLength: undefined };
  return name;
}

function itemOf(address: string, segment: KnownSegment | undefined, state: OwnedState): ListedItem {
  return { address, policy: `firewall ${policyText(segment)}`, packets: undefined, bytes: undefined, state };
}

function policyText(segment: KnownSegment | undefined): string {
  if (segment?.policy === undefined) return "unknown";
  const { bridge, policy } = segment;
  return isIsolating({ bridge, policy }) ? `${policy} ${bridge}` : policy;
}
