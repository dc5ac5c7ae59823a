import fc from "fast-check";
import { expect, it } from "vitest";
import { Writer } from "../wire/writer.ts";
import { addElements, type Element } from "./element.ts";
import type { Command } from "./message.ts";
import { PlainElements } from "./plain-elements.ts";
import { NFT_VERDICT } from "./uapi.ts";

const bytes = (element: Element): Uint8Array | undefined => new PlainElements().encode(element);
const hex = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString("hex");

/** What the kernel gets of the commands. */
function written(commands: readonly Command[]): string[] {
  return commands.map((command) => {
    const out = new Writer();
    command.encode(out);
    return hex(out.bytes());
  });
}

it("writes the attributes of key, value and comment, each padded to four bytes", () => {
  const element = { key: Uint8Array.of(10, 0, 0, 1), data: Uint8Array.of(1, 2, 3, 4, 5), comment: "ab" };
  expect(hex(bytes(element))).toBe(
    [
      "2c000180",
      "0c000180" + "08000100" + "0a000001",
      "10000280" + "09000100" + "0102030405000000",
      "09000600" + "000361" + "6200" + "000000",
    ].join(""),
  );
});

it("writes the same for an element whether or not it can be written the quick way", () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 32 });
  const data = fc.oneof(
    fc.constant(undefined),
    fc.uint8Array({ minLength: 1, maxLength: 16 }),
    fc.stringMatching(/^[a-z]{1,40}$/).map((chain) => ({ code: NFT_VERDICT.GOTO, chain })),
  );
  const comment = fc.option(fc.stringMatching(/^[ -!#-~]{1,60}$/), { nil: undefined });
  const plain = fc.record({ key, data, comment });
  const end = fc.record({ key, intervalEnd: fc.constant(true) });
  fc.assert(
    fc.property(fc.oneof(plain, end), (element: Element) => {
      const set = { family: 2, table: "t", set: "s" };
      const slow = addElements({ ...set, elements: [{ ...element, expressions: [] }] });
      const quick = addElements({ ...set, elements: [element] });
      expect(written(quick)).toEqual(written(slow));
      expect(bytes(element)).toBeDefined();
    }),
  );
});

it("leaves alone what has anything else", () => {
  const key = Uint8Array.of(1);
  const others: Element[] = [
    { key, keyEnd: key },
    { key, object: "o" },
    { key, intervalEnd: true, data: key },
    { key, intervalEnd: true, comment: "c" },
    { key, intervalOpen: true },
    { key, catchAll: true },
    { key, timeout: 1n },
    { key, expiration: 1n },
    { key, expressions: [] },
  ];
  for (const other of others) expect(bytes(other)).toBeUndefined();
});
