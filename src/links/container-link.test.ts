import { describe, expect, it } from "vitest";
import { ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { Undo } from "../cni/undo.ts";
import { Connection } from "../netlink/connection.ts";
import { addLink } from "../rtnetlink/link.ts";
import { RTM } from "../rtnetlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { hasCode } from "../sys/error.ts";
import type { Mac } from "../wire/mac.ts";
import { Writer } from "../wire/writer.ts";
import { createContainerLink } from "./container-link.ts";

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 7);
const WANTED = { name: "eth0", mac: MAC, info: { kind: "dummy" } } as const;

/** Tells of one dummy with this address for every GETLINK, and says yes to all else. */
function oneDummy(mac: Mac): ReturnType<typeof answerWith> {
  const out = new Writer();
  addLink({ name: "eth0", mac, index: 7, info: { kind: "dummy" } }).encode(out);
  return answerWith(RTM.NEWLINK, (request) => (request.type === RTM.GETLINK ? [out.bytes()] : []));
}

const create = (kernel: FakeKernel, undo: Undo): unknown => {
  try {
    return createContainerLink({ container: new Connection(kernel) }, WANTED, undo);
  } catch (error) {
    return error;
  }
};

const typesOf = (kernel: FakeKernel): number[] => kernel.requests.map(({ type }) => type);

describe("createContainerLink", () => {
  it("returns the link as the kernel describes it, and notes how to remove it", () => {
    const other = Uint8Array.of(2, 0, 0, 0, 0, 9); // of a kind that has its parent's address
    const kernel = new FakeKernel(oneDummy(other));
    const undo = new Undo();
    expect(create(kernel, undo)).toMatchObject({ index: 7, name: "eth0", kind: "dummy", mac: other });
    expect(undo.unwind()).toEqual([]);
    expect(typesOf(kernel)).toEqual([RTM.NEWLINK, RTM.GETLINK, RTM.DELLINK]);
  });

  it.each([
    ["EEXIST", 'the container has an interface "eth0" already'],
    ["EOPNOTSUPP", "this node's kernel makes no links of type dummy (module dummy)"],
    ["EPERM", 'cannot make the container\'s interface "eth0" of type dummy'],
  ] as const)("says what %s means, and removes nothing", (code, message) => {
    const kernel = new FakeKernel((requests) => requests.map((request) => ack(request, errno(code))));
    const undo = new Undo();
    const error = create(kernel, undo);
    expect([error, hasCode(error, code)]).toEqual([new Error(message), true]);
    undo.unwind();
    expect(typesOf(kernel)).toEqual([RTM.NEWLINK]);
  });

  it.each([
    ["removes the link that the kernel has made without being heard", MAC, [RTM.NEWLINK, RTM.GETLINK, RTM.DELLINK]],
    ["leaves another's link when the kernel is not heard", Uint8Array.of(2, 0, 0, 0, 0, 9), [RTM.NEWLINK, RTM.GETLINK]],
  ])("%s", (_, mac, types) => {
    const kernel = new FakeKernel(() => [new Error("nothing came")], oneDummy(mac));
    const undo = new Undo();
    expect(create(kernel, undo)).toMatchObject({ message: expect.stringContaining("cannot make") });
    undo.unwind();
    expect(typesOf(kernel)).toEqual(types);
  });
});
