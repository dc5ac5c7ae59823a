import { describe, expect, it } from "vitest";
import { ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { expectSame, goldenReplies } from "../../test/support/nftables-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { addTable, createTable, deleteTable, destroyTable, getTable, listTables, readTable } from "./table.ts";
import { NFPROTO, NFT_MSG, NFT_TABLE_F } from "./uapi.ts";

describe("table commands say what nft says", () => {
  it("add table with a comment", () => {
    expectSame("table-add", [addTable({ family: NFPROTO.IPV4, name: "t", comment: "hello" })]);
  });

  it("add table that is dormant", () => {
    expectSame("table-add-dormant", [addTable({ family: NFPROTO.INET, name: "t", flags: NFT_TABLE_F.DORMANT })]);
  });

  it("create table", () => {
    expectSame("table-create", [createTable({ family: NFPROTO.IPV6, name: "t" })]);
  });

  it("delete table", () => {
    expectSame("table-delete", [deleteTable({ family: NFPROTO.BRIDGE, name: "t" })]);
  });
});

describe("table operations are named as a person would type them", () => {
  it.each([
    ["add table ip t", addTable({ family: NFPROTO.IPV4, name: "t" })],
    ["create table netdev t", createTable({ family: NFPROTO.NETDEV, name: "t" })],
    ["delete table arp t", deleteTable({ family: NFPROTO.ARP, name: "t" })],
    ["delete table family 99 t", deleteTable({ family: 99, name: "t" })],
  ])("%s", (text, command) => {
    expect(command.operation()).toBe(text);
  });

  it("destroy is add and delete", () => {
    const operations = destroyTable({ family: NFPROTO.IPV4, name: "t" }).map((command) => command.operation());
    expect(operations).toEqual(["add table ip t", "delete table ip t"]);
  });
});

describe("reading tables", () => {
  it("reads tables as the kernel reports them", () => {
    const tables = goldenReplies("table-list", NFT_MSG.NEWTABLE).map(readTable);
    expect(tables).toEqual([
      { family: NFPROTO.IPV4, name: "t", handle: 1n, flags: 0, use: 1, owner: undefined, comment: "hello" },
      { family: NFPROTO.INET, name: "u", handle: 2n, flags: 1, use: 0, owner: undefined, comment: undefined },
    ]);
  });

  it("lists the tables of all families", () => {
    const replies = goldenReplies("table-list", NFT_MSG.NEWTABLE);
    const kernel = new FakeKernel(answerWith(replies[0]?.type ?? 0, () => replies.map(({ payload }) => payload)));
    expect(listTables(new Connection(kernel)).map(({ name }) => name)).toEqual(["t", "u"]);
  });

  it("gives undefined for a table that the kernel does not know", () => {
    const kernel = new FakeKernel((requests) => requests.map((request) => ack(request, 2)));
    expect(getTable(new Connection(kernel), { family: NFPROTO.IPV4, name: "t" })).toBeUndefined();
  });

  it("throws what else the kernel says", () => {
    const kernel = new FakeKernel((requests) => requests.map((request) => ack(request, 1)));
    expect(() => getTable(new Connection(kernel), { family: NFPROTO.IPV4, name: "t" })).toThrow(
      "cannot get table ip t: EPERM",
    );
  });

  it("refuses a message without a name", () => {
    const message = { type: 0, flags: 0, sequence: 0, portId: 0, payload: Uint8Array.of(2, 0, 0, 0) };
    expect(() => readTable(message)).toThrow("table/name: missing");
  });

  it("refuses a message that is too short for its header", () => {
    const message = { type: 0, flags: 0, sequence: 0, portId: 0, payload: Uint8Array.of(2, 0) };
    expect(() => readTable(message)).toThrow("table: 2 bytes are no nfgenmsg");
  });
});
