// The allocator: what is written stays, whatever the sizes and the order of coming and going.

import { type Check, equal } from "./check.ts";

/** Sizes around every boundary of engine/heap.c: steps of 16, quarters of powers of two, pages of their own. */
function sizes(): number[] {
  const all: number[] = [];
  for (let size = 1; size < 1100; size += 7) all.push(size);
  for (let power = 10; power <= 18; power += 1) {
    for (const quarter of [4, 5, 6, 7]) {
      for (const offset of [-17, -16, -9, -8, -7, 0, 1]) all.push((2 ** power * quarter) / 4 + offset);
    }
  }
  return all;
}

/** A byte that tells where it belongs. */
const mark = (block: number, at: number): number => (block * 31 + at * 7) & 255;

/** First, last and a middle byte are enough to see an overlap. */
const probes = (length: number): number[] => [0, length >> 1, length - 1];

function fill(bytes: Uint8Array, block: number): Uint8Array {
  for (const at of probes(bytes.length)) bytes[at] = mark(block, at);
  return bytes;
}

const damaged = (blocks: readonly Uint8Array[]): number[] =>
  blocks.flatMap((bytes, i) => (probes(bytes.length).some((at) => bytes[at] !== mark(i, at)) ? [bytes.length] : []));

export const MEMORY: readonly Check[] = [
  {
    name: "blocks of all sizes keep apart, new ones and used ones",
    run: () => {
      const blocks = sizes().map((size, i) => fill(new Uint8Array(size), i));
      equal(damaged(blocks), []);
      for (let round = 0; round < 3; round += 1) {
        for (let i = round; i < blocks.length; i += 3) blocks[i] = new Uint8Array(0);
        for (let i = round; i < blocks.length; i += 3) blocks[i] = fill(new Uint8Array(sizes()[i] ?? 1), i);
        equal(damaged(blocks), []);
      }
    },
  },
  {
    name: "fresh bytes are zero, even where others were before",
    run: () => {
      for (let i = 0; i < 50; i += 1) {
        const bytes = new Uint8Array(10_000);
        equal(
          bytes.every((byte) => byte === 0),
          true,
        );
        bytes.fill(255);
      }
    },
  },
  {
    name: "an array that grows keeps what it had",
    run: () => {
      const numbers: number[] = [];
      for (let i = 0; i < 60_000; i += 1) numbers.push(i * 1.5);
      equal(
        numbers.findIndex((value, i) => value !== i * 1.5),
        -1,
      );
    },
  },
];
