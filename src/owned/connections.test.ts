import { describe, expect, it } from "vitest";
import { type Answer, ack, acknowledgeAll, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { readGolden } from "../../test/support/golden.ts";
import { readFlow } from "../conntrack/flow.ts";
import { IPCTNL_MSG_CT } from "../conntrack/uapi.ts";
import { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { formatIp, type Ip, parseIp } from "../wire/ip.ts";
import { deleteConnectionsOf } from "./connections.ts";

const ip = (text: string): Ip => parseIp(text) ?? new Uint8Array(0);
const refuse = (code: "EINVAL" | "EPERM" | "ENOENT"): Answer => {
  return (requests) => requests.map((request) => ack(request, errno(code)));
};
/** Flows of 10.22.0.5 and, in IPv6, of fd00::5. */
const flows = (...names: readonly string[]): Uint8Array[] =>
  names.map((name) => readGolden(`conntrack/${name}`).replies[0]?.payload ?? new Uint8Array(0));
const list = (...names: readonly string[]): Answer =>
  answerWith((1 << 8) | IPCTNL_MSG_CT.NEW, () => flows(...names), { perDatagram: 2 });

/** What is asked of the kernel: `delete --orig-src`, `list --reply-src`, `list 4`, `delete udp`. */
function describeRequest({ type, flags, payload }: Message): string {
  const verb = (flags & NLM_F.DUMP) === NLM_F.DUMP ? "list" : (type & 0xff) === IPCTNL_MSG_CT.DELETE ? "delete" : "?";
  if (payload.length === 4) return `${verb} family ${payload[0]}`;
  const tuple = payload[6] === 1 ? "original" : "reply";
  const isFilter = payload.at(-12) === 12 && payload.at(-10) === 25;
  if (!isFilter) return `${verb} flow ${readFlow(withReply({ type, flags, payload })).original.protocol?.number}`;
  return `${verb} ${tuple} ${formatIp(payload.subarray(16, payload.length - 12))}`;
}

/** readFlow wants both tuples; a deletion has the one. */
function withReply(message: Pick<Message, "type" | "flags" | "payload">): Message {
  return { ...message, sequence: 0, portId: 0, payload: Uint8Array.of(...message.payload, 4, 0, 2, 0x80) };
}

function run(addresses: readonly string[], ...answers: readonly Answer[]): string[][] {
  const kernel = new FakeKernel(...answers);
  deleteConnectionsOf(new Connection(kernel), addresses.map(ip), () => false);
  const counts: string[][] = [];
  for (const { length } of kernel.datagrams) {
    const messages: string[] = [];
    for (let left = length; left > 0; ) {
      const message = kernel.requests[counts.flat().length + messages.length];
      if (message === undefined) break;
      messages.push(describeRequest(message));
      left -= message.payload.length + 16;
    }
    counts.push(messages);
  }
  return counts;
}

const AT_ONCE = ["delete original 10.22.0.5", "delete reply 10.22.0.5"];

describe("deleteConnectionsOf", () => {
  it("asks nothing where there is no address", () => {
    expect(run([], acknowledgeAll)).toEqual([]);
  });

  it("asks nothing where it is certain that there are none", () => {
    const kernel = new FakeKernel(acknowledgeAll);
    const asked: string[] = [];
    deleteConnectionsOf(new Connection(kernel), [ip("10.22.0.5"), ip("fd00::5")], (addresses) => {
      asked.push(...addresses.map(formatIp));
      return true;
    });
    expect([asked, kernel.datagrams]).toEqual([["10.22.0.5", "fd00::5"], []]);
  });

  it("lets the kernel find those of IPv4, all in one datagram", () => {
    expect(run(["10.22.0.5"], acknowledgeAll)).toEqual([AT_ONCE]);
  });

  it("looks for those of IPv6 itself, because the kernel would delete all others", () => {
    const found = run(
      ["fd00::5", "10.22.0.5"],
      acknowledgeAll,
      list("list-udp6", "list-icmp", "list-icmp6"),
      acknowledgeAll,
    );
    expect(found).toEqual([AT_ONCE, ["list family 10"], ["delete flow 17", "delete flow 58"]]);
    expect(run(["fd00::6"], list("list-udp6", "list-icmp6"))).toEqual([["list family 10"]]);
  });

  it("lets the kernel choose what it lists where that is all it can, and deletes one by one", () => {
    const found = run(["10.22.0.5"], refuse("EINVAL"), list("list-udp"), list(), acknowledgeAll);
    expect(found).toEqual([AT_ONCE, ["list original 10.22.0.5"], ["list reply 10.22.0.5"], ["delete flow 17"]]);
  });

  it("lists all where the kernel passes the filter over, and deletes what is the address's", () => {
    const everything = list("list-icmp", "list-udp", "list-snat");
    const found = run(["192.0.2.1", "192.0.2.7"], refuse("EINVAL"), everything, everything, acknowledgeAll);
    expect(found.slice(1)).toEqual([
      ["list original 192.0.2.1"],
      ["list family 2"],
      ["delete flow 1", "delete flow 17", "delete flow 17"],
    ]);
  });

  it("goes through the list once for many addresses", () => {
    const many = Array.from({ length: 33 }, (_, i) => `10.22.0.${i}`);
    expect(run(many, list("list-udp", "list-snat"), acknowledgeAll)).toEqual([
      ["list family 2"],
      ["delete flow 17", "delete flow 17"],
    ]);
  });

  it("deletes in portions whose acknowledgements fit", () => {
    const names = new Array<string>(250).fill("list-udp");
    const found = run(["10.22.0.5"], refuse("EINVAL"), list(...names), list(), acknowledgeAll);
    expect(found.slice(3).map(({ length }) => length)).toEqual([100, 100, 50]);
  });

  it("is content with a connection that has ended meanwhile", () => {
    expect(() => run(["10.22.0.5"], refuse("EINVAL"), list("list-udp"), list(), refuse("ENOENT"))).not.toThrow();
  });

  it("has nothing to do where the kernel does not tell of connections", () => {
    expect(run(["10.22.0.5"], refuse("EINVAL"))).toHaveLength(2);
  });

  it.each([
    ["conntrack -D --orig-src 10.22.0.5", [refuse("EPERM")]],
    ["conntrack -L --orig-src 10.22.0.5", [refuse("EINVAL"), refuse("EPERM")]],
    ["conntrack -D -s 10.22.0.5 -d 192.0.2.7", [refuse("EINVAL"), list("list-udp"), list(), refuse("EPERM")]],
  ] as const)("throws another refusal: %s", (text, answers) => {
    expect(() => run(["10.22.0.5"], ...answers)).toThrow(`cannot ${text}`);
  });
});
