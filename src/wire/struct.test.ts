import { expect, it } from "vitest";
import { cstring, encode, pad, s32, u8, u16, u16be } from "./codec.ts";
import { DecodeError } from "./error.ts";
import { struct } from "./struct.ts";

const example = struct({
  family: u8,
  _pad: pad(1),
  port: u16be,
  inner: struct({ id: u16, _rest: pad(2) }),
  index: s32,
});
const value = { family: 2, port: 0x1234, inner: { id: 7 }, index: -1 };
// biome-ignore format: a row for each field
const raw = [
  0x02,
  0x00,
  0x12, 0x34,
  0x07, 0x00, 0x00, 0x00,
  0xff, 0xff, 0xff, 0xff,
];

it("a struct stands as its fields in order, padding as zeros", () => {
  expect(example.size).toBe(12);
  expect(Array.from(encode(example, value))).toEqual(raw);
});

it("a struct is read without its padding, whatever is in it", () => {
  const dirty = raw.with(1, 0xee).with(6, 0xee);
  expect(example.decode(Uint8Array.from(dirty))).toEqual(value);
});

it("a newer kernel's longer struct is read as far as it is known", () => {
  expect(example.decode(Uint8Array.from([...raw, 1, 2, 3, 4]))).toEqual(value);
});

it("a struct that is cut off is refused", () => {
  expect(() => example.decode(Uint8Array.from(raw.slice(0, 11)))).toThrow(new DecodeError("want 12 bytes, got 11"));
});

it("a field that does not fit is refused", () => {
  expect(() => encode(example, { ...value, family: 256 })).toThrow("256 is not an integer from 0 to 255");
});

it("a field whose size varies can't be part of a struct", () => {
  expect(() => struct({ name: cstring })).toThrow(new TypeError("the field name has no fixed size"));
});
