// A hash table whose pages can lie in a file: a look-up reads a page or two, however large the table is.
// Open addressing with linear probing; a slot is a key of 16 bytes, the last of which is never 0, and a value of 32.

export const KEY_WORDS = 4;
export const VALUE_WORDS = 8;
const SLOT_WORDS = KEY_WORDS + VALUE_WORDS;
const PAGE_SLOTS = 64;
export const PAGE_WORDS: number = PAGE_SLOTS * SLOT_WORDS;

/** Returns the words of a page; changes made to them are kept with `SlotTable.changedPages`. */
export type ReadPage = (page: number) => Int32Array;

export class SlotTable {
  /** A power of two, at least PAGE_SLOTS. */
  readonly slots: number;
  #used: number;
  readonly #readPage: ReadPage;
  readonly #pages: Map<number, Int32Array> = new Map();
  readonly #changed: Set<number> = new Set();

  /** A table of at least `slots` slots, of which `used` are; empty and in memory where there is no `readPage`. */
  constructor(slots: number, used = 0, readPage: ReadPage = () => new Int32Array(PAGE_WORDS)) {
    this.slots = Math.max(PAGE_SLOTS, 2 ** Math.ceil(Math.log2(slots)));
    this.#used = used;
    this.#readPage = readPage;
  }

  get used(): number {
    return this.#used;
  }

  get pages(): number {
    return this.slots / PAGE_SLOTS;
  }

  /** The pages that have been changed since they were read, by number. */
  changedPages(): readonly (readonly [number, Int32Array])[] {
    return [...this.#changed].map((page) => [page, this.#page(page)]);
  }

  /** The first slot of this key, or the next after slot `after`; -1 where there is none. */
  find(key: Int32Array, after = -1): number {
    let slot = after < 0 ? this.#home(key) : this.#next(after);
    for (let probes = 0; probes < this.slots; probes++) {
      const words = this.#words(slot);
      const at = offsetOf(slot);
      if (words[at + 3] === 0) return -1;
      if (words[at] === key[0] && words[at + 1] === key[1] && words[at + 2] === key[2] && words[at + 3] === key[3]) {
        return slot;
      }
      slot = this.#next(slot);
    }
    return -1;
  }

  /** The value of a slot, to read. */
  value(slot: number): Int32Array {
    const at = offsetOf(slot) + KEY_WORDS;
    return this.#words(slot).subarray(at, at + VALUE_WORDS);
  }

  /** The value of a slot, to change. */
  change(slot: number): Int32Array {
    this.#changed.add(Math.floor(slot / PAGE_SLOTS));
    return this.value(slot);
  }

  /** Takes a new slot for this key, with a value of zeros; -1 where the table is full. */
  insert(key: Int32Array): number {
    if (this.#used >= this.slots - 1) return -1;
    let slot = this.#home(key);
    for (let probes = 0; this.#words(slot)[offsetOf(slot) + 3] !== 0; probes++) {
      if (probes === this.slots) return -1;
      slot = this.#next(slot);
    }
    this.#used++;
    this.change(slot).fill(0);
    this.#words(slot).set(key, offsetOf(slot));
    return slot;
  }

  /** Empties a slot. Slots behind it move up, so that every key is still found without a hole on the way. */
  remove(slot: number): void {
    this.#used--;
    let hole = slot;
    let at = this.#next(hole);
    for (let probes = 0; probes < this.slots; probes++) {
      const offset = offsetOf(at);
      const words = this.#words(at);
      if (words[offset + 3] === 0) break;
      const home = this.#home(words.subarray(offset, offset + KEY_WORDS));
      // It may move unless its home lies behind the hole, going round from the hole to where it is.
      if (this.#distance(home, at) >= this.#distance(hole, at)) {
        this.#write(hole, words.subarray(offset, offset + SLOT_WORDS));
        hole = at;
      }
      at = this.#next(at);
    }
    this.#write(hole, new Int32Array(SLOT_WORDS));
  }

  #write(slot: number, words: Int32Array): void {
    this.#changed.add(Math.floor(slot / PAGE_SLOTS));
    this.#words(slot).set(words, offsetOf(slot));
  }

  #distance(from: number, to: number): number {
    return (to - from) & (this.slots - 1);
  }

  #next(slot: number): number {
    return (slot + 1) & (this.slots - 1);
  }

  #home(key: Int32Array): number {
    let hash = key[0] ?? 0;
    for (let i = 1; i < KEY_WORDS; i++) {
      hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b); // constants and shifts of MurmurHash3's finalizer
      hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) ^ (key[i] ?? 0);
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) & (this.slots - 1);
  }

  #words(slot: number): Int32Array {
    return this.#page(Math.floor(slot / PAGE_SLOTS));
  }

  #page(number: number): Int32Array {
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = this.#readPage(number);
      this.#pages.set(number, page);
    }
    return page;
  }
}

function offsetOf(slot: number): number {
  return (slot % PAGE_SLOTS) * SLOT_WORDS;
}
