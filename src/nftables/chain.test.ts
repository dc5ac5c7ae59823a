import { describe, expect, it } from "vitest";
import { ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { expectSame, goldenReplies } from "../../test/support/nftables-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { addChain, createChain, deleteChain, destroyChain, getChain, listChains, readChain } from "./chain.ts";
import { flushChain } from "./rule.ts";
import { NF, NF_BR_PRI, NF_INET, NF_IP_PRI, NF_NETDEV, NFPROTO, NFT_CHAIN, NFT_MSG } from "./uapi.ts";

const C = { family: NFPROTO.IPV4, table: "t", name: "c" };

describe("chain commands say what nft says", () => {
  it("add chain with a comment", () => {
    expectSame("chain-add", [addChain({ ...C, comment: "hello" })]);
  });

  it("add base chain", () => {
    const base = { type: "nat", hook: NF_INET.POST_ROUTING, priority: NF_IP_PRI.NAT_SRC, policy: NF.ACCEPT };
    expectSame("chain-add-base", [addChain({ ...C, ...base })]);
  });

  it("add base chain with a negative priority", () => {
    const base = {
      type: "filter",
      hook: NF_INET.PRE_ROUTING,
      priority: NF_BR_PRI.NAT_DST_BRIDGED,
      policy: NF.DROP,
    };
    expectSame("chain-add-drop", [addChain({ ...C, family: NFPROTO.BRIDGE, ...base })]);
  });

  it("add base chain of a device", () => {
    const base = { type: "filter", hook: NF_NETDEV.INGRESS, priority: 0, device: "lo" };
    expectSame("chain-add-netdev", [addChain({ ...C, family: NFPROTO.NETDEV, ...base })]);
  });

  it("create chain", () => {
    expectSame("chain-create", [createChain(C)]);
  });

  it("delete chain", () => {
    expectSame("chain-delete", [deleteChain(C)]);
  });

  it("flush chain", () => {
    expectSame("chain-flush", [flushChain({ family: NFPROTO.IPV4, table: "t", chain: "c" })]);
  });
});

describe("chain operations are named as a person would type them", () => {
  it.each([
    ["add chain ip t c", addChain(C)],
    ["create chain ip t c", createChain(C)],
    ["delete chain ip t c", deleteChain(C)],
    ["flush chain ip t c", flushChain({ family: NFPROTO.IPV4, table: "t", chain: "c" })],
  ])("%s", (text, command) => {
    expect(command.operation()).toBe(text);
  });

  it("destroy adds a plain chain, whatever hook it may have, and deletes it", () => {
    const operations = destroyChain(C).map((command) => command.operation());
    expect(operations).toEqual(["add chain ip t c", "delete chain ip t c"]);
  });
});

describe("reading chains", () => {
  const replies = goldenReplies("chain-list", NFT_MSG.NEWCHAIN);

  it("reads chains as the kernel reports them", () => {
    const [base, plain] = replies.map(readChain);
    expect(base).toMatchObject({
      ...C,
      handle: 1n,
      type: "nat",
      hook: NF_INET.POST_ROUTING,
      priority: NF_IP_PRI.NAT_SRC,
      policy: NF.ACCEPT,
      flags: NFT_CHAIN.BASE,
      use: 1,
      comment: "hello",
    });
    expect(plain).toMatchObject({ ...C, name: "d", use: 1, flags: 0 });
    expect(plain?.hook).toBeUndefined();
    expect(plain?.comment).toBeUndefined();
  });

  it("lists the chains of one table only", () => {
    const kernel = new FakeKernel(answerWith(replies[0]?.type ?? 0, () => replies.map(({ payload }) => payload)));
    const connection = new Connection(kernel);
    expect(listChains(connection, { table: "t" }).map(({ name }) => name)).toEqual(["c", "d"]);
    expect(listChains(connection, { table: "another" })).toEqual([]);
    expect(listChains(connection)).toHaveLength(2);
  });

  it("gives undefined for a chain that the kernel does not know", () => {
    const kernel = new FakeKernel((requests) => requests.map((request) => ack(request, 2)));
    expect(getChain(new Connection(kernel), C)).toBeUndefined();
  });

  it("throws what else the kernel says", () => {
    const kernel = new FakeKernel((requests) => requests.map((request) => ack(request, 1)));
    expect(() => getChain(new Connection(kernel), C)).toThrow("cannot get chain ip t c: EPERM");
  });
});
