// Text to bytes and back, the environment, and stack traces.

import { engine } from "../../src/sys/engine.ts";
import { type Check, equal, NOTHING, throws, VALUE, VARIABLE } from "./check.ts";

/** Bytes that are not UTF-8 and what they become: U+FFFD for each maximal part (Unicode 15, section 3.9). */
const ILL_FORMED: readonly (readonly [readonly number[], string])[] = [
  [[0xff], "\ufffd"],
  [[0x61, 0x80, 0x62], "a\ufffdb"],
  [[0xc3], "\ufffd"],
  [[0xc0, 0xaf], "\ufffd\ufffd"],
  [[0xe0, 0x80, 0xaf], "\ufffd\ufffd\ufffd"],
  [[0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
  [[0xe2, 0x82, 0x41], "\ufffdA"],
  [[0xf0, 0x9f, 0x8e, 0x41], "\ufffdA"],
  [[0xf0, 0x9f, 0x8e], "\ufffd"],
  [[0xf4, 0x90, 0x80, 0x80], "\ufffd\ufffd\ufffd\ufffd"],
  [[0xf5, 0x80], "\ufffd\ufffd"],
];

export const TEXT: readonly Check[] = [
  {
    name: "text becomes UTF-8",
    run: () => {
      equal(engine.encode(""), []);
      equal(engine.encode("aé€🎭\0b"), [97, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x8e, 0xad, 0, 98]);
      equal([engine.encode("abc").byteOffset, engine.encode("abc").buffer.byteLength], [0, 3]);
    },
  },
  {
    name: "UTF-8 becomes text, beyond the basic plane and with NUL and byte order mark inside",
    run: () => {
      const text = "\ufeffaé€🎭\0\u{10ffff}b";
      equal(engine.decode(engine.encode(text)), text);
      equal(engine.decode(NOTHING), "");
      equal(engine.decode(engine.encode("--mask--").subarray(2, 6)), "mask");
      const long = "ħéłłø ".repeat(20_000);
      equal(engine.decode(engine.encode(long)) === long, true);
    },
  },
  {
    name: "bytes that are not UTF-8 become U+FFFD, one for each maximal part",
    run: () => {
      for (const [bytes, text] of ILL_FORMED) {
        equal([bytes, engine.decode(new Uint8Array(bytes))], [bytes, text]);
      }
    },
  },
  {
    name: "a surrogate without its other half becomes U+FFFD",
    run: () => {
      equal(engine.encode("a\ud83cb\udfadc"), [97, 0xef, 0xbf, 0xbd, 98, 0xef, 0xbf, 0xbd, 99]);
      equal(engine.encode("\ud83c"), [0xef, 0xbf, 0xbd]);
    },
  },
  {
    name: "only text is encoded and only bytes are decoded",
    run: () => {
      for (const value of [1, null, undefined, {}, ["a"]]) throws(TypeError, () => engine.encode(value as never));
      for (const value of ["a", null, undefined, {}, [1]]) throws(TypeError, () => engine.decode(value as never));
    },
  },
];

export const SURROUNDINGS: readonly Check[] = [
  {
    name: "a variable of the environment is found by its name",
    run: () => {
      equal(engine.getenv(VARIABLE), VALUE);
      equal(engine.getenv(`${VARIABLE}_`), undefined);
      throws(TypeError, () => engine.getenv(1 as never));
      throws(RangeError, () => engine.getenv("PATH\0"));
    },
  },
  {
    name: "the whole environment is a list of NAME=value",
    run: () => {
      const all = engine.environ();
      equal(
        all.filter((entry) => entry.startsWith(`${VARIABLE}=`)),
        [`${VARIABLE}=${VALUE}`],
      );
      equal(
        all.every((entry) => entry.includes("=")),
        true,
      );
    },
  },
  {
    name: "arguments and machine are plain properties",
    run: () => {
      equal(Array.isArray(engine.args) && engine.args.every((argument) => typeof argument === "string"), true);
      equal(["x64", "arm64"].includes(engine.arch), true);
    },
  },
  {
    name: "text without positions comes out of mapStack as it went in",
    run: () => {
      for (const text of [
        "",
        "    at f (native)\n",
        "bundle-1.js",
        "bundle-1.js:",
        "bundle-1.js:0:0",
        "bundle-",
        "à:1:2",
      ]) {
        equal(engine.mapStack(text), text);
      }
    },
  },
];
