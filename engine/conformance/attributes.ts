// Walking over netlink attributes.

import { engine } from "../../src/sys/engine.ts";
import { type Check, equal, throws } from "./check.ts";

// Of the type 1 with one byte and padding; of the type 0x8002 with nothing; two bytes that are no header.
const TWO = Uint8Array.of(5, 0, 1, 0, 7, 0, 0, 0, 4, 0, 2, 0x80, 9, 9);

const all = (bytes: Uint8Array): number[] => engine.attributes(bytes, 0, bytes.length);

export const ATTRIBUTES: readonly Check[] = [
  {
    name: "each attribute is its type with the flag bits, and where its payload begins and ends",
    run: () => {
      equal(all(TWO), [1, 4, 5, 0x8002, 12, 12]);
      equal(engine.attributes(TWO, 8, 12), [0x8002, 12, 12]);
      equal(all(TWO.subarray(8)), [0x8002, 4, 4]);
      equal(all(TWO.subarray(0, 3)), []);
      equal(all(new Uint8Array(0)), []);
      equal(engine.attributes(TWO, 20, 4), []);
    },
  },
  {
    name: "the last attribute may lack its padding, and a long one goes to its end",
    run: () => {
      equal(all(TWO.subarray(0, 5)), [1, 4, 5]);
      const long = new Uint8Array(0xffff);
      long.set([0xff, 0xff, 3, 0]);
      equal(all(long), [3, 4, 0xffff]);
    },
  },
  {
    name: "an attribute whose length does not fit ends the list with its offset alone",
    run: () => {
      equal(all(Uint8Array.of(...TWO.subarray(0, 8), 3, 0, 1, 0)), [1, 4, 5, 8]);
      equal(all(Uint8Array.of(9, 0, 1, 0, 0, 0, 0, 0)), [0]);
      equal(engine.attributes(TWO, 0, 4), [0]);
    },
  },
  {
    name: "attributes are read of typed arrays and within them only",
    run: () => {
      throws(TypeError, () => engine.attributes("abcd" as unknown as Uint8Array, 0, 4));
      throws(TypeError, () => engine.attributes(TWO, 0.5, 4));
      throws(RangeError, () => engine.attributes(TWO, 0, 15));
      throws(RangeError, () => engine.attributes(TWO, -4, 4));
    },
  },
];
