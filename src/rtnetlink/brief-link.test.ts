import { describe, expect, it } from "vitest";
import { ack, FakeKernel } from "../../test/support/fake-kernel.ts";
import { replaying } from "../../test/support/rtnetlink-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import { errno } from "../sys/errno.ts";
import { DecodeError } from "../wire/error.ts";
import { type BriefLink, decodeBriefLink, decodeOperState, getBriefLink, getMac, getOperState } from "./brief-link.ts";
import { getLink, type Link } from "./link.ts";

/** Of a link what a brief look tells. */
function brief(link: Link | undefined): BriefLink | undefined {
  if (link === undefined) return undefined;
  const { index, name, flags, isUp, operState, mtu, mac, masterIndex, linkIndex, txQueueLength, kind } = link;
  return { index, name, flags, isUp, operState, mtu, mac, masterIndex, linkIndex, txQueueLength, kind };
}

describe("getBriefLink", () => {
  it.each(["link-show", "link-show-bridge"])("reads from %s what getLink reads", (golden) => {
    const found = getBriefLink(replaying(golden), "any");
    expect(found).toEqual(brief(getLink(replaying(golden), "any")));
    expect(found?.name).not.toBe("");
  });

  it("is undefined where there is no such link, and throws any other error", () => {
    const refuse = (code: "ENODEV" | "EPERM"): Connection =>
      new Connection(new FakeKernel((requests) => requests.map((request) => ack(request, errno(code)))));
    expect(getBriefLink(refuse("ENODEV"), "gone")).toBeUndefined();
    expect(() => getBriefLink(refuse("EPERM"), "eth0")).toThrow(NetlinkError);
  });
});

describe("getOperState", () => {
  it.each(["link-show", "link-show-bridge"])("reads from %s what getLink reads", (golden) => {
    const link = getLink(replaying(golden), "any");
    expect(getOperState(replaying(golden), "any")).toBe(link?.operState);
    expect(link?.operState).not.toBe(0);
  });

  it("is undefined where there is no such link, and 0 where the kernel does not tell", () => {
    const kernel = new FakeKernel((requests) => requests.map((request) => ack(request, errno("ENODEV"))));
    expect(getOperState(new Connection(kernel), "gone")).toBeUndefined();
    expect(decodeOperState({ type: 16, flags: 0, sequence: 1, portId: 0, payload: new Uint8Array(16) })).toBe(0);
  });
});

describe("getMac", () => {
  it.each(["link-show", "link-show-bridge"])("reads from %s what getLink reads", (golden) => {
    const mac = getMac(replaying(golden), "any");
    expect(mac).toEqual(getLink(replaying(golden), "any")?.mac);
    expect(mac).toHaveLength(6);
  });

  it("is undefined where there is no such link", () => {
    const kernel = new FakeKernel((requests) => requests.map((request) => ack(request, errno("ENODEV"))));
    expect(getMac(new Connection(kernel), "gone")).toBeUndefined();
  });
});

describe("decodeBriefLink", () => {
  const message = { type: 16, flags: 0, sequence: 1, portId: 0 };

  it("takes what the kernel did not tell for the least there can be", () => {
    const link = decodeBriefLink({ ...message, payload: new Uint8Array(16) });
    expect(link).toEqual({
      index: 0,
      name: "",
      flags: 0,
      isUp: false,
      operState: 0,
      mtu: 0,
      mac: new Uint8Array(0),
      masterIndex: undefined,
      linkIndex: undefined,
      txQueueLength: 0,
      kind: undefined,
    });
  });

  it("says where a message can't be read", () => {
    const payload = Uint8Array.from([...new Uint8Array(16), 200, 0, 3, 0]);
    expect(() => decodeBriefLink({ ...message, payload })).toThrow(DecodeError);
    expect(() => decodeBriefLink({ ...message, payload })).toThrow("link: attribute 3");
  });
});
