// The digests that names are made of.

import { engine } from "../../src/sys/engine.ts";
import { type Check, equal, NOTHING, throws } from "./check.ts";

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const DIGESTS: readonly Check[] = [
  {
    name: "SHA-512 of the standard's example is the standard's",
    run: () =>
      equal(
        hex(engine.sha512(engine.encode("abc"))),
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      ),
  },
  {
    name: "SHA-512 of nothing is the standard's, and of two blocks it takes a view's own bytes",
    run: () => {
      equal(hex(engine.sha512(NOTHING)).slice(0, 16), "cf83e1357eefb8bd");
      const bytes = new Uint8Array(220).fill(97, 10, 210);
      equal(engine.sha512(bytes.subarray(10, 210)), engine.sha512(engine.encode("a".repeat(200))));
    },
  },
  {
    name: "SHA-512 takes typed arrays only",
    run: () => throws(TypeError, () => engine.sha512("abc" as unknown as Uint8Array)),
  },
];
