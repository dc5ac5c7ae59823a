// A conversation with the kernel: requests and what comes back, matched by sequence number.

import { errno } from "../sys/errno.ts";
import { hasCode } from "../sys/error.ts";
import { Writer } from "../wire/writer.ts";
import { type Ack, readAck } from "./ack.ts";
import { NetlinkError, NetlinkProtocolError } from "./error.ts";
import { type Message, question, type Request, readMessages, writeMessage } from "./message.ts";
import { traceDatagram } from "./trace.ts";
import { NetlinkSocket, type SocketOptions, type Transport } from "./transport.ts";
import { NLM_F, NLMSG } from "./uapi.ts";

/** How often a dump is begun again when the kernel says that it changed underneath. */
const DUMP_ATTEMPTS = 16;

/** What to keep of a dump. Both see bytes that still lie in the receive buffer. */
export interface DumpChoice {
  /** Whether the message is to be kept. */
  readonly isWanted?: (message: Message) => boolean;
  /** Whether there may be such a message in the datagram at all: a look at its bytes is cheaper than at each message. */
  readonly isWorthReading?: (datagram: Uint8Array) => boolean;
}

/** Requests to one netlink family in one network namespace. Sequence numbers are never reused. */
export class Connection {
  readonly #transport: Transport;
  readonly #out: Writer = new Writer();
  #sequence = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Opens a socket of this protocol (NETLINK.ROUTE, …). Throws SyscallError. */
  static open(protocol: number, options?: SocketOptions): Connection {
    return new Connection(new NetlinkSocket(protocol, options));
  }

  close(): void {
    this.#transport.close();
  }

  /**
   * Sends one request and waits until the kernel says that it is done. Returns what the kernel answered besides
   * (the object of a GET, the echo of a NEW). Throws NetlinkError when it says no.
   */
  execute(request: Request): Message[] {
    const messages: Message[] = [];
    const [ack] = this.#converse([request], (message) => messages.push(own(message)));
    if (ack !== undefined && ack.errno !== 0) throw new NetlinkError(request.operation(), ack);
    return messages;
  }

  /**
   * Asks for one object and returns what `read` makes of the answer, which lies in the receive buffer: what `read` keeps
   * of it must be a copy. Throws NetlinkError when the kernel says no.
   */
  ask<T>(request: Request, read: (message: Message) => T): T {
    const answer = this.find(request, read, 0);
    if (answer === undefined) throw new NetlinkProtocolError(`${request.operation()}: the kernel sent no answer`);
    return answer;
  }

  /** The same for what need not be there: undefined where the kernel says no with this error number. */
  find<T>(request: Request, read: (message: Message) => T, absent: number): T | undefined {
    let answer: T | undefined;
    const [ack] = this.#converse([question(request)], (message) => {
      answer ??= read(message);
    });
    if (ack !== undefined && ack.errno !== 0 && ack.errno !== absent) throw new NetlinkError(request.operation(), ack);
    return answer;
  }

  /**
   * Sends several requests in one datagram; the kernel carries them out in order, each by itself. Throws the
   * NetlinkError of the first that failed, after all have been tried.
   */
  executeAll(requests: readonly Request[]): void {
    const acks = this.tryAll(requests);
    requests.forEach((request, i) => {
      const ack = acks[i];
      if (ack !== undefined && ack.errno !== 0) throw new NetlinkError(request.operation(), ack);
    });
  }

  /** Like executeAll, but returns the kernel's word on each request, in order, instead of throwing. */
  tryAll(requests: readonly Request[], answered: (message: Message, index: number) => void = () => {}): Ack[] {
    return this.#converse(requests, answered);
  }

  /**
   * Each reply is a datagram to receive, so no more are asked for than it takes: the kernel goes through the requests one
   * by one and says unasked which it refuses, so once it has spoken of the last, all is said of those before.
   */
  #converse(requests: readonly Request[], other: (message: Message, index: number) => void): Ack[] {
    const last = requests.length - 1;
    if (last < 0) return [];
    const out = this.#begin();
    const first = this.#sequence + 1;
    requests.forEach((request, i) => {
      writeMessage(out, request, i < last || request.isAnswered ? 0 : NLM_F.ACK, ++this.#sequence);
    });
    this.#send(out.bytes());
    const acks: Ack[] = [];
    for (let finished = false; !finished; ) {
      for (const message of this.#receive()) {
        const index = message.sequence - first;
        if (index < 0 || index > last) continue; // a late word on an earlier request
        const ack = readAck(message);
        if (ack === undefined) other(message, index);
        else acks[index] ??= ack;
        finished ||= index === last && (ack !== undefined || requests[last]?.isAnswered === true);
      }
    }
    return requests.map((_, i) => acks[i] ?? { sequence: first + i, errno: 0, extack: undefined });
  }

  /**
   * Asks for all objects of a kind. A dump that the kernel marks as interrupted is begun again, a bounded number
   * of times. Of a long list, `choice` keeps out of memory what nobody wants. Throws NetlinkError, or
   * NetlinkProtocolError when it is interrupted every time.
   */
  dump(request: Request, choice: DumpChoice = {}): Message[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const messages = this.#dumpOnce(request, choice);
      if (messages !== undefined) return messages;
    }
    throw new NetlinkProtocolError(`${request.operation()}: the list changed during each of ${DUMP_ATTEMPTS} readings`);
  }

  #dumpOnce(request: Request, { isWanted, isWorthReading }: DumpChoice): Message[] | undefined {
    const out = this.#begin();
    const sequence = ++this.#sequence;
    writeMessage(out, request, NLM_F.DUMP, sequence);
    this.#send(out.bytes());
    const found: Message[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of this.#receive(isWorthReading)) {
        if (message.sequence !== sequence) continue;
        interrupted ||= (message.flags & NLM_F.DUMP_INTR) !== 0;
        const ack = readAck(message);
        if (ack === undefined) {
          // One that is marked as interrupted may be of a datagram that is not worth reading.
          if (isWanted === undefined || isWanted(message)) found.push(own(message));
        } else if (ack.errno === errno("EINTR")) return undefined;
        else if (ack.errno !== 0) throw new NetlinkError(request.operation(), ack);
        else if (message.type === NLMSG.DONE) return interrupted ? undefined : found;
      }
    }
  }

  /**
   * Sends the messages of one transaction, framed by `begin` and `end` (nfnetlink batches): the kernel does all or
   * nothing. Without an end it looks at all, and does nothing. Throws the NetlinkError of the first that failed. Every
   * error comes with the sequence number of its message, or of `begin` where the transaction as a whole was refused.
   */
  batch(begin: Request, commands: readonly Request[], end?: Request): void {
    if (commands.length === 0) return;
    const out = this.#begin();
    const first = this.#sequence + 1;
    writeMessage(out, begin, 0, ++this.#sequence);
    // One acknowledgement, of the last command, tells that the commit is through: the kernel reports errors unasked.
    const last = this.#sequence + commands.length;
    for (const command of commands) {
      const sequence = ++this.#sequence;
      writeMessage(out, command, sequence === last ? NLM_F.ACK : 0, sequence);
    }
    if (end !== undefined) writeMessage(out, end, 0, ++this.#sequence);
    this.#send(out.bytes());
    const failed = this.#batchError(first, last);
    if (failed === undefined) return;
    const command = commands[failed.sequence - first - 1] ?? begin;
    throw new NetlinkError(command.operation(), failed, command.modules?.());
  }

  /** Reads every reply to a batch; returns the first error by sequence. */
  #batchError(first: number, last: number): Ack | undefined {
    let failed: Ack | undefined;
    let overrun: unknown;
    let finished = false;
    for (;;) {
      let datagram: Uint8Array | undefined;
      try {
        // nfnetlink answers before sendto returns, so once the end has been seen nothing more can come late.
        datagram = this.#transport.receive(!finished);
      } catch (error) {
        // So many commands failed that there was no room for all their errors. The first errors are there.
        if (overrun !== undefined || !hasCode(error, "ENOBUFS")) throw error;
        overrun = error;
        finished = true;
        continue;
      }
      if (datagram === undefined) {
        if (failed === undefined && overrun !== undefined) throw overrun;
        return failed;
      }
      traceDatagram("<", datagram);
      for (const message of readMessages(datagram)) {
        const ack = message.sequence < first ? undefined : readAck(message);
        if (ack === undefined) continue;
        if (ack.errno !== 0 && (failed === undefined || ack.sequence < failed.sequence)) failed = ack;
        if (ack.sequence >= last || ack.sequence === first) finished = true;
      }
    }
  }

  /** Where the next datagram is written: the last one has been sent. */
  #begin(): Writer {
    this.#out.reset();
    return this.#out;
  }

  #send(datagram: Uint8Array): void {
    traceDatagram(">", datagram);
    this.#transport.send(datagram);
  }

  #receive(isWorthReading: DumpChoice["isWorthReading"] = () => true): Message[] {
    const datagram = this.#transport.receive(true);
    if (datagram === undefined) throw new NetlinkProtocolError("the transport ended");
    traceDatagram("<", datagram);
    return readMessages(datagram, !isWorthReading(datagram));
  }
}

/** The payload lies in the receive buffer, which the next datagram overwrites. */
function own(message: Message): Message {
  const { type, flags, sequence, portId, payload } = message;
  return { type, flags, sequence, portId, payload: payload.slice() };
}
