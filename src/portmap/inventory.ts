// `bauta list`: the published ports in the kernel, and the records, put side by side.

import type { Connection } from "../netlink/connection.ts";
import type { Element } from "../nftables/element.ts";
import { readComment, UNKNOWN_NAME } from "../owned/comment.ts";
import type { AttachmentName, Inventory, ListedAttachment, ListedItem, OwnedState } from "../owned/feature.ts";
import { attachmentId, isOfNetwork, networkId } from "../owned/id.ts";
import { inOrder } from "../owned/inventory.ts";
import { FAMILIES, type Family } from "../wire/ip.ts";
import {
  bytesText,
  type Elements,
  elementsOf,
  entryName,
  exceptionFor,
  exceptionsOf,
  isSameData,
  type Part,
  partsOf,
} from "./elements.ts";
import { endpointText, hostText, PROTOCOLS, protocolText } from "./mapping.ts";
import { type PortmapRecord, records } from "./records.ts";
import { addressIn, readState, StateIndex } from "./state.ts";
import { tableFaults } from "./table-faults.ts";
import { ADDRESSES, CONDITIONAL_ADDRESSES, CONDITIONAL_PORTS, EXCEPTIONS, OWNERS, PORTS } from "./table-names.ts";

/** Lists what all attachments publish, or those of one network. Throws NetlinkError or SyscallError. */
export function listInventory(connection: Connection, network?: string): Inventory {
  const inventory = take(connection, network);
  const isAllOk = inventory.attachments.every(({ items }) => items.every(({ state }) => state === "ok"));
  // Records and maps are read one after the other, and attachments come and go meanwhile.
  return isAllOk ? inventory : take(connection, network);
}

/** What is known of an attachment. */
interface Known {
  readonly name: AttachmentName;
  readonly items: ListedItem[];
}

function take(connection: Connection, network: string | undefined): Inventory {
  const { live, leaving, problems } = records.survey();
  const all = new Map<string, Known>();
  const faults = [...problems];
  const states = new Map(FAMILIES.map((family) => [family, readState(connection, family)] as const));
  const isWanted = ({ attachment }: PortmapRecord): boolean => network === undefined || attachment.network === network;
  const indices = new Map([...states].map(([family, state]) => [family, new StateIndex(state)] as const));
  const seen = new Map(FAMILIES.map((family) => [family, new Set<string>()] as const));
  const add = (id: string, record: PortmapRecord, isLeaving: boolean): void => {
    const items = partsOf(record).flatMap((part) => {
      const index = indices.get(part.family) ?? new StateIndex(new Map());
      return recordedItems(record, part, index, seen.get(part.family) ?? new Set(), isLeaving);
    });
    if (isWanted(record) && items.length > 0) all.set(id, { name: { ...record.attachment, isCut: false }, items });
  };
  for (const { id, record } of live) add(id, record, false);
  for (const { id, record } of leaving) add(id, record, true);
  for (const family of FAMILIES) addUnrecorded(all, family, states.get(family) ?? new Map(), seen.get(family), network);
  const attachments = [...all].map(
    ([id, { name, items }]): ListedAttachment => ({
      id: id.startsWith("?") ? "" : id,
      name,
      options: undefined,
      items,
    }),
  );
  if (attachments.length > 0) {
    for (const family of FAMILIES) {
      const isUsed = (states.get(family)?.get(OWNERS) ?? []).length > 0 || hasPart(live, family);
      const state = states.get(family) ?? new Map();
      if (isUsed) faults.push(...tableFaults(connection, family, state).map(({ text }) => text));
    }
  }
  return { attachments: inOrder(attachments), faults };
}

function hasPart(live: ReturnType<typeof records.survey>["live"], family: Family): boolean {
  return live.some(({ record }) => partsOf(record).some((part) => part.family === family));
}

function recordedItems(
  record: PortmapRecord,
  part: Part,
  state: StateIndex,
  seen: Set<string>,
  isLeaving: boolean,
): ListedItem[] {
  const { family, container } = part;
  const wanted = elementsOf(record.attachment, part, record);
  const owner = state.get(OWNERS, attachmentId(record.attachment));
  return part.entries.flatMap((entry): ListedItem[] => {
    const { mapping, set, key } = entry;
    const found = state.get(set, key);
    const isOwn = found !== undefined && isSameData(found, { key, data: entry.target });
    if (isLeaving && !isOwn) return [];
    if (isOwn) seen.add(entryName(entry));
    const conditional = set === ADDRESSES ? CONDITIONAL_ADDRESSES : CONDITIONAL_PORTS;
    const condition = wanted.get(conditional)?.find((one) => one.key === key);
    const met = condition === undefined ? undefined : state.get(conditional, key);
    const isConditionThere = condition === undefined || (met !== undefined && isSameData(met, condition));
    const exception = exceptionFor(PROTOCOLS[mapping.protocol]);
    const led = state.get(EXCEPTIONS, exception.key);
    // Without the element, only what is published at every address and without conditions is looked up.
    const isLookedUp =
      led === undefined ? exceptionsOf([entry], part.conditions).length === 0 : isSameData(led, exception);
    const stateOf = (): OwnedState => {
      if (found === undefined) return "missing";
      if (!isOwn) return "taken";
      if (isLeaving) return "leaving";
      if (!isConditionThere || !isLookedUp) return "other-policy";
      return owner === undefined ? "no-owner" : "ok";
    };
    const target = endpointText(container.ip, mapping.containerPort);
    return [itemOf(family, hostText(mapping), mapping.protocol, target, stateOf())];
  });
}

/** A port, as `bauta list` shows it: `0.0.0.0:8080/tcp`, and `portmap 10.22.0.5:80`. */
export function itemOf(family: Family, host: string, protocol: string, target: string, state: OwnedState): ListedItem {
  const any = family === 4 ? "0.0.0.0" : "[::]";
  const address = `${/^\d+$/.test(host) ? `${any}:${host}` : host}/${protocol}`;
  return { address, policy: `portmap ${target}`, packets: undefined, bytes: undefined, state };
}

/** What the kernel has and no record tells of. */
function addUnrecorded(
  all: Map<string, Known>,
  family: Family,
  state: Elements,
  seen: ReadonlySet<string> = new Set(),
  network: string | undefined,
): void {
  const ofNetwork = network === undefined ? undefined : networkId(network);
  const owners = new Map((state.get(OWNERS) ?? []).map((one) => [bytesText(addressIn(one, family) ?? one.key), one]));
  for (const set of [ADDRESSES, PORTS] as const) {
    for (const element of state.get(set) ?? []) {
      if (seen.has(entryName({ set, key: element.key }))) continue;
      const address = addressIn(element, family);
      const owner = address === undefined ? undefined : owners.get(bytesText(address));
      const name = readComment(element.comment, false) ?? UNKNOWN_NAME;
      const isOther =
        owner === undefined ? name.network !== network : ofNetwork !== undefined && !isOfNetwork(owner.key, ofNetwork);
      if (network !== undefined && isOther) continue;
      const id = owner === undefined ? `?${element.comment}` : bytesText(owner.key);
      const known = all.get(id) ?? { name: nameOf(name), items: [] };
      all.set(id, known);
      known.items.push(unrecordedItem(family, set, element, owner === undefined ? "no-owner" : "no-record"));
    }
  }
}

function nameOf({ network, containerId, ifname, isCut }: AttachmentName): AttachmentName {
  return { network, containerId, ifname, isCut };
}

function unrecordedItem(
  family: Family,
  set: typeof ADDRESSES | typeof PORTS,
  { key, data }: Element,
  state: OwnedState,
): ListedItem {
  const length = set === ADDRESSES ? (family === 4 ? 4 : 16) : 0;
  const [protocol = 0] = key.subarray(length);
  const hostPort = portAt(key, length + 4);
  const host = hostText(length === 0 ? { hostPort } : { hostIp: key.slice(0, length), hostPort });
  const target = data instanceof Uint8Array ? data : new Uint8Array(0);
  const size = family === 4 ? 4 : 16;
  return itemOf(family, host, protocolText(protocol), endpointText(target.slice(0, size), portAt(target, size)), state);
}

const portAt = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
