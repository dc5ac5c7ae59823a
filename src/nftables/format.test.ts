import { describe, expect, it } from "vitest";
import type { Expression } from "./expression.ts";
import { formatExpression } from "./format.ts";

// What nft sends and prints is in expression.test.ts; here is what it does not send with the rules captured there.
const CASES: readonly (readonly [string, Expression])[] = [
  ["[ bitwise reg 2 = ( reg 1 << 0x00000004 ) ]", shift(1)],
  ["[ bitwise reg 2 = ( reg 1 >> 0x00000004 ) ]", shift(2)],
  ["[ byteorder reg 1 = hton(reg 1, 4, 8) ]", { kind: "byteorder", sreg: 1, dreg: 1, op: 1, size: 4, len: 8 }],
  ["[ cmp unknown reg 1 ? ]", { kind: "cmp", sreg: 1, op: 99 }],
  ["[ counter pkts 0 bytes 0 ]", { kind: "counter" }],
  ["[ ct load proto_src => reg 1 , dir reply ]", { kind: "ct", key: 11, dreg: 1, direction: 1 }],
  ["[ dynset unknown reg_key 1 set s ]", { kind: "dynset", set: "s", sregKey: 1 }],
  [
    "[ dynset add reg_key 1 set s expr [ counter pkts 1 bytes 2 ] expr [ quota 3 bytes ] ]",
    {
      kind: "dynset",
      op: 0,
      set: "s",
      sregKey: 1,
      expressions: [
        { kind: "counter", packets: 1n, bytes: 2n },
        { kind: "unknown", name: "quota", data: new Uint8Array(3) },
      ],
    },
  ],
  [
    "[ hash reg 1 = jhash(reg 2, 4, 0x0) % mod 7 offset 3 ]",
    { kind: "hash", dreg: 1, sreg: 2, len: 4, modulus: 7, offset: 3 },
  ],
  ["[ immediate reg 0 continue ]", { kind: "immediate", dreg: 0, data: { code: -1 } }],
  ["[ limit rate 5/unknown burst 1 type bytes flags 0x0 ]", { kind: "limit", rate: 5n, unit: 7n, burst: 1, type: 1 }],
  ["[ reject type 0 code 0 ]", { kind: "reject" }],
  ["[ quota 16 bytes ]", { kind: "unknown", name: "quota", data: new Uint8Array(16) }],
  ["[ notrack 0 bytes ]", { kind: "unknown", name: "notrack", data: undefined }],
];

function shift(op: number): Expression {
  return { kind: "bitwise", sreg: 1, dreg: 2, len: 4, op, data: Uint8Array.of(4, 0, 0, 0) };
}

describe("formatExpression", () => {
  it.each(CASES)("%s", (text, expression) => {
    expect(formatExpression(expression)).toBe(text);
  });
});
