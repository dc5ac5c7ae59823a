import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fold64 } from "./fold.ts";

const digest = (data: Uint8Array): string => Buffer.from(fold64(data)).toString("hex");

describe("fold64", () => {
  it("never changes: names in the kernel's tables are made of it", () => {
    const text = Uint8Array.from('["10.0.0.0/8"]', (character) => character.charCodeAt(0));
    expect([new Uint8Array(0), Uint8Array.of(1), text].map(digest)).toEqual([
      "c2b2ae3585ebca6b",
      "298242a1fd9567fb",
      "f0adf28a8b03cf8f",
    ]);
  });

  it("is another for every change of a byte, wherever it is, and for zeros at the end", () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (data, at, change) => {
        const changed = data.slice();
        changed[at % data.length] = (data[at % data.length] ?? 0) ^ change;
        const longer = Uint8Array.of(...data, 0);
        expect(new Set([data, changed, longer].map(digest)).size).toBe(3);
      }),
    );
  });

  it("depends on the order", () => {
    const word = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        fc.pre(a.some((byte, i) => byte !== b[i]));
        expect(digest(Uint8Array.of(...a, ...b))).not.toBe(digest(Uint8Array.of(...b, ...a)));
      }),
    );
  });

  it("is not the same for two changes of upper bytes, which multiplication alone keeps where they are", () => {
    const upper = (i: number, j: number): string => {
      const data = new Uint8Array(24);
      data[7] = i;
      data[15] = j;
      return digest(data);
    };
    const all = new Set<string>();
    for (let i = 0; i < 256; i++) for (let j = 0; j < 256; j++) all.add(upper(i, j));
    expect(all.size).toBe(65536);
  });
});
