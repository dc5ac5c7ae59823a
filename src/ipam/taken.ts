// Which addresses are taken, as a tree of bitmaps in a table. A block of level 0 has a bit for each of the 256 addresses
// that differ in the last byte only; a bit of a block of level n + 1 says that a whole block of level n is taken. So the
// next free address after any other is found in a few steps, however many there are in between.

import type { Ip } from "../wire/ip.ts";
import { KEY_WORDS, type SlotTable } from "./slot-table.ts";

const BLOCK_BITS = 256;
const TAG = { 4: 0x40, 16: 0x80 };

export class TakenAddresses {
  readonly #table: SlotTable;

  constructor(table: SlotTable) {
    this.#table = table;
  }

  has(ip: Ip): boolean {
    const slot = this.#table.find(blockKey(ip, 0));
    return slot >= 0 && firstZero(this.#table.value(slot), ip.at(-1) ?? 0) !== ip.at(-1);
  }

  /** False where the table is too small. */
  add(ip: Ip): boolean {
    for (let level = 0; level < ip.length; level++) {
      const key = blockKey(ip, level);
      let slot = this.#table.find(key);
      if (slot < 0) slot = this.#table.insert(key);
      if (slot < 0) return false;
      const block = this.#table.change(slot);
      const bit = ip[ip.length - 1 - level] ?? 0;
      block[bit >> 5] = (block[bit >> 5] ?? 0) | (1 << (bit & 31));
      if (firstZero(block, 0) < BLOCK_BITS) break;
    }
    return true;
  }

  delete(ip: Ip): void {
    for (let level = 0; level < ip.length; level++) {
      const slot = this.#table.find(blockKey(ip, level));
      if (slot < 0) return;
      const block = this.#table.change(slot);
      const wasFull = firstZero(block, 0) === BLOCK_BITS;
      const bit = ip[ip.length - 1 - level] ?? 0;
      block[bit >> 5] = (block[bit >> 5] ?? 0) & ~(1 << (bit & 31));
      if (block.every((word) => word === 0)) this.#table.remove(slot);
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
    const slot = from < BLOCK_BITS ? this.#table.find(blockKey(ip, level)) : -1;
    return slot < 0 ? from : firstZero(this.#table.value(slot), from);
  }
}

/** The bytes in front of the one that the block has bits for, and a tag for family and level at the end. */
function blockKey(ip: Ip, level: number): Int32Array {
  const key = new Uint8Array(KEY_WORDS * 4);
  key.set(ip.subarray(0, ip.length - 1 - level));
  key[15] = TAG[ip.length === 4 ? 4 : 16] + level;
  return new Int32Array(key.buffer);
}

function firstZero(block: Int32Array, from: number): number {
  for (let word = from >> 5; word < block.length; word++) {
    const ignored = word === from >> 5 ? (1 << (from & 31)) - 1 : 0;
    const zeros = ~((block[word] ?? 0) | ignored);
    if (zeros !== 0) return word * 32 + 31 - Math.clz32(zeros & -zeros);
  }
  return BLOCK_BITS;
}
