import { describe, expect, it } from "vitest";
import { type Answer, ack, acknowledgeAll, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { goldenReplies } from "../../test/support/nftables-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { addChain } from "./chain.ts";
import { MissingPartError } from "./missing-part.ts";
import { Nftables } from "./nftables.ts";
import { addTable, deleteTable } from "./table.ts";
import { NFNL_MSG, NFPROTO, NFT_MSG } from "./uapi.ts";

const COMMANDS = ["a", "b", "c"].map((name) => addTable({ family: NFPROTO.IPV4, name }));

/** Refuses the message at this place of the batch, 0 being its beginning; the kernel acknowledges the last all the same. */
const refuse =
  (place: number, code: number): Answer =>
  (requests) =>
    requests.flatMap((request, i) => {
      if (i === place) return [ack(request, code)];
      return place > 0 && (request.flags & NLM_F.ACK) !== 0 ? [ack(request)] : [];
    });

describe("commit", () => {
  it("frames the commands as a batch for nf_tables", () => {
    const kernel = new FakeKernel(acknowledgeAll);
    new Nftables(new Connection(kernel)).commit(COMMANDS);
    expect(kernel.datagrams).toHaveLength(1);
    const [begin, ...rest] = kernel.requests;
    const end = rest.pop();
    expect(begin).toMatchObject({ type: NFNL_MSG.BATCH_BEGIN, flags: 1, payload: Uint8Array.of(0, 0, 0, 10) });
    expect(end).toMatchObject({ type: NFNL_MSG.BATCH_END, flags: 1, payload: Uint8Array.of(0, 0, 0, 10) });
    expect(rest.map(({ type }) => type)).toEqual([0x0a00, 0x0a00, 0x0a00]);
  });

  it("puts the generation into the beginning", () => {
    const kernel = new FakeKernel(acknowledgeAll);
    new Nftables(new Connection(kernel)).commit(COMMANDS, { genid: 0x01020304 });
    expect(kernel.requests[0]?.payload).toEqual(Uint8Array.of(0, 0, 0, 10, 8, 0, 1, 0, 1, 2, 3, 4));
  });

  it("sends nothing when there is nothing to do", () => {
    const kernel = new FakeKernel(acknowledgeAll);
    new Nftables(new Connection(kernel)).commit([]);
    expect(kernel.datagrams).toEqual([]);
  });

  it("throws an error that names the command that failed", () => {
    const kernel = new FakeKernel(refuse(2, errno("ENOENT")));
    const commands = [...COMMANDS.slice(0, 1), deleteTable({ family: NFPROTO.IPV6, name: "gone" }), ...COMMANDS];
    expect(() => new Nftables(new Connection(kernel)).commit(commands)).toThrow(
      "cannot delete table ip6 gone: ENOENT: No such file or directory",
    );
  });

  it("tries again, a bounded number of times, when the kernel says so", () => {
    const kernel = new FakeKernel(refuse(0, errno("ERESTART")), refuse(0, errno("EAGAIN")), acknowledgeAll);
    new Nftables(new Connection(kernel)).commit(COMMANDS);
    expect(kernel.datagrams).toHaveLength(3);

    const stubborn = new FakeKernel(refuse(0, errno("EAGAIN")));
    expect(() => new Nftables(new Connection(stubborn)).commit(COMMANDS)).toThrow("EAGAIN");
    expect(stubborn.datagrams).toHaveLength(16);
  });

  it("does not try again for a generation that has passed", () => {
    const kernel = new FakeKernel(refuse(0, errno("ERESTART")));
    const commit = (): void => new Nftables(new Connection(kernel)).commit(COMMANDS, { genid: 7 });
    expect(commit).toThrow(NetlinkError);
    expect(commit).toThrow("cannot commit the nf_tables transaction: ERESTART");
    expect(kernel.datagrams).toHaveLength(2);
  });

  it("says that the kernel lacks something, where nobody can have removed it", () => {
    const kernel = new FakeKernel(refuse(1, errno("ENOENT")));
    const commands = [addChain({ family: NFPROTO.IPV4, table: "a", name: "c", type: "nat" })];
    const nft = new Nftables(new Connection(kernel));
    expect(() => nft.commit(commands, { genid: 7 })).toThrow(MissingPartError);
    expect(() => nft.commit(commands)).toThrow(NetlinkError);
  });

  it("closes its socket", () => {
    const kernel = new FakeKernel();
    new Nftables(new Connection(kernel)).close();
    expect(kernel.closed).toBe(true);
  });
});

describe("tryOut", () => {
  it("leaves the end away, so that the kernel forgets all of it", () => {
    const kernel = new FakeKernel(acknowledgeAll);
    new Nftables(new Connection(kernel)).tryOut(COMMANDS);
    expect(kernel.requests.map(({ type }) => type)).toEqual([NFNL_MSG.BATCH_BEGIN, 0x0a00, 0x0a00, 0x0a00]);
  });

  it("says what the kernel lacks", () => {
    const nft = new Nftables(new Connection(new FakeKernel(refuse(1, errno("ENOENT")))));
    const chain = addChain({ family: NFPROTO.IPV4, table: "a", name: "c", type: "nat" });
    expect(() => nft.tryOut([chain])).toThrow(MissingPartError);
    expect(() => nft.tryOut([deleteTable({ family: NFPROTO.IPV4, name: "a" })])).toThrow(NetlinkError);
  });
});

describe("generation", () => {
  it("is what the kernel answers", () => {
    const [reply] = goldenReplies("generation", NFT_MSG.NEWGEN);
    const kernel = new FakeKernel(answerWith(reply?.type ?? 0, () => [reply?.payload ?? new Uint8Array(0)]));
    expect(new Nftables(new Connection(kernel)).generation()).toBe(2);
  });

  it("is missing when the kernel answers without one", () => {
    const empty = new FakeKernel(answerWith(0x0a0f, () => [Uint8Array.of(0, 0, 0, 0)]));
    expect(() => new Nftables(new Connection(empty)).generation()).toThrow("generation/id: missing");
    const nothing = new FakeKernel(acknowledgeAll);
    expect(() => new Nftables(new Connection(nothing)).generation()).toThrow(
      "get the generation of nf_tables: the kernel sent no answer",
    );
  });
});
