import { describe, expect, it } from "vitest";
import { ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import {
  expectSame,
  expectSameMessage,
  goldenCommands,
  goldenReplies,
  sent,
} from "../../test/support/nftables-golden.ts";
import { address, SETS } from "../../test/support/nftables-sets.ts";
import { Connection } from "../netlink/connection.ts";
import { concatType, TYPE } from "./datatype.ts";
import { flushSet } from "./element.ts";
import { addSet, createSet, deleteSet, destroySet, getSet, listSets, readSet } from "./set.ts";
import { NFPROTO, NFT_DATA_VERDICT, NFT_MSG, NFT_OBJECT, NFT_SET } from "./uapi.ts";

/** Concatenations: nft also notes from which expressions they were made, if from any. */
const CONCATENATED = ["forwards", "guarded", "guards", "targets"];
const NFTA_SET_ID = "10";
const NFTA_SET_USERDATA = "13";

describe("addSet says what nft says", () => {
  const golden = goldenCommands("sets", NFT_MSG.NEWSET);
  it.each(golden.map((message) => [readSet(message).name, message] as const))("of %s", (name, theirs) => {
    const layout = SETS[name];
    if (layout === undefined) throw new Error(`no set ${name}`);
    const [ours] = sent([addSet({ family: NFPROTO.INET, table: "t", name, ...layout })]);
    const without = CONCATENATED.includes(name) ? [NFTA_SET_ID, NFTA_SET_USERDATA] : [NFTA_SET_ID];
    if (ours !== undefined) expectSameMessage(ours, theirs, without);
  });

  it("of each set in the file", () => {
    expect(golden.map((message) => readSet(message).name).sort()).toEqual(Object.keys(SETS).sort());
  });
});

describe("set commands say what nft says", () => {
  const s = { family: NFPROTO.IPV4, table: "t", name: "s" };

  it("create set", () => {
    expectSame("set-create", [createSet({ ...s, ...address })]);
  });

  it("delete set", () => {
    expectSame("set-delete", [deleteSet(s)]);
  });

  it("flush set", () => {
    expectSame("set-flush", [flushSet({ family: NFPROTO.IPV4, table: "t", set: "s" })]);
  });
});

describe("set operations are named as a person would type them", () => {
  const s = { family: NFPROTO.IPV4, table: "t", name: "s", ...address };
  it.each([
    ["add set ip t s", addSet(s)],
    ["add map ip t s", addSet({ ...s, dataType: NFT_DATA_VERDICT })],
    ["create map ip t s", createSet({ ...s, objectType: NFT_OBJECT.COUNTER })],
    ["delete set ip t s", deleteSet(s)],
    ["flush set ip t s", flushSet({ family: NFPROTO.IPV4, table: "t", set: "s" })],
  ])("%s", (text, command) => {
    expect(command.operation()).toBe(text);
  });

  it("destroy is add, with the same types, and delete", () => {
    expect(destroySet(s).map((command) => command.operation())).toEqual(["add set ip t s", "delete set ip t s"]);
  });
});

describe("addSet refuses", () => {
  const s = { family: NFPROTO.IPV4, table: "t", name: "s" };
  it("intervals of concatenations whose parts' lengths it doesn't know", () => {
    const keyType = concatType(TYPE.IPADDR, TYPE.INTEGER);
    expect(() => addSet({ ...s, keyType, keyLength: 8, flags: NFT_SET.INTERVAL })).toThrow(
      "the data type 4 has no fixed length",
    );
  });

  it("comments that nft could not read back", () => {
    expect(() => addSet({ ...s, ...address, comment: 'a"b' })).toThrow("contains a double quote");
  });
});

describe("reading sets", () => {
  const replies = goldenReplies("set-list", NFT_MSG.NEWSET);

  it("reads sets and maps as the kernel reports them", () => {
    const sets = replies.map(readSet);
    expect(sets.map(({ family, table, name }) => [family, table, name])).toEqual([
      [NFPROTO.IPV4, "t", "s"],
      [NFPROTO.IPV4, "t", "m"],
      [NFPROTO.INET, "u", "m"],
      [NFPROTO.IPV4, "v", "m"],
    ]);
    expect(sets[0]).toMatchObject({ keyType: TYPE.IPADDR, keyLength: 4, flags: 0 });
    expect(sets[0]?.dataType).toBeUndefined();
    expect(sets[1]).toMatchObject({ keyType: TYPE.IPADDR, dataType: NFT_DATA_VERDICT, flags: NFT_SET.MAP });
    expect(sets[3]).toMatchObject({
      dataType: TYPE.IP6ADDR,
      dataLength: 16,
      flags: NFT_SET.MAP | NFT_SET.TIMEOUT,
      timeout: 3_600_000n,
      size: 100,
      comment: "hello",
      expressions: [{ kind: "counter", packets: 0n, bytes: 0n }],
    });
  });

  it("lists the sets", () => {
    const kernel = new FakeKernel(answerWith(replies[0]?.type ?? 0, () => replies.map(({ payload }) => payload)));
    expect(listSets(new Connection(kernel))).toHaveLength(4);
  });

  it("gives undefined for a set that the kernel does not know, and throws what else it says", () => {
    const s = { family: NFPROTO.IPV4, table: "t", name: "s" };
    const refuse = (errno: number): Connection =>
      new Connection(new FakeKernel((requests) => requests.map((request) => ack(request, errno))));
    expect(getSet(refuse(2), s)).toBeUndefined();
    expect(() => getSet(refuse(1), s)).toThrow("cannot get set ip t s: EPERM");
  });
});
