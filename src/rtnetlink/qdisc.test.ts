import { describe, expect, it } from "vitest";
import { type Answer, ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { readGolden } from "../../test/support/golden.ts";
import { asked, expectSame, sent } from "../../test/support/rtnetlink-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { addClsact, addTbf, changeTbf, decodeQdisc, deleteClsact, deleteTbf, getQdisc } from "./qdisc.ts";
import { RTM, TC_H } from "./uapi.ts";

const veth0 = { index: 3, name: "veth0" };
/** What tc(8) asks for with `rate 8mbit burst 100000 limit 125000`. */
const SMALL = { rate: 1_000_000n, limit: 125_000, buffer: 1_562_500 };
/** The same with `rate 80gbit burst 1000000000 limit 2000000000`, whose buffer the kernel works out from the burst. */
const LARGE = { rate: 10_000_000_000n, limit: 2_000_000_000, buffer: 1_562_499 };

const replies = readGolden("rtnetlink/qdisc-show").replies.filter(({ type }) => type === RTM.NEWQDISC);
const shown = (index: number, kind: string) =>
  replies.map(decodeQdisc).find((one) => one.device.index === index && one.kind === kind);

const TCA_OPTIONS = 2;
const TCA_KIND = 1;

describe("a token bucket filter", () => {
  it("is asked for where tc(8) asks for it, by another way to say the same", () => {
    // tc(8) sends tables of times, too, which the kernel has not read since Linux 3.8.
    expectSame("qdisc-add-tbf", sent(addTbf(veth0, SMALL)), { without: [TCA_OPTIONS] });
  });

  it.each([
    ["qdisc-add-tbf", SMALL],
    ["qdisc-add-tbf-large", LARGE],
  ])("has the numbers of tc(8) in %s", (golden, bucket) => {
    const [theirs] = readGolden(`rtnetlink/${golden}`).requests.slice(-1);
    if (theirs === undefined) throw new Error("no request");
    const { rate, limit } = bucket;
    expect(decodeQdisc(theirs).bucket).toMatchObject({ rate, limit });
    expect(decodeQdisc(sent(addTbf(veth0, bucket))).bucket).toEqual(bucket);
  });

  it("is read as the kernel tells it, also beyond 32 bits", () => {
    expect(shown(3, "tbf")).toMatchObject({
      handle: 0x10000,
      parent: TC_H.ROOT,
      bucket: SMALL,
      packets: 0n,
      bytes: 0n,
    });
    expect(shown(4, "tbf")?.bucket).toEqual(LARGE);
  });

  it("may have its size in bytes", () => {
    const message = sent(addTbf(veth0, { ...SMALL, burst: 0xf0000001 }));
    expect(Buffer.from(message.payload).toString("hex")).toContain("08000600010000f0");
  });

  it("is changed where it is, and not made", () => {
    const message = sent(changeTbf(veth0, SMALL));
    expect(message.flags & (NLM_F.CREATE | NLM_F.EXCL | NLM_F.REPLACE)).toBe(0);
    expect(message.payload).toEqual(sent(addTbf(veth0, SMALL)).payload);
  });

  it("is deleted as tc(8) does it, and by its kind besides", () => {
    expectSame("qdisc-delete-tbf", sent(deleteTbf(veth0)), { without: [TCA_KIND] });
  });

  it("is named by its tc(8) command where it fails", () => {
    expect(addTbf(veth0, SMALL).operation()).toBe(
      "qdisc add dev veth0 root handle 1: tbf rate 1000000bps buffer 1562500 ticks limit 125000",
    );
    expect(addTbf({ index: 3 }, { ...SMALL, burst: 9 }).operation()).toMatch(/dev if3 root handle 1: tbf .* burst 9 /);
    expect(deleteTbf(veth0).operation()).toBe("qdisc delete dev veth0 root handle 1: tbf");
  });
});

describe("clsact", () => {
  it("is asked for and deleted as tc(8) does it", () => {
    expectSame("qdisc-add-clsact", sent(addClsact(veth0)));
    expectSame("qdisc-delete-clsact", sent(deleteClsact(veth0)));
    expect(addClsact(veth0).operation()).toBe("qdisc add dev veth0 clsact");
    expect(deleteClsact(veth0).operation()).toBe("qdisc delete dev veth0 clsact");
  });

  it("has a handle of its own, and no bucket", () => {
    expect(shown(3, "clsact")).toMatchObject({ handle: 0xffff0000, parent: TC_H.CLSACT, bucket: undefined });
  });
});

describe("getQdisc", () => {
  const get = (...answers: readonly Answer[]) => getQdisc(new Connection(new FakeKernel(...answers)), veth0, "root");

  it("asks for one place of one link", () => {
    const message = asked((connection) => getQdisc(connection, veth0, "clsact"));
    expect(message).toMatchObject({ type: RTM.GETQDISC });
    expect(message.flags & NLM_F.DUMP).toBe(0);
    expect(message.flags & NLM_F.ECHO).toBe(NLM_F.ECHO);
    expect(Buffer.from(message.payload).toString("hex")).toBe(`0000000003000000${"00000000"}f1ffffff${"00000000"}`);
  });

  it("reads the answer, and knows that there may be none", () => {
    const payload = replies[0]?.payload ?? new Uint8Array(0);
    expect(get(answerWith(RTM.NEWQDISC, () => [payload]))).toEqual(replies.map(decodeQdisc)[0]);
    expect(get((requests) => requests.map((request) => ack(request)))).toBeUndefined();
    for (const code of ["ENOENT", "ENODEV"] as const) {
      expect(get((requests) => requests.map((request) => ack(request, errno(code))))).toBeUndefined();
    }
    const refused = (): unknown => get((requests) => requests.map((request) => ack(request, errno("EPERM"))));
    expect(refused).toThrow("cannot qdisc show dev veth0 root: EPERM");
  });
});
