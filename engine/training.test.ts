import { describe, expect, it } from "vitest";
import { hotOf } from "./training.mjs";

const notesOf = (...words: readonly number[]): Uint8Array => new Uint8Array(Uint16Array.from(words).buffer);

describe("a trainer's notes", () => {
  it("tell which blocks are hot, up to the last, and what they take together", () => {
    const { flags, bytes } = hotOf(notesOf(16, 32 + 1, 80, 1024 + 1, 16, 0, 0));
    expect([Array.from(flags), bytes]).toEqual([[0, 1, 0, 1], 1056]);
  });

  it("may name none", () => {
    expect(hotOf(notesOf(16, 32, 0))).toEqual({ flags: new Uint8Array(0), bytes: 0 });
  });

  it("are read where they begin at an odd byte of their buffer", () => {
    const padded = Uint8Array.of(0, ...notesOf(16 + 1));
    expect(hotOf(padded.subarray(1))).toEqual({ flags: Uint8Array.of(1), bytes: 16 });
  });
});
