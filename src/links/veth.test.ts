import { describe, expect, it } from "vitest";
import { type Answer, ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { Undo } from "../cni/undo.ts";
import { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { addLink } from "../rtnetlink/link.ts";
import { RTM } from "../rtnetlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { hasCode } from "../sys/error.ts";
import { Writer } from "../wire/writer.ts";
import type { Namespaces } from "./namespaces.ts";
import { createVeth, deleteLinkIfAny, isNodeEnd } from "./veth.ts";

/** A kernel without links: every link that is asked for, or to be deleted, is not there. */
const noLinks: Answer = (requests) => requests.map((request) => ack(request, errno("ENODEV")));

const refuse =
  (code: "EEXIST" | "EPERM"): Answer =>
  (requests) =>
    requests.map((request) => ack(request, errno(code)));

/** Tells of one link of this kind for every GETLINK, and says yes to all else. */
function oneLink(kind: "veth" | "bridge", mac = Uint8Array.of(2, 0, 0, 0, 0, 1), index = 7): Answer {
  const info = kind === "veth" ? ({ kind, peer: { name: "eth0" } } as const) : ({ kind } as const);
  const out = new Writer();
  addLink({ name: "link", mac, index, linkIndex: 3, info }).encode(out);
  return answerWith(RTM.NEWLINK, (request) => (request.type === RTM.GETLINK ? [out.bytes()] : []));
}

function namespacesOf(node: FakeKernel, container: FakeKernel): Namespaces {
  return { node: new Connection(node), container: new Connection(container), netns: 99, path: "/run/netns/x" };
}

const nameIn = ({ payload }: Message): string =>
  /veth[0-9a-f]{8}/.exec(Buffer.from(payload).toString("latin1"))?.[0] ?? "";

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("createVeth", () => {
  it("takes another name when one is taken, and notes the one it got", () => {
    const node = new FakeKernel(refuse("EEXIST"), refuse("EEXIST"), oneLink("veth"));
    const undo = new Undo();
    const veth = createVeth(namespacesOf(node, new FakeKernel(noLinks)), { ifname: "eth0" }, undo);
    expect(veth.container).toMatchObject({ index: 3, name: "eth0" });
    expect((veth.container.mac[0] ?? 0) & 3).toBe(2); // one station's, locally administered
    const [first, second, third] = node.requests.filter(({ type }) => type === RTM.NEWLINK).map(nameIn);
    expect(new Set([first, second, third]).size).toBe(3);
    undo.unwind();
    const [deleted] = node.requests.filter(({ type }) => type === RTM.DELLINK);
    expect(deleted && nameIn(deleted)).toBe(third);
  });

  it("gives up after ten names", () => {
    const node = new FakeKernel(refuse("EEXIST"));
    const error = thrownBy(() =>
      createVeth(namespacesOf(node, new FakeKernel(noLinks)), { ifname: "eth0" }, new Undo()),
    );
    expect(String(error)).toMatch(/host veth name \("veth[0-9a-f]{8}"\) already exists/);
    expect(node.requests).toHaveLength(10);
  });

  it("does not look for another name where the caller has chosen it", () => {
    const node = new FakeKernel(refuse("EEXIST"));
    const wanted = { ifname: "eth0", nodeName: "cni0.5" };
    const error = thrownBy(() => createVeth(namespacesOf(node, new FakeKernel(noLinks)), wanted, new Undo()));
    expect(String(error)).toMatch(/host veth name \("cni0.5"\) already exists/);
    expect(node.requests).toHaveLength(1);
  });

  it("says so when it is the container that has the name", () => {
    const namespaces = namespacesOf(new FakeKernel(refuse("EEXIST")), new FakeKernel(oneLink("bridge")));
    const error = thrownBy(() => createVeth(namespaces, { ifname: "eth0" }, new Undo()));
    expect(String(error)).toMatch(/container veth name \("eth0"\) already exists/);
    expect(hasCode(error, "EEXIST")).toBe(true);
  });

  it("passes on what else the kernel refuses, and has nothing to take back then", () => {
    const undo = new Undo();
    const node = new FakeKernel(refuse("EPERM"));
    const error = thrownBy(() => createVeth(namespacesOf(node, new FakeKernel(noLinks)), { ifname: "eth0" }, undo));
    expect(String(error)).toMatch(/failed to make veth pair/);
    expect(hasCode(error, "EPERM")).toBe(true);
    undo.unwind();
    expect(node.requests).toHaveLength(1);
  });

  it("takes back a pair of which it has not heard that it was made", () => {
    const undo = new Undo();
    const node = new FakeKernel(() => [new Error("lost")], noLinks);
    const error = thrownBy(() => createVeth(namespacesOf(node, new FakeKernel(noLinks)), { ifname: "eth0" }, undo));
    expect(String(error)).toMatch(/failed to make veth pair/);
    expect(undo.unwind()).toEqual([]);
    const [made, deleted] = node.requests;
    expect(deleted).toMatchObject({ type: RTM.DELLINK });
    expect(deleted && nameIn(deleted)).toBe(made && nameIn(made));
  });

  it("fails when the link is gone before it could be looked at", () => {
    const node = new FakeKernel((requests) => requests.map((request) => ack(request)), noLinks);
    const work = (): unknown => createVeth(namespacesOf(node, new FakeKernel(noLinks)), { ifname: "eth0" }, new Undo());
    expect(work).toThrow(/veth[0-9a-f]{8} has gone while it was being set up/);
  });
});

describe("deleting links", () => {
  it("tells whether there was one, and passes on what the kernel refuses", () => {
    const using = (answer: Answer): Connection => new Connection(new FakeKernel(answer));
    expect(
      deleteLinkIfAny(
        using((requests) => requests.map((request) => ack(request))),
        "x",
      ),
    ).toBe(true);
    expect(deleteLinkIfAny(using(noLinks), "x")).toBe(false);
    expect(() => deleteLinkIfAny(using(refuse("EPERM")), "x")).toThrow(/cannot link delete x: EPERM/);
  });
});

describe("isNodeEnd", () => {
  it.each([
    [{ name: "veth0123abcd" }, true],
    [{ name: "veth0123abcd", sandbox: "/run/netns/x" }, false],
    [{ name: "veth0123abcd.5" }, false],
    [{ name: "cni0" }, false],
  ])("%j: %s", (link, expected) => {
    expect(isNodeEnd(link)).toBe(expected);
  });
});
