import { describe, expect, it } from "vitest";
import { answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { expectSame, goldenReplies } from "../../test/support/nftables-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { addRule, deleteRule, insertRule, listRules, readRule, replaceRule } from "./rule.ts";
import { accept } from "./statement.ts";
import { NFPROTO, NFT_MSG } from "./uapi.ts";

const C = { family: NFPROTO.IPV4, table: "t", chain: "c" };

describe("rule commands say what nft says", () => {
  it("add rule with a comment", () => {
    expectSame("rule-add", [addRule({ ...C, expressions: accept(), comment: "hello" })]);
  });

  it("add rule after another", () => {
    expectSame("rule-add-position", [addRule({ ...C, expressions: accept(), position: 4n })]);
  });

  it("insert rule", () => {
    expectSame("rule-insert", [insertRule({ ...C, expressions: accept() })]);
  });

  it("insert rule before another", () => {
    expectSame("rule-insert-position", [insertRule({ ...C, expressions: accept(), position: 4n })]);
  });

  it("replace rule", () => {
    expectSame("rule-replace", [replaceRule({ ...C, expressions: accept(), handle: 4n })]);
  });

  it("delete rule", () => {
    expectSame("rule-delete", [deleteRule({ ...C, handle: 4n })]);
  });
});

describe("rule operations are named as a person would type them", () => {
  it.each([
    ["add rule ip t c", addRule({ ...C, expressions: [] })],
    ['add rule ip t c comment "hello"', addRule({ ...C, expressions: [], comment: "hello" })],
    ["insert rule ip t c", insertRule({ ...C, expressions: [] })],
    ["replace rule ip t c handle 7", replaceRule({ ...C, expressions: [], handle: 7n })],
    ["delete rule ip t c handle 7", deleteRule({ ...C, handle: 7n })],
  ])("%s", (text, command) => {
    expect(command.operation()).toBe(text);
  });
});

describe("reading rules", () => {
  const replies = goldenReplies("rule-list", NFT_MSG.NEWRULE);

  it("reads rules as the kernel reports them, with expressions that it does not know", () => {
    const [first, second] = replies.map(readRule);
    expect(first).toMatchObject({ ...C, handle: 4n, comment: "hello" });
    expect(first?.expressions.map(({ kind }) => kind)).toEqual(["payload", "bitwise", "cmp", "counter", "unknown"]);
    expect(first?.expressions[4]).toMatchObject({ kind: "unknown", name: "quota" });
    expect(second).toMatchObject({ ...C, handle: 5n, comment: undefined });
    expect(second?.expressions).toEqual([
      { kind: "payload", dreg: 1, base: 1, offset: 12, len: 4 },
      { kind: "lookup", set: "m", sreg: 1, dreg: 0, flags: 0 },
    ]);
  });

  it("lists the rules of a chain", () => {
    const kernel = new FakeKernel(answerWith(replies[0]?.type ?? 0, () => replies.map(({ payload }) => payload)));
    expect(listRules(new Connection(kernel), C).map(({ handle }) => handle)).toEqual([4n, 5n]);
  });

  it("refuses a message without a handle", () => {
    const table = [6, 0, 1, 0, 0x74, 0, 0, 0];
    const chain = [6, 0, 2, 0, 0x63, 0, 0, 0];
    const payload = Uint8Array.of(2, 0, 0, 0, ...table, ...chain);
    expect(() => readRule({ type: 0, flags: 0, sequence: 0, portId: 0, payload })).toThrow("rule/handle: missing");
  });
});
