// A hash table whose pages can lie in a file: a look-up reads a page or two, however large the table is.
// Open addressing with linear probing. A slot is a key of 16 bytes, the last of which is never 0, a value of 32 and a check
// sum of both. An empty slot has a check sum too, so that a table that has been damaged is never taken for one that merely
// hasn't got something.

export const KEY_WORDS = 4;
export const VALUE_WORDS = 8;
const CHECK_AT = KEY_WORDS + VALUE_WORDS;
/** Three words of a slot mean nothing: a page is as large as the kernel's. */
const SLOT_WORDS = 16;
const PAGE_SLOTS = 64;
export const PAGE_WORDS: number = PAGE_SLOTS * SLOT_WORDS;

/** The check sum before the first word, so that zeros are no empty slot. */
const CHECK_START = 0x62617574;
/** That of an empty slot: twelve words of zeros. */
const EMPTY_CHECK = 0x46261757;

/** A page isn't as it was written. */
export class DamagedTableError extends Error {
  override readonly name: string = "DamagedTableError";
}

/** Fills a page. */
export type ReadPage = (page: number, bytes: Uint8Array) => void;

/** The same memory in two ways. */
interface Page {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

/** Every look-up throws DamagedTableError where it meets a slot that isn't as it was written. */
export class SlotTable {
  /** A multiple of PAGE_SLOTS. */
  readonly slots: number;
  #used: number;
  readonly #readPage: ReadPage | undefined;
  /** Of a table in memory all its slots. */
  readonly #memory: Int32Array;
  readonly #memoryBytes: Uint8Array;
  readonly #pages: Map<number, Page> = new Map();
  readonly #changed: Set<number> = new Set();

  /** A table of at least `slots` slots, of which `used` are; empty and in memory where there is no `readPage`. */
  constructor(slots: number, used = 0, readPage?: ReadPage) {
    this.slots = Math.max(1, Math.ceil(slots / PAGE_SLOTS)) * PAGE_SLOTS;
    this.#used = used;
    this.#readPage = readPage;
    this.#memory = new Int32Array(readPage === undefined ? this.slots * SLOT_WORDS : 0);
    this.#memoryBytes = new Uint8Array(this.#memory.buffer);
  }

  get used(): number {
    return this.#used;
  }

  /** What has changed since it was read, and where: the number of the first of these words. */
  changes(): readonly (readonly [number, Int32Array])[] {
    if (this.#readPage === undefined) {
      for (let at = 0; at < this.#memory.length; at += SLOT_WORDS) setCheck(this.#memory, at);
      return [[0, this.#memory]];
    }
    const pages = new Set<number>();
    for (const slot of this.#changed) {
      setCheck(this.words(slot), this.#at(slot));
      pages.add(pageOf(slot));
    }
    return [...pages].map((page) => [page * PAGE_WORDS, this.words(page * PAGE_SLOTS)]);
  }

  /** The first slot of this key, or the next after slot `after`; -1 where there is none. */
  find(key: Int32Array, after = -1): number {
    let slot = after < 0 ? this.#home(key, 0) : this.#next(after);
    for (let probes = 0; probes < this.slots; probes++) {
      const words = this.#checked(slot);
      const at = this.#at(slot);
      const last = words[at + 3];
      if (last === 0) return -1;
      if (last === key[3] && words[at] === key[0] && words[at + 1] === key[1] && words[at + 2] === key[2]) return slot;
      slot = this.#next(slot);
    }
    return -1;
  }

  /** The words that the slot lies in: its value begins at `valueAt(slot)`. To read, or to change after `touch(slot)`. */
  words(slot: number): Int32Array {
    return this.#readPage === undefined ? this.#memory : this.#page(slot, this.#readPage).words;
  }

  valueAt(slot: number): number {
    return this.#at(slot) + KEY_WORDS;
  }

  /** The same as bytes: its value begins at four times `valueAt(slot)`. */
  bytes(slot: number): Uint8Array {
    return this.#readPage === undefined ? this.#memoryBytes : this.#page(slot, this.#readPage).bytes;
  }

  #page(slot: number, read: ReadPage): Page {
    const number = pageOf(slot);
    let page = this.#pages.get(number);
    if (page === undefined) {
      const words = new Int32Array(PAGE_WORDS);
      page = { words, bytes: new Uint8Array(words.buffer) };
      read(number, page.bytes);
      this.#pages.set(number, page);
    }
    return page;
  }

  /** Notes that the slot's value is about to be changed. */
  touch(slot: number): void {
    if (this.#readPage !== undefined) this.#changed.add(slot);
  }

  /** Takes a new slot for this key, with a value of zeros; -1 where the table is full. */
  insert(key: Int32Array): number {
    if (this.#used >= this.slots - 1) return -1;
    let slot = this.#home(key, 0);
    for (let probes = 0; this.#checked(slot)[this.#at(slot) + 3] !== 0; probes++) {
      if (probes === this.slots) return -1;
      slot = this.#next(slot);
    }
    this.#used++;
    this.touch(slot);
    this.words(slot).set(key, this.#at(slot));
    return slot;
  }

  /** Empties a slot. Slots behind it move up, so that every key is still found without a hole on the way. */
  remove(slot: number): void {
    this.#used--;
    let hole = slot;
    let from = this.#next(hole);
    for (let probes = 0; probes < this.slots; probes++) {
      const words = this.#checked(from);
      const at = this.#at(from);
      if (words[at + 3] === 0) break;
      // It may move unless its home lies behind the hole, going round from the hole to where it is.
      if (this.#distance(this.#home(words, at), from) >= this.#distance(hole, from)) {
        this.#write(hole, words.subarray(at, at + SLOT_WORDS));
        hole = from;
      }
      from = this.#next(from);
    }
    this.#write(hole, new Int32Array(SLOT_WORDS));
  }

  #write(slot: number, words: Int32Array): void {
    this.touch(slot);
    this.words(slot).set(words, this.#at(slot));
  }

  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.slots;
  }

  #next(slot: number): number {
    return slot + 1 === this.slots ? 0 : slot + 1;
  }

  /** Where the key that lies at this place would best lie. */
  #home(key: Int32Array, at: number): number {
    const { imul } = Math;
    let hash = 0;
    for (let i = at; i < at + KEY_WORDS; i++) {
      hash = imul(hash ^ (hash >>> 15) ^ (key[i] ?? 0), 0x85ebca6b); // constants and shifts of MurmurHash3's finalizer
    }
    hash = imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return ((hash ^ (hash >>> 16)) & 0x7fffffff) % this.slots;
  }

  /** The words that the slot lies in, after a look whether it is as it was written. */
  #checked(slot: number): Int32Array {
    const words = this.words(slot);
    if (this.#readPage === undefined || this.#changed.has(slot)) return words;
    const at = this.#at(slot);
    if (words[at + CHECK_AT] !== checkOf(words, at)) throw new DamagedTableError(`slot ${slot} has been altered`);
    return words;
  }

  /** Where the slot begins among its words. */
  #at(slot: number): number {
    return (this.#readPage === undefined ? slot : slot % PAGE_SLOTS) * SLOT_WORDS;
  }
}

function pageOf(slot: number): number {
  return Math.floor(slot / PAGE_SLOTS);
}

function setCheck(words: Int32Array, at: number): void {
  words[at + CHECK_AT] = words[at + 3] === 0 ? EMPTY_CHECK : checkOf(words, at);
}

/** A sum that any change of one word changes, and of several all but surely. */
function checkOf(words: Int32Array, at: number): number {
  let sum = CHECK_START;
  for (let i = at; i < at + CHECK_AT; i++) sum = ((sum << 5) | (sum >>> 27)) ^ (words[i] ?? 0);
  return sum;
}
