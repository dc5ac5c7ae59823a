// Our own arithmetic on integers of 64 bits, in which engines differ: the digests that upstream's names are made of.

import { sha512Hex } from "../../src/hash/sha512.ts";
import { engine } from "../../src/sys/engine.ts";
import { type Check, equal } from "./check.ts";

export const DIGESTS: readonly Check[] = [
  {
    name: "SHA-512 of the standard's example is the standard's, words with their 64th bit set included",
    run: () =>
      equal(
        sha512Hex(engine.encode("abc")),
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
          "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      ),
  },
];
