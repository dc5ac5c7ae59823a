// Whose an element is, for a monitor that runs for months: learnt from the maps and records as they stood at the
// beginning, and from what has happened since. What is deleted is still known for a while, because the events of a
// removal come one after the other.

import * as macSpoof from "../../mac-spoof/table.ts";
import type { ListedAttachment } from "../../masquerade/nftables/inventory.ts";
import { type AttachmentName, fromComment, UNKNOWN_NAME } from "../../masquerade/nftables/names.ts";
import { readRecordById } from "../../masquerade/nftables/records.ts";
import { ADDRESS_SETS, OWNERS, TABLE } from "../../masquerade/nftables/table-names.ts";
import type { Nftables } from "../../nftables/batch.ts";
import { type Element, type ElementSet, listElements } from "../../nftables/element.ts";
import type { Change } from "../../nftables/monitor.ts";
import { idText } from "../../owned/id.ts";
import { hasCode } from "../../sys/error.ts";
import { cstring } from "../../wire/codec.ts";
import { formatIp } from "../../wire/ip.ts";

/** How many keys of what has been deleted are still known. */
const DEPARTED_MAX = 8192;

const PORT_LENGTH = 16;

export class KnownNames {
  readonly #names = new Map<string, AttachmentName>();
  /** Keys of what has been deleted, the longest gone first. */
  readonly #departed = new Set<string>();

  /** Learns the names of all that is in our maps now, of which the attachments are given. Throws NetlinkError. */
  learnAll(nft: Nftables, attachments: readonly ListedAttachment[]): void {
    const before = new Set(this.#names.keys());
    const learn = (keys: readonly string[], name: AttachmentName): void => {
      this.#learn(keys, name);
      for (const key of keys) before.delete(key);
    };
    for (const { id, name, addresses } of attachments) {
      if (name === UNKNOWN_NAME) continue;
      const own = addresses.filter(({ state }) => state !== "taken" && state !== "missing");
      learn([idKey(id), ...own.map(({ ip }) => addressKey(ip))], name);
    }
    for (const element of guards(nft)) {
      const name = fromComment(element.comment, false);
      if (name !== undefined) learn(keysOf(macSpoof.ATTACHMENTS, element), name);
    }
    for (const key of before) this.#depart(key);
  }

  /** The attachment that an element of one of our maps is about; undefined where it is not known. In order of events. */
  nameOf(change: Change, set: ElementSet, element: Element): AttachmentName | undefined {
    const keys = keysOf(set, element);
    const [key] = keys;
    if (key === undefined) return undefined;
    if (!namesOwner(set)) return this.#names.get(key);
    const recorded = readRecordById(key.slice(ID.length))?.attachment;
    const inComment = fromComment(element.comment, set.table === TABLE);
    if (change === "new") {
      const name = recorded === undefined ? (inComment ?? this.#names.get(key)) : { ...recorded, isCut: false };
      if (name !== undefined) this.#learn(keys, name);
      return name;
    }
    for (const gone of keys) this.#depart(gone);
    return this.#names.get(key) ?? inComment;
  }

  #learn(keys: readonly string[], name: AttachmentName): void {
    for (const key of keys) {
      this.#names.set(key, name);
      this.#departed.delete(key);
    }
  }

  #depart(key: string): void {
    this.#departed.delete(key);
    this.#departed.add(key);
    if (this.#departed.size <= DEPARTED_MAX) return;
    const [oldest] = this.#departed;
    if (oldest === undefined) return;
    this.#departed.delete(oldest);
    this.#names.delete(oldest);
  }
}

const ID = "id ";
const idKey = (id: string): string => `${ID}${id}`;
const addressKey = (ip: string): string => `address ${ip}`;
const portKey = (bytes: Uint8Array): string => `port ${cstring.decode(bytes.subarray(0, PORT_LENGTH))}`;

/** Whether the map is one that says who owns something: its elements carry ids and comments. */
function namesOwner({ table, set }: ElementSet): boolean {
  return (table === TABLE && set === OWNERS) || (table === macSpoof.TABLE.name && set === macSpoof.ATTACHMENTS.set);
}

/** What the element belongs to, the id first where it has one; empty for sets that are not ours. */
function keysOf({ table, set }: ElementSet, { key, data }: Element): string[] {
  const value = data instanceof Uint8Array ? data : undefined;
  if (table === TABLE) {
    if (set === OWNERS && value !== undefined) return [idKey(idText(value)), addressKey(formatIp(key))];
    if (ADDRESS_SETS.includes(set)) return [addressKey(formatIp(key))];
  }
  if (table === macSpoof.TABLE.name) {
    if (set === macSpoof.ATTACHMENTS.set) return [idKey(idText(key)), ...(value === undefined ? [] : [portKey(value)])];
    if (set === macSpoof.PORTS.set || set === macSpoof.ALLOWED.set) return [portKey(key)];
  }
  return [];
}

function guards(nft: Nftables): Element[] {
  try {
    return listElements(nft.connection, macSpoof.ATTACHMENTS);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
