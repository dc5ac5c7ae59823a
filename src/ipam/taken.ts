// Which addresses are taken, as a tree of bitmaps in a table. A block of level 0 has a bit for each of the 256 addresses
// that differ in the last byte only; a bit of a block of level n + 1 says that a whole block of level n is taken. So the
// next free address after any other is found in a few steps, however many there are in between.

import type { Ip } from "../wire/ip.ts";
import { KEY_WORDS, type SlotTable, VALUE_WORDS } from "./slot-table.ts";

const BLOCK_BITS = 256;
const ALL_ONES = -1;
const TAG = { 4: 0x40, 16: 0x80 };

export class TakenAddresses {
  readonly #table: SlotTable;
  /** The key of one block after another. */
  readonly #key: Int32Array = new Int32Array(KEY_WORDS);
  readonly #keyBytes: Uint8Array = new Uint8Array(this.#key.buffer);

  constructor(table: SlotTable) {
    this.#table = table;
  }

  has(ip: Ip): boolean {
    const slot = this.#table.find(this.#keyOf(ip, 0));
    const bit = ip[ip.length - 1] ?? 0;
    return (
      slot >= 0 && ((this.#table.words(slot)[this.#table.valueAt(slot) + (bit >> 5)] ?? 0) & (1 << (bit & 31))) !== 0
    );
  }

  /** False where the table is too small. */
  add(ip: Ip): boolean {
    for (let level = 0; level < ip.length; level++) {
      const key = this.#keyOf(ip, level);
      let slot = this.#table.find(key);
      if (slot < 0) slot = this.#table.insert(key);
      if (slot < 0) return false;
      this.#table.touch(slot);
      const words = this.#table.words(slot);
      const at = this.#table.valueAt(slot);
      const bit = ip[ip.length - 1 - level] ?? 0;
      const word = at + (bit >> 5);
      words[word] = (words[word] ?? 0) | (1 << (bit & 31));
      if (words[word] !== ALL_ONES || firstZero(words, at, 0) < BLOCK_BITS) break;
    }
    return true;
  }

  delete(ip: Ip): void {
    for (let level = 0; level < ip.length; level++) {
      const slot = this.#table.find(this.#keyOf(ip, level));
      if (slot < 0) return;
      this.#table.touch(slot);
      const words = this.#table.words(slot);
      const at = this.#table.valueAt(slot);
      const wasFull = firstZero(words, at, 0) === BLOCK_BITS;
      const bit = ip[ip.length - 1 - level] ?? 0;
      const word = at + (bit >> 5);
      words[word] = (words[word] ?? 0) & ~(1 << (bit & 31));
      if (isEmpty(words, at)) this.#table.remove(slot);
      if (!wasFull) return;
    }
  }

  /** The first address from `from` on that isn't taken; undefined where there is none up to the end of the family. */
  nextFree(from: Ip): Ip | undefined {
    const ip = from.slice();
    for (let level = 0; level < ip.length; level++) {
      const at = ip.length - 1 - level;
      // Above level 0 the block that `from` lies in is known to have nothing more.
      const bit = this.#firstZero(ip, level, (ip[at] ?? 0) + (level === 0 ? 0 : 1));
      if (bit === BLOCK_BITS) continue;
      ip[at] = bit;
      for (let below = level - 1; below >= 0; below--) ip[ip.length - 1 - below] = this.#firstZero(ip, below, 0);
      return ip;
    }
    return undefined;
  }

  #firstZero(ip: Ip, level: number, from: number): number {
    const slot = from < BLOCK_BITS ? this.#table.find(this.#keyOf(ip, level)) : -1;
    return slot < 0 ? from : firstZero(this.#table.words(slot), this.#table.valueAt(slot), from);
  }

  /** The bytes in front of the one that the block has bits for, and a tag for family and level at the end. */
  #keyOf(ip: Ip, level: number): Int32Array {
    const bytes = this.#keyBytes;
    bytes.set(ip);
    bytes.fill(0, ip.length - 1 - level);
    bytes[15] = (ip.length === 4 ? TAG[4] : TAG[16]) + level;
    return this.#key;
  }
}

/** The first bit that is 0, from bit `from` on, of a block that begins at word `at`. */
function firstZero(words: Int32Array, at: number, from: number): number {
  for (let word = from >> 5; word < VALUE_WORDS; word++) {
    const ignored = word === from >> 5 ? (1 << (from & 31)) - 1 : 0;
    const zeros = ~((words[at + word] ?? 0) | ignored);
    if (zeros !== 0) return word * 32 + 31 - Math.clz32(zeros & -zeros);
  }
  return BLOCK_BITS;
}

function isEmpty(words: Int32Array, at: number): boolean {
  for (let word = at; word < at + VALUE_WORDS; word++) if (words[word] !== 0) return false;
  return true;
}
