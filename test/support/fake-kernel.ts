// A kernel that is a function: the function gets the messages of each datagram that is sent, and returns the datagrams that
// come back. Such a kernel can do at will what the real one does now and then: split, reorder, interrupt, refuse, lose.

import { type Message, readMessages } from "../../src/netlink/message.ts";
import type { Transport } from "../../src/netlink/transport.ts";
import { NLM_F, NLMSG } from "../../src/netlink/uapi.ts";
import { attr, attrs } from "../../src/wire/attrs.ts";
import { cstring, type Infer, u32 } from "../../src/wire/codec.ts";
import { Writer } from "../../src/wire/writer.ts";

/** A datagram that will be received, or an error that the receiver throws instead. */
export type Reply = Uint8Array | Error;

export type Answer = (requests: readonly Message[]) => readonly Reply[];

export class FakeKernel implements Transport {
  /** The datagrams that were sent. */
  readonly datagrams: Uint8Array[] = [];
  closed = false;
  readonly #answers: Answer[];
  readonly #queue: Reply[] = [];
  // One buffer for all datagrams, as in NetlinkSocket: a view of an older datagram shows the bytes of the newer one.
  readonly #buffer = new Uint8Array(65536);

  /** The first function answers the first datagram, and so on. The last function answers all later datagrams. */
  constructor(...answers: readonly Answer[]) {
    this.#answers = [...answers];
  }

  /** Every message that was sent. */
  get requests(): Message[] {
    return this.datagrams.flatMap((datagram) => readMessages(datagram));
  }

  send(datagram: Uint8Array): void {
    const copy = datagram.slice();
    this.datagrams.push(copy);
    const answer = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    this.#queue.push(...(answer?.(readMessages(copy)) ?? []));
  }

  receive(wait: boolean): Uint8Array | undefined {
    const reply = this.#queue.shift();
    if (reply === undefined) {
      if (!wait) return undefined;
      throw new Error("waited for a reply that never comes"); // a real socket would time out
    }
    if (reply instanceof Error) throw reply;
    this.#buffer.fill(0xee);
    this.#buffer.set(reply);
    return this.#buffer.subarray(0, reply.length);
  }

  close(): void {
    this.closed = true;
  }
}

/** One message, padded. */
export function message(fields: {
  readonly type: number;
  readonly sequence: number;
  readonly flags?: number;
  readonly payload?: Uint8Array;
}): Uint8Array {
  const out = new Writer();
  const payload = fields.payload ?? new Uint8Array(0);
  out.u32(16 + payload.length);
  out.u16(fields.type);
  out.u16(fields.flags ?? 0);
  out.u32(fields.sequence);
  out.u32(0x1234); // the receiver's port id
  out.raw(payload);
  out.align4();
  return out.bytes();
}

/** Several messages in one datagram. */
export function datagram(...messages: readonly Uint8Array[]): Uint8Array {
  const out = new Writer();
  for (const one of messages) out.raw(one);
  return out.bytes();
}

const extendedAck = attrs({ message: attr(1, cstring), offset: attr(2, u32), missingType: attr(5, u32) });

/** NLMSG_ERROR for a request: errno 0 means success. The reply is not capped: it repeats the payload of the request. */
export function ack(
  request: Message,
  errno = 0,
  options: { readonly extack?: Infer<typeof extendedAck>; readonly capped?: boolean } = {},
): Uint8Array {
  const { extack, capped = true } = options;
  const out = new Writer();
  out.u32(-errno >>> 0);
  out.u32(16 + request.payload.length);
  out.u16(request.type);
  out.u16(request.flags);
  out.u32(request.sequence);
  out.u32(request.portId);
  if (!capped) {
    out.raw(request.payload);
    out.align4();
  }
  if (extack !== undefined) extendedAck.encode(extack, out);
  const flags = (capped ? NLM_F.CAPPED : 0) | (extack === undefined ? 0 : NLM_F.ACK_TLVS);
  return message({ type: NLMSG.ERROR, flags, sequence: request.sequence, payload: out.bytes() });
}

/** The end of a dump, with the error that ended it. */
export function done(request: Message, errno = 0, flags = 0, extack?: Infer<typeof extendedAck>): Uint8Array {
  const out = new Writer();
  out.u32(-errno >>> 0);
  if (extack !== undefined) extendedAck.encode(extack, out);
  const tlvs = extack === undefined ? 0 : NLM_F.ACK_TLVS;
  return message({
    type: NLMSG.DONE,
    flags: NLM_F.MULTI | flags | tlvs,
    sequence: request.sequence,
    payload: out.bytes(),
  });
}

/** Acknowledges every request. */
export const acknowledgeAll: Answer = (requests) => requests.map((request) => ack(request));

/** Answers each request with these messages and an acknowledgement; a dump with the messages and DONE. */
export function answerWith(
  type: number,
  payloads: (request: Message) => readonly Uint8Array[],
  options: { readonly perDatagram?: number } = {},
): Answer {
  return (requests) =>
    requests.flatMap((request) => {
      const { sequence } = request;
      const isDump = (request.flags & NLM_F.DUMP) === NLM_F.DUMP;
      const flags = isDump ? NLM_F.MULTI : 0;
      const messages = payloads(request).map((payload) => message({ type, flags, sequence, payload }));
      messages.push(isDump ? done(request) : ack(request));
      return inDatagrams(messages, options.perDatagram ?? 1);
    });
}

/** The messages, with this number of them in each datagram. */
export function inDatagrams(messages: readonly Uint8Array[], perDatagram: number): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  for (let i = 0; i < messages.length; i += perDatagram)
    datagrams.push(datagram(...messages.slice(i, i + perDatagram)));
  return datagrams;
}
