// Compares our requests with those of ip(8) and bridge(8).

import { expect } from "vitest";
import { Connection } from "../../src/netlink/connection.ts";
import { NetlinkProtocolError } from "../../src/netlink/error.ts";
import type { Message, Request } from "../../src/netlink/message.ts";
import { NLM_F } from "../../src/netlink/uapi.ts";
import { attributeDifferences, hex, type TreeOptions } from "./attribute-tree.ts";
import { answerWith, FakeKernel } from "./fake-kernel.ts";
import { readGolden } from "./golden.ts";

/** Sizes of the fixed headers by the message type's group of four: link, address, route, neighbour, rule, qdisc, filter, property. */
const HEADER_SIZES = new Map([
  [4, 16],
  [5, 8],
  [6, 12],
  [7, 12],
  [8, 12],
  [9, 20],
  [11, 20],
  [27, 16],
]);

const OPTIONS: TreeOptions = {
  headers: { "18/2/1": 16 }, // IFLA_LINKINFO/IFLA_INFO_DATA/VETH_INFO_PEER begins with a struct ifinfomsg
  // ip(8) sends IFLA_INFO_KIND without its NUL
  unterminated: ["18/1"],
};

/** The bytes of a request as they are sent. */
export function sent(request: Request): Message {
  return asked((connection) => connection.execute(request));
}

/** The requests that a function sends to a kernel that has nothing. */
export function asked(ask: (connection: Connection) => unknown): Message {
  const kernel = new FakeKernel(answerWith(0, () => []));
  try {
    ask(new Connection(kernel));
  } catch (error) {
    if (!(error instanceof NetlinkProtocolError)) throw error; // a question that must have an answer
  }
  const [message] = kernel.requests;
  if (message === undefined) throw new Error("nothing was sent");
  return message;
}

/**
 * Expects the message to say the same as the last request (the last dump) of ip(8) or bridge(8), or as the one at the index
 * `at`. The attributes in `without`, by number, are left out: one side sends them and the other does not. `family` is the
 * address family in the command's message, where that is not ours.
 */
export function expectSame(
  name: string,
  ours: Message,
  options: { readonly at?: number; readonly without?: readonly number[]; readonly family?: number } = {},
): void {
  const isDump = (message: Message): boolean => (message.flags & NLM_F.DUMP) === NLM_F.DUMP;
  const alike = readGolden(`rtnetlink/${name}`).requests.filter((message) => isDump(message) === isDump(ours));
  const theirs = alike.at(options.at ?? -1);
  if (theirs === undefined) throw new Error(`${name} has no such request`);
  const headerSize = HEADER_SIZES.get(theirs.type >> 2) ?? 0;
  const attributesOf = (message: Message): Uint8Array => message.payload.subarray(headerSize);
  const differences = attributeDifferences(attributesOf(ours), attributesOf(theirs), OPTIONS);
  const header = ours.payload.slice(0, headerSize);
  if (options.family !== undefined) header[0] = options.family;
  // ip(8) does not ask for an acknowledgement when it reads; we always do.
  const isRead = (theirs.flags & NLM_F.ACK) === 0;
  expect({
    type: ours.type,
    flags: isRead ? ours.flags & ~NLM_F.ACK : ours.flags,
    header: hex(header),
    differences: differences.filter((line) => !options.without?.some((type) => line.split(/[:/]/, 1)[0] === `${type}`)),
  }).toEqual({
    type: theirs.type,
    flags: theirs.flags,
    header: hex(theirs.payload.subarray(0, headerSize)),
    differences: [],
  });
}

/** A connection to a kernel that answers a GET or a dump with the messages of a capture. */
export function replaying(name: string, perDatagram = 1): Connection {
  const { replies } = readGolden(`rtnetlink/${name}`);
  const type = replies[0]?.type ?? 0;
  const payloads = replies.filter((reply) => reply.type === type).map(({ payload }) => payload); // without DONE
  return new Connection(new FakeKernel(answerWith(type, () => payloads, { perDatagram })));
}
