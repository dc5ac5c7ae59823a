import { describe, expect, it } from "vitest";
import { ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { expectSame as expectSameWith, goldenReplies, sent } from "../../test/support/nftables-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { parseCidr, parseIp } from "../wire/ip.ts";
import { concatKey } from "./datatype.ts";
import {
  addElements,
  createElements,
  deleteElements,
  destroyElements,
  type Element,
  flushSet,
  getElement,
  listElements,
  readElements,
} from "./element.ts";
import { type Interval, intervalElements, prefixInterval } from "./interval.ts";
import type { Command } from "./message.ts";
import { NF, NFPROTO, NFT_MSG, NFT_VERDICT } from "./uapi.ts";

const SET = { family: NFPROTO.IPV4, table: "t", set: "s" };
const MAP = { family: NFPROTO.IPV4, table: "t", set: "m" };
const INTERVALS = { family: NFPROTO.IPV4, table: "t", set: "i" };

function ip(text: string): Uint8Array {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function network(text: string): Interval {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return prefixInterval(parsed);
}

const KEY = ip("10.1.2.3");

/** nft says which set of the transaction it means by id, too; ours are found by name. */
const NFTA_SET_ELEM_LIST_SET_ID = "4";

function expectSame(name: string, commands: readonly Command[]): void {
  expectSameWith(name, commands, { without: [NFTA_SET_ELEM_LIST_SET_ID] });
}

describe("element commands say what nft says", () => {
  it("add element with a comment", () => {
    expectSame("element-add", addElements({ ...SET, elements: [{ key: KEY, comment: "hello" }] }));
  });

  it("add element that maps to a verdict", () => {
    const data = { code: NFT_VERDICT.GOTO, chain: "c" };
    expectSame("element-add-verdict", addElements({ ...MAP, elements: [{ key: KEY, data }] }));
  });

  it("add element with a time-out", () => {
    expectSame("element-add-timeout", addElements({ ...SET, elements: [{ key: KEY, timeout: 3_600_000n }] }));
  });

  it("add element for every other key", () => {
    expectSame("element-add-any", addElements({ ...SET, elements: [{ key: new Uint8Array(0), catchAll: true }] }));
  });

  it("add intervals, adjacent ones in the wrong order", () => {
    const range = { first: ip("192.0.2.7"), last: ip("192.0.2.9") };
    const elements = intervalElements([network("10.128.0.0/9"), network("10.0.0.0/9"), range]);
    expectSame("element-add-interval", addElements({ ...INTERVALS, elements }));
  });

  it("add an interval up to the last address", () => {
    const elements = intervalElements([{ ...network("255.0.0.0/8"), comment: "hello" }]);
    expectSame("element-add-interval-open", addElements({ ...INTERVALS, elements }));
  });

  it("add an interval of concatenated keys", () => {
    const key = concatKey(ip("10.0.0.0"), Uint8Array.of(0, 80));
    const keyEnd = concatKey(ip("10.255.255.255"), Uint8Array.of(0, 90));
    expectSame("element-add-interval-concat", addElements({ ...SET, elements: [{ key, keyEnd }] }));
  });

  it("add element with what its counter has counted", () => {
    const expressions = [{ kind: "counter", packets: 4n, bytes: 5n }] as const;
    const elements = [{ key: KEY, data: { code: NF.ACCEPT }, expressions }];
    expectSame("element-add-counter", addElements({ ...MAP, elements }));
  });

  it("add element that maps to an object", () => {
    expectSame("element-add-object", addElements({ ...MAP, elements: [{ key: KEY, object: "n" }] }));
  });

  it("create elements", () => {
    expectSame("element-create", createElements({ ...SET, elements: [{ key: KEY }, { key: ip("10.1.2.4") }] }));
  });

  it("delete element", () => {
    expectSame("element-delete", deleteElements({ ...SET, elements: [{ key: KEY }] }));
  });

  it("delete intervals", () => {
    const elements = intervalElements([network("9.0.0.0/8"), network("255.0.0.0/8")]);
    expectSame("element-delete-interval", deleteElements({ ...INTERVALS, elements }));
  });
});

describe("element operations are named as a person would type them", () => {
  const name = (elements: readonly Element[]): string | undefined =>
    addElements({ ...MAP, elements })
      .map((command) => command.operation())
      .join();
  it.each([
    ["{ 10.1.2.3 }", [{ key: KEY }]],
    ["{ 10.1.2.3 : fd00::1 }", [{ key: KEY, data: ip("fd00::1") }]],
    ["{ 10.1.2.3 : goto c }", [{ key: KEY, data: { code: NFT_VERDICT.GOTO, chain: "c" } }]],
    ["{ 10.1.2.3 : jump c }", [{ key: KEY, data: { code: NFT_VERDICT.JUMP, chain: "c" } }]],
    ["{ * : drop }", [{ key: new Uint8Array(0), catchAll: true, data: { code: NF.DROP } }]],
    ["{ 8080 }", [{ key: Uint8Array.of(0x1f, 0x90) }]],
    ["{ 0a:58:0a:16:00:05 }", [{ key: Uint8Array.of(0x0a, 0x58, 0x0a, 0x16, 0, 5) }]],
    ['{ "veth0" }', [{ key: Uint8Array.of(0x76, 0x65, 0x74, 0x68, 0x30, ...new Uint8Array(11)) }]],
    ["{ 0x06 }", [{ key: Uint8Array.of(6) }]],
    ["{ 10.0.0.0-10.0.0.9 }", [{ key: ip("10.0.0.0"), keyEnd: ip("10.0.0.9") }]],
    ["{ 10.0.0.1, 10.0.0.2, 10.0.0.3, … 2 more }", [1, 2, 3, 4, 5].map((i) => ({ key: Uint8Array.of(10, 0, 0, i) }))],
  ] satisfies [string, Element[]][])("%s", (text, elements) => {
    expect(name(elements)).toBe(`add element ip t m ${text}`);
  });

  it.each([
    ["create element ip t s { 10.1.2.3 }", createElements({ ...SET, elements: [{ key: KEY }] })],
    ["delete element ip t s { 10.1.2.3 }", deleteElements({ ...SET, elements: [{ key: KEY }] })],
    ["flush set ip t s", [flushSet(SET)]],
  ])("%s", (text, commands) => {
    expect(commands.map((command) => command.operation())).toEqual([text]);
  });

  it("destroy is add and delete", () => {
    expect(destroyElements({ ...SET, elements: [{ key: KEY }] }).map((command) => command.operation())).toEqual([
      "add element ip t s { 10.1.2.3 }",
      "delete element ip t s { 10.1.2.3 }",
    ]);
  });
});

describe("elements that do not fit in one message", () => {
  const elements = Array.from({ length: 3000 }, (_, i) => ({
    key: Uint8Array.of(10, 1, i >> 8, i & 0xff),
    data: new Uint8Array(16),
    comment: "a container of a network",
  }));

  it("are split into several, in order, none lost", () => {
    const commands = addElements({ ...MAP, elements });
    expect(commands.length).toBeGreaterThan(1);
    const messages = sent(commands);
    expect(messages.flatMap((message) => readElements(message).elements.map(({ key }) => key))).toEqual(
      elements.map(({ key }) => key),
    );
    for (const { payload } of messages) expect(payload.length).toBeLessThan(0xffff + 100);
  });

  it("fill a message to its last byte", () => {
    // 16 bytes an element of a key of 4 bytes: 4095 of them are 65520 bytes, and 65535 - 4 are allowed
    const plain = Array.from({ length: 4096 }, (_, i) => ({ key: Uint8Array.of(10, 1, i >> 8, i & 0xff) }));
    const counts = sent(addElements({ ...SET, elements: plain })).map((m) => readElements(m).elements.length);
    expect(counts).toEqual([4095, 1]);
  });

  it("of which there are none need no message", () => {
    expect(addElements({ ...SET, elements: [] })).toEqual([]);
  });
});

describe("reading elements", () => {
  it("reads what the kernel lists", () => {
    const elements = goldenReplies("element-list", NFT_MSG.NEWSETELEM).flatMap((m) => readElements(m).elements);
    expect(elements.toSorted((a, b) => (a.key[3] ?? 0) - (b.key[3] ?? 0))).toMatchObject([
      { key: KEY, data: ip("fd00::1"), comment: "hello" },
      { key: ip("10.1.2.4"), data: ip("fd00::2"), comment: undefined },
    ]);
  });

  it("reads what the kernel gets", () => {
    const message = goldenReplies("element-get", NFT_MSG.NEWSETELEM).at(-1);
    if (message === undefined) throw new Error("no reply");
    const { family, table, set, elements } = readElements(message);
    expect({ family, table, set }).toEqual(MAP);
    expect(elements).toMatchObject([{ key: KEY, data: { code: NFT_VERDICT.GOTO, chain: "c" }, comment: "hello" }]);
  });

  it("gives every element back as it was written", () => {
    const elements: Element[] = [
      { key: KEY, data: { code: NFT_VERDICT.JUMP, chain: "c" }, comment: "x", timeout: 5n, expiration: 4n },
      { key: KEY, keyEnd: ip("10.1.2.9"), data: ip("fd00::1"), object: "n" },
      { key: KEY, intervalEnd: true },
      { key: KEY, intervalOpen: true },
      { key: new Uint8Array(0), catchAll: true },
      {
        key: KEY,
        expressions: [
          { kind: "counter", packets: 1n, bytes: 2n },
          { kind: "limit", rate: 1n, unit: 1n, burst: 5, type: 0, flags: 0 },
        ],
      },
    ];
    const [message] = sent(addElements({ ...MAP, elements }));
    if (message === undefined) throw new Error("nothing was sent");
    const read = readElements(message).elements;
    elements.forEach((element, i) => {
      expect(read[i]).toMatchObject(element);
    });
  });

  it("lists through the connection, and gets one", () => {
    const replies = goldenReplies("element-list", NFT_MSG.NEWSETELEM);
    const kernel = new FakeKernel(answerWith(replies[0]?.type ?? 0, () => replies.map(({ payload }) => payload)));
    const connection = new Connection(kernel);
    expect(listElements(connection, MAP)).toHaveLength(2);
    expect(getElement(connection, MAP, KEY)?.key).toHaveLength(4);
  });

  it("gives undefined for an element that the kernel does not know, and throws what else it says", () => {
    const refuse = (errno: number): Connection =>
      new Connection(new FakeKernel((requests) => requests.map((request) => ack(request, errno))));
    expect(getElement(refuse(2), MAP, KEY)).toBeUndefined();
    expect(() => getElement(refuse(22), MAP, KEY)).toThrow("cannot get element ip t m { 10.1.2.3 }: EINVAL");
  });

  it("refuses elements without a key, or with a verdict for one", () => {
    const list = (...element: readonly number[]): Uint8Array => {
      const names = [6, 0, 1, 0, 0x74, 0, 0, 0, 6, 0, 2, 0, 0x73, 0, 0, 0];
      const one = [element.length + 4, 0, 1, 0x80, ...element];
      return Uint8Array.of(2, 0, 0, 0, ...names, one.length + 4, 0, 3, 0x80, ...one);
    };
    const read = (payload: Uint8Array): unknown => readElements({ type: 0, flags: 0, sequence: 0, portId: 0, payload });
    expect(() => read(list())).toThrow("key: missing");
    const verdict = [20, 0, 1, 0x80, 16, 0, 2, 0x80, 8, 0, 1, 0, 0, 0, 0, 1];
    expect(() => read(list(16, 0, 1, 0x80, 12, 0, 2, 0x80, ...verdict.slice(8)))).toThrow("key: a verdict");
  });
});
