// Whose an element is, for a monitor that runs for months: learnt from the maps and records as they stood at the
// beginning, and from what has happened since. What is deleted is still known for a while, because the events of a
// removal come one after the other.

import { FEATURES } from "../../features.ts";
import { type Element, type ElementSet, listElements } from "../../nftables/element.ts";
import type { Change } from "../../nftables/monitor.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import type { AttachmentName, Feature, OwnTable } from "../../owned/feature.ts";
import { hasCode } from "../../sys/error.ts";

/** How many keys of what has been deleted are still known. */
const DEPARTED_MAX = 8192;

export class KnownNames {
  readonly #names = new Map<string, AttachmentName>();
  /** Keys of what has been deleted, the longest gone first. */
  readonly #departed = new Set<string>();

  /** Learns the names of all that is in our maps now. Throws NetlinkError or SyscallError. */
  learnAll(nft: Nftables): void {
    const before = new Set(this.#names.keys());
    for (const known of TABLES) {
      const { table } = known;
      for (const element of ownersIn(nft, table)) {
        const keys = table.keysOf(table.owners, element);
        const name = nameFor(known, keys, element);
        if (name === undefined) continue;
        this.#learn(keys, name);
        for (const key of keys) before.delete(key);
      }
    }
    for (const key of before) this.#depart(key);
  }

  /** The attachment that an element of one of our maps is about; undefined where it is not known. In order of events. */
  nameOf(change: Change, set: ElementSet, element: Element): AttachmentName | undefined {
    const own = TABLES.find(({ table }) => table.table === set.table && table.families.includes(set.family));
    if (own === undefined) return undefined;
    const keys = own.table.keysOf(set.set, element);
    const [key] = keys;
    if (key === undefined) return undefined;
    if (set.set !== own.table.owners) return this.#names.get(key);
    const name = nameFor(own, keys, element);
    if (change === "new") {
      const known = name ?? this.#names.get(key);
      if (known !== undefined) this.#learn(keys, known);
      return known;
    }
    for (const gone of keys) this.#depart(gone);
    return this.#names.get(key) ?? name;
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

interface Known {
  readonly table: OwnTable;
  readonly attachmentById: Feature["attachmentById"];
}

/** The private tables, and who knows the attachments in them. */
const TABLES: readonly Known[] = FEATURES.flatMap(({ tables, attachmentById }) =>
  tables.map((table) => ({ table, attachmentById })),
);

/** Whose an element of the map of owners is: by the record of its id, which comes first among the keys, or by its comment. */
function nameFor(
  { table, attachmentById }: Known,
  [id = ""]: readonly string[],
  { comment }: Element,
): AttachmentName | undefined {
  const recorded = attachmentById(id);
  return recorded === undefined ? table.nameIn(comment) : { ...recorded, isCut: false };
}

function ownersIn(nft: Nftables, { families, table, owners }: OwnTable): Element[] {
  return families.flatMap((family) => {
    try {
      return listElements(nft.connection, { family, table, set: owners });
    } catch (error) {
      if (hasCode(error, "ENOENT")) return [];
      throw error;
    }
  });
}
