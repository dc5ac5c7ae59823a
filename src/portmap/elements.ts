// The elements of an attachment in the tables.

import type { Attachment } from "../cni/attachment.ts";
import { concatKey } from "../nftables/datatype.ts";
import { addElements, createElements, deleteElements, type Element } from "../nftables/element.ts";
import { ifnameKey } from "../nftables/match.ts";
import type { Command } from "../nftables/message.ts";
import { portBytes } from "../nftables/nat-range.ts";
import { NFT_VERDICT } from "../nftables/uapi.ts";
import { writeComment } from "../owned/comment.ts";
import { attachmentId, idText } from "../owned/id.ts";
import { sameBytes } from "../wire/codec.ts";
import { FAMILIES, type Family, familyOf, type Ip } from "../wire/ip.ts";
import { conditionalChainNames } from "./conditions.ts";
import {
  type Container,
  conditionsOf,
  hostAddress,
  isOfFamily,
  type PortMapping,
  PROTOCOLS,
  type Publication,
} from "./mapping.ts";
import {
  ADDRESSES,
  ATTACHMENTS,
  CONDITIONAL_ADDRESSES,
  CONDITIONAL_PORTS,
  COUNTED,
  EVERYONE,
  EXCEPTIONS,
  OWNERS,
  PAIRS,
  PORTS,
  RETURNING,
  SETS,
  type SetName,
  setIn,
  WITH_EXCEPTIONS,
} from "./table-names.ts";

/** Elements of one family's table, by the set or map that they are in. */
export type Elements = ReadonlyMap<SetName, readonly Element[]>;

/** What an attachment publishes to packets of one family. */
export interface Part {
  readonly family: Family;
  readonly container: Container;
  /** Each key once: of two mappings with the same key the first counts. */
  readonly entries: readonly Entry[];
  /** The words of the conditions. */
  readonly conditions: readonly string[];
}

/** A mapping, as a key of one of the two maps. */
export interface Entry {
  readonly mapping: PortMapping;
  readonly family: Family;
  readonly set: typeof ADDRESSES | typeof PORTS;
  readonly key: Uint8Array;
  /** The container's address and port. */
  readonly target: Uint8Array;
}

/** The families' parts; a family that the container has no address of, or no mapping is about, has none. */
export function partsOf(publication: Publication): Part[] {
  return FAMILIES.flatMap((family): Part[] => {
    const container = publication.containers.find(({ ip }) => familyOf(ip) === family);
    if (container === undefined) return [];
    const entries = entriesOf(publication.mappings, family, container.ip);
    return entries.length === 0 ? [] : [{ family, container, entries, conditions: conditionsOf(publication, family) }];
  });
}

function entriesOf(mappings: readonly PortMapping[], family: Family, container: Ip): Entry[] {
  const entries = new Map<string, Entry>();
  for (const mapping of mappings) {
    if (!isOfFamily(mapping, family)) continue;
    const address = hostAddress(mapping);
    const port = concatKey(Uint8Array.of(PROTOCOLS[mapping.protocol]), portBytes(mapping.hostPort));
    const set = address === undefined ? PORTS : ADDRESSES;
    const key = address === undefined ? port : concatKey(address, port);
    const name = entryName({ set, key });
    if (entries.has(name)) continue;
    entries.set(name, { mapping, family, set, key, target: concatKey(container, portBytes(mapping.containerPort)) });
  }
  return [...entries.values()];
}

/** A key of either map as text: for a Map. */
export function entryName({ set, key }: Pick<Entry, "set" | "key">): string {
  return `${set} ${bytesText(key)}`;
}

/** A key, an address or an id as text: for a Map whose keys have one length. */
export const bytesText: (bytes: Uint8Array) => string = idText;

/** All elements of a part. */
export function elementsOf(
  attachment: Attachment,
  { family, container, entries, conditions }: Part,
  publication: Publication,
): Elements {
  const id = attachmentId(attachment);
  const comment = writeComment(attachment);
  const elements = new Map<SetName, readonly Element[]>([
    [OWNERS, [{ key: id, data: container.ip, comment }]],
    [COUNTED, [{ key: id, data: { code: NFT_VERDICT.GOTO, chain: ATTACHMENTS } }]],
  ]);
  for (const set of [ADDRESSES, PORTS] as const) {
    const own = entries.filter((one) => one.set === set);
    elements.set(
      set,
      own.map(({ key, target }) => ({ key, data: target, comment })),
    );
    if (conditions.length === 0) continue;
    const names = conditionalChainNames(conditions);
    const data = { code: NFT_VERDICT.GOTO, chain: set === ADDRESSES ? names.addresses : names.ports };
    const conditional = set === ADDRESSES ? CONDITIONAL_ADDRESSES : CONDITIONAL_PORTS;
    elements.set(
      conditional,
      own.map(({ key }) => ({ key, data })),
    );
  }
  elements.set(EXCEPTIONS, exceptionsOf(entries, conditions));
  for (const [set, keys] of sourcesOf(family, container, publication)) {
    elements.set(
      set,
      keys.map((key) => ({ key })),
    );
  }
  return elements;
}

/** Elements that attachments share: each makes sure of them, and they stay until the table goes. */
export function exceptionsOf(entries: readonly Entry[], conditions: readonly string[]): Element[] {
  const unusual = entries.filter(({ set }) => conditions.length > 0 || set === ADDRESSES);
  return [...new Set(unusual.map(({ mapping }) => PROTOCOLS[mapping.protocol]))].map(exceptionFor);
}

/** The element of a protocol. */
export function exceptionFor(protocol: number): Element {
  return { key: Uint8Array.of(protocol), data: { code: NFT_VERDICT.GOTO, chain: WITH_EXCEPTIONS } };
}

/** Whether both lead to the same. */
export function isSameData({ data: found }: Element, { data: wanted }: Element): boolean {
  if (found instanceof Uint8Array && wanted instanceof Uint8Array) return sameBytes(found, wanted);
  if (found === undefined || wanted === undefined) return found === wanted;
  if (found instanceof Uint8Array || wanted instanceof Uint8Array) return false;
  return found.code === wanted.code && found.chain === wanted.chain;
}

const LOCALHOST = Uint8Array.of(127, 0, 0, 1);

/** Whose packets get the node's address on their way to the container, as keys. */
function sourcesOf(
  family: Family,
  { ip, link }: Container,
  { snat, masqAll }: Publication,
): readonly (readonly [SetName, readonly Uint8Array[]])[] {
  if (!snat) return [];
  if (masqAll) return [[EVERYONE, [ip]]];
  const localhost = family === 4 ? [concatKey(LOCALHOST, ip)] : [];
  return [
    [RETURNING, link === undefined ? [] : [concatKey(ifnameKey(link), ip)]],
    // Where rules of IP see bridged frames, no link that they came from is known behind the bridge.
    [PAIRS, [concatKey(ip, ip), ...localhost]],
  ];
}

/** Makes them; EEXIST where one is there. */
export function createAll(family: Family, elements: Elements): Command[] {
  return [
    ...forEachSet(family, shared(elements), addElements),
    ...forEachSet(family, unshared(elements), createElements),
  ];
}

/** Deletes them by their keys, but for what others may need; ENOENT where one is missing. */
export function deleteAll(family: Family, elements: Elements): Command[] {
  return forEachSet(family, unshared(elements), deleteElements);
}

const shared = (elements: Elements): Elements => new Map([...elements].filter(([set]) => set === EXCEPTIONS));
const unshared = (elements: Elements): Elements => new Map([...elements].filter(([set]) => set !== EXCEPTIONS));

/**
 * The same, but EEXIST where a key leads elsewhere by now: where an element is there, adding what it already is changes
 * nothing.
 */
export function deleteOwn(family: Family, elements: Elements): Command[] {
  const mapped = new Map([...elements].filter(([, own]) => own.some(({ data }) => data instanceof Uint8Array)));
  return [...forEachSet(family, mapped, addElements), ...deleteAll(family, elements)];
}

type ElementsCommand = typeof createElements;

function forEachSet(family: Family, elements: Elements, command: ElementsCommand): Command[] {
  return SETS.flatMap((set) => {
    const own = elements.get(set) ?? [];
    return own.length === 0 ? [] : command({ ...setIn(family, set), elements: own });
  });
}
