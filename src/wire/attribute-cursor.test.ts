import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AttributeCursor, locate } from "./attribute-cursor.ts";
import { readAttributes, writeAttribute } from "./attrs.ts";
import { bytes } from "./codec.ts";
import { Writer } from "./writer.ts";

const anything = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.uint8Array({ maxLength: 9 }))).map((all) => {
    const out = new Writer();
    for (const [type, payload] of all) writeAttribute(out, type, bytes, payload);
    return out.bytes().slice();
  }),
);

function resultOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return String(error);
  }
}

const typeOf = ({ type }: { readonly type: number }): number => type & 0x3fff;

describe("an attribute cursor", () => {
  it("finds the first attribute of a type, and throws where a length before it does not fit", () => {
    fc.assert(
      fc.property(anything, (given) => {
        const byNext = (): unknown => {
          for (const cursor = new AttributeCursor(given); cursor.next(); ) if (cursor.type === 2) return cursor.copy();
          return undefined;
        };
        const byFind = (): unknown => {
          const cursor = new AttributeCursor(given);
          return cursor.find(2) ? cursor.copy() : undefined;
        };
        expect(resultOf(byFind)).toEqual(resultOf(byNext));
      }),
    );
  });

  it("goes on behind the attribute that it has found, and into a nest", () => {
    const nest = Uint8Array.of(5, 0, 1, 0, 7, 0, 0, 0, 12, 0, 3, 0x80, 5, 0, 1, 0, 8, 0, 0, 0);
    const cursor = new AttributeCursor(nest);
    expect([cursor.find(3), cursor.typeAndFlags()]).toEqual([true, 0x8003]);
    const inner = cursor.enter();
    expect([inner.find(1), inner.copy(), inner.next(), cursor.next()]).toEqual([true, Uint8Array.of(8), false, false]);
  });
});

describe("locate", () => {
  it("has the places of the last attribute of each type, and throws where reading everything throws", () => {
    fc.assert(
      fc.property(anything, (given) => {
        const places = new Int32Array(4);
        const located = (): unknown => {
          locate(given, 0, given.length, [1, 2], places);
          return [0, 2].map((i) => (places[i] === 0 ? undefined : given.slice(places[i], places[i + 1])));
        };
        const read = (): unknown => {
          const found = readAttributes(given);
          return [1, 2].map((wanted) => found.findLast((one) => typeOf(one) === wanted)?.payload);
        };
        expect(resultOf(located)).toEqual(resultOf(read));
      }),
    );
  });
});
