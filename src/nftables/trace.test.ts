import { describe, expect, it } from "vitest";
import type { Message } from "../netlink/message.ts";
import { readTrace } from "./trace.ts";

const TRACE = (10 << 8) | 17;

function message(payload: readonly number[], type = TRACE): Message {
  return { type, flags: 0, sequence: 0, portId: 0, payload: Uint8Array.from(payload) };
}

const HEADER = [2, 0, 0, 0];
const ID = [8, 0, 6, 0, 0, 0, 0, 7];
const TABLE = [6, 0, 1, 0, 0x74, 0, 0, 0];

describe("readTrace", () => {
  it("reads a rule that was met, with its verdict", () => {
    const chain = [6, 0, 2, 0, 0x63, 0, 0, 0];
    const handle = [12, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    const type = [8, 0, 4, 0, 0, 0, 0, 3];
    const verdict = [12, 0, 5, 0x80, 8, 0, 1, 0, 0xff, 0xff, 0xff, 0xfb];
    expect(readTrace(message([...HEADER, ...ID, ...TABLE, ...chain, ...handle, ...type, ...verdict]))).toEqual({
      id: 7,
      family: 2,
      table: "t",
      chain: "c",
      type: 3,
      handle: 9n,
      verdict: { code: -5, chain: undefined },
      networkHeader: undefined,
      policy: undefined,
    });
  });

  it("reads the end of a chain, which has neither rule nor verdict", () => {
    const policy = [8, 0, 16, 0, 0, 0, 0, 1];
    expect(readTrace(message([...HEADER, ...ID, ...TABLE, ...policy]))).toMatchObject({
      policy: 1,
      verdict: undefined,
    });
  });

  it("leaves out other messages, and names the attribute that is missing", () => {
    expect(readTrace(message(HEADER, (10 << 8) | 3))).toBeUndefined();
    expect(() => readTrace(message([...HEADER, ...TABLE]))).toThrow("trace/id");
  });
});
