import { describe, expect, it } from "vitest";
import { ack, FakeKernel, type Reply } from "../../test/support/fake-kernel.ts";
import { linkReply } from "../../test/support/link-messages.ts";
import { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import type { BriefLink } from "../rtnetlink/brief-link.ts";
import type { NewLink } from "../rtnetlink/link.ts";
import { IF_OPER, RTM } from "../rtnetlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { type Bridge, ensureBridge, macWithPort } from "./bridge.ts";

// No such link is on the machine that runs this: its parameters aren't found, and nothing is written.
const NAME = "bauta-no-bridge";
const spec = {
  name: NAME,
  promisc: false,
  vlanFiltering: false,
  isGateway: false,
  duplicateAddressDetection: false,
};
const bridge: NewLink = {
  name: NAME,
  index: 7,
  up: true,
  mac: Uint8Array.of(2, 0, 0, 0, 0, 7),
  info: { kind: "bridge" },
};

/** Each request is answered by the next of these; what was asked is in `asked`. */
function kernel(...answers: readonly ((request: Message) => Reply[])[]): { connection: Connection; asked: number[] } {
  const asked: number[] = [];
  const answer = (requests: readonly Message[]): Reply[] =>
    requests.flatMap((request) => {
      const next = answers[asked.length];
      asked.push(request.type);
      if (next === undefined) throw new Error(`nobody expected request ${asked.length}`);
      return next(request);
    });
  return { connection: new Connection(new FakeKernel(answer)), asked };
}

const refuse =
  (code: "ENODEV" | "EEXIST" | "EOPNOTSUPP" | "EPERM") =>
  (request: Message): Reply[] => [ack(request, errno(code))];
const agree = (request: Message): Reply[] => [ack(request)];
const tell =
  (link: NewLink, operState?: number) =>
  (request: Message): Reply[] =>
    linkReply(request, link, operState);

describe("ensureBridge()", () => {
  it("looks once at a bridge that is up, and asks for nothing", () => {
    const { connection, asked } = kernel(tell(bridge));
    expect(ensureBridge(connection, spec)).toMatchObject({ name: NAME, index: 7, isNew: false });
    expect(asked).toEqual([RTM.GETLINK]);
  });

  it("makes one where there is none, and brings it up", () => {
    const { connection, asked } = kernel(refuse("ENODEV"), agree, tell({ ...bridge, up: false }), agree);
    expect(ensureBridge(connection, spec)).toMatchObject({ isNew: true });
    expect(asked).toEqual([RTM.GETLINK, RTM.NEWLINK, RTM.GETLINK, RTM.NEWLINK]);
  });

  it("takes the bridge of somebody who has made it at the same moment", () => {
    const { connection } = kernel(refuse("ENODEV"), refuse("EEXIST"), tell(bridge));
    expect(ensureBridge(connection, spec)).toMatchObject({ isNew: false });
  });

  it.each<[what: string, run: () => Bridge, message: string]>([
    [
      "it is gone as soon as it was made",
      () => ensureBridge(kernel(refuse("ENODEV"), agree, refuse("ENODEV")).connection, spec),
      "is gone as soon as it was made",
    ],
    [
      "the kernel can't tell VLANs apart",
      () => ensureBridge(kernel(refuse("ENODEV"), refuse("EOPNOTSUPP")).connection, { ...spec, vlanFiltering: true }),
      "this kernel's bridges can't tell VLANs apart",
    ],
    [
      "the kernel has no bridges at all",
      () => ensureBridge(kernel(refuse("ENODEV"), refuse("EOPNOTSUPP")).connection, spec),
      `cannot link add ${NAME} type bridge: EOPNOTSUPP`,
    ],
    [
      "it is no bridge",
      () => ensureBridge(kernel(tell({ ...bridge, info: { kind: "veth" } })).connection, spec),
      `"${NAME}" exists and is not a bridge, but a link of type veth`,
    ],
    ["it may not look", () => ensureBridge(kernel(refuse("EPERM")).connection, spec), "EPERM"],
  ])("throws when %s", (_, run, message) => {
    expect(run).toThrow(message);
  });
});

describe("macWithPort()", () => {
  const link = (operState: number, mac: readonly number[]): BriefLink => ({
    index: 7,
    name: NAME,
    flags: 0,
    isUp: true,
    operState,
    mtu: 1500,
    mac: Uint8Array.from(mac),
    masterIndex: undefined,
    linkIndex: undefined,
    txQueueLength: 0,
    kind: "bridge",
  });
  const port = link(IF_OPER.UP, [2, 0, 0, 0, 9, 0]);
  const now = Uint8Array.of(2, 0, 0, 0, 0, 7);

  it("looks no more where the bridge had ports and all were lower", () => {
    const lower = link(IF_OPER.UP, [2, 0, 0, 0, 8, 255]);
    expect(macWithPort(kernel().connection, lower, port)).toBe(lower.mac);
  });

  it.each([
    ["the port is lower", link(IF_OPER.UP, [2, 0, 0, 0, 9, 1])],
    ["the bridge had no port", link(IF_OPER.DOWN, [2, 0, 0, 0, 0, 0])],
    ["the bridge had lost its ports, and its address with them", link(IF_OPER.DOWN, [0, 0, 0, 0, 0, 0])],
  ])("looks again where %s", (_, before) => {
    expect(macWithPort(kernel(tell(bridge)).connection, before, port)).toEqual(now);
  });

  it("has the address of before where the bridge has gone meanwhile", () => {
    const before = link(IF_OPER.DOWN, [2, 0, 0, 0, 0, 1]);
    expect(macWithPort(kernel(refuse("ENODEV")).connection, before, port)).toBe(before.mac);
  });
});
