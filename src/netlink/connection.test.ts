import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Answer,
  ack,
  acknowledgeAll,
  answerWith,
  datagram,
  done,
  FakeKernel,
  inDatagrams,
  message,
} from "../../test/support/fake-kernel.ts";
import { errno } from "../sys/errno.ts";
import { hasCode, isNotFound, SyscallError } from "../sys/error.ts";
import { DecodeError } from "../wire/error.ts";
import { Connection } from "./connection.ts";
import { NetlinkError, NetlinkProtocolError } from "./error.ts";
import { type Message, question, type Request } from "./message.ts";
import { NLM_F } from "./uapi.ts";

const NEWTHING = 16;
const GETTHING = 18;
const EEXIST = errno("EEXIST");
const EPERM = errno("EPERM");

/** A request whose payload is a number of its own. */
function thing(number: number, type = NEWTHING): Request {
  return { type, flags: 0, operation: () => `thing add ${number}`, encode: (out) => out.u32(number) };
}

const get: Request = { type: GETTHING, flags: 0, operation: () => "thing show", encode: (out) => out.u32(0) };

/** Payloads of four equal bytes. */
const four = (...values: readonly number[]): Uint8Array[] => values.map((value) => new Uint8Array(4).fill(value));

const firstBytes = (messages: readonly Message[]): (number | undefined)[] => messages.map(({ payload }) => payload[0]);

/** The error that a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

function open(...answers: readonly Answer[]): { readonly kernel: FakeKernel; readonly connection: Connection } {
  const kernel = new FakeKernel(...answers);
  return { kernel, connection: new Connection(kernel) };
}

describe("execute", () => {
  it("sends one request that wants an acknowledgement, and returns nothing when there is only that", () => {
    const { kernel, connection } = open(acknowledgeAll);
    expect(connection.execute(thing(7))).toEqual([]);
    expect(kernel.requests).toEqual([
      { type: NEWTHING, flags: NLM_F.REQUEST | NLM_F.ACK, sequence: 1, portId: 0, payload: Uint8Array.of(7, 0, 0, 0) },
    ]);
  });

  it.each([1, 2, 3])("returns what is answered besides, %i messages to a datagram", (perDatagram) => {
    const { connection } = open(answerWith(NEWTHING, () => four(1, 2), { perDatagram }));
    expect(firstBytes(connection.execute(get))).toEqual([1, 2]);
  });

  it("returns messages that the next datagram doesn't overwrite", () => {
    const { connection } = open(answerWith(NEWTHING, () => four(1)));
    const [first] = connection.execute(get);
    connection.execute(get);
    expect(first?.payload).toEqual(Uint8Array.of(1, 1, 1, 1));
  });

  it("throws the kernel's refusal: operation, errno, the kernel's own words", () => {
    const extack = { message: "Nexthop has invalid gateway", offset: 28 };
    const { connection } = open((requests) => requests.map((one) => ack(one, EEXIST, { extack })));
    const error = thrown(() => connection.execute(thing(7)));
    expect(error).toBeInstanceOf(NetlinkError);
    expect(error).toMatchObject({
      name: "NetlinkError",
      message: "cannot thing add 7: EEXIST: Nexthop has invalid gateway",
      operation: "thing add 7",
      errno: EEXIST,
      code: "EEXIST",
      sequence: 1,
      extack,
    });
  });

  it("throws a refusal without words in strerror's", () => {
    const { connection } = open((requests) => requests.map((one) => ack(one, EEXIST, { capped: false })));
    expect(() => connection.execute(thing(7))).toThrow("cannot thing add 7: EEXIST: File exists");
  });

  it("throws a refusal that comes after an answer", () => {
    const { connection } = open((requests) =>
      requests.flatMap((one) => [message({ type: NEWTHING, sequence: one.sequence }), ack(one, EPERM)]),
    );
    expect(() => connection.execute(get)).toThrow("cannot thing show: EPERM");
  });

  it.each([
    ["an earlier request", -1],
    ["a request that was never sent", 1],
    ["nobody in particular, as events are", -1000],
  ])("does not take a word on %s for its own", (_what, step) => {
    const { connection } = open(acknowledgeAll, (requests) =>
      requests.flatMap((one) => {
        const other = { ...one, sequence: Math.max(0, one.sequence + step) };
        return [ack(other, EPERM), message({ type: NEWTHING, sequence: other.sequence }), ack(other), ack(one, EEXIST)];
      }),
    );
    connection.execute(thing(1));
    expect(() => connection.execute(thing(2))).toThrow("cannot thing add 2: EEXIST");
  });

  it("never uses a sequence number twice", () => {
    const { kernel, connection } = open(acknowledgeAll);
    connection.execute(thing(1));
    connection.executeAll([thing(2), thing(3)]);
    connection.batch(thing(4), [thing(5)], thing(6));
    connection.execute(thing(7));
    expect(kernel.requests.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it("goes on after a conversation that broke off: late replies are left aside", () => {
    const broken = new NetlinkProtocolError("a reply of 40000 bytes was truncated");
    const { connection } = open((requests) => [broken, ...requests.map((one) => ack(one, EPERM))], acknowledgeAll);
    expect(() => connection.execute(thing(1))).toThrow(broken);
    expect(connection.execute(thing(2))).toEqual([]);
  });
});

describe("errors have one class for each origin", () => {
  it("a failed system call stays a SyscallError, sending or receiving", () => {
    const full = new SyscallError("recvfrom", errno("ENOBUFS"), "receive a netlink message");
    const { connection } = open(() => [full]);
    expect(thrown(() => connection.execute(thing(1)))).toBe(full);
    expect(thrown(() => connection.dump(get))).toBe(full);
    expect(thrown(() => connection.batch(thing(1), [thing(2)], thing(3)))).toBe(full);

    const refused = new SyscallError("sendto", errno("EMSGSIZE"), "send a netlink message");
    const kernel = new FakeKernel(() => {
      throw refused;
    });
    expect(thrown(() => new Connection(kernel).execute(thing(1)))).toBe(refused);
  });

  it("the kernel's refusal is never a SyscallError, and both answer the same questions", () => {
    const { connection } = open((requests) => requests.map((one) => ack(one, errno("ENODEV"))));
    const error = thrown(() => connection.execute(thing(1)));
    expect(error).not.toBeInstanceOf(SyscallError);
    expect(isNotFound(error)).toBe(true);
    expect(hasCode(new Error("outer", { cause: error }), "ENODEV")).toBe(true);
  });

  it("bytes that are no messages are a DecodeError", () => {
    const { connection } = open(() => [new Uint8Array(10)]);
    expect(thrown(() => connection.execute(thing(1)))).toBeInstanceOf(DecodeError);
  });

  it("a transport that has ended is a NetlinkProtocolError", () => {
    const ended = new Connection({ send: () => {}, receive: () => undefined, close: () => {} });
    const error = thrown(() => ended.execute(thing(1)));
    expect(error).toBeInstanceOf(NetlinkProtocolError);
    expect(error).toMatchObject({ name: "NetlinkProtocolError", message: "the transport ended" });
  });
});

describe("executeAll", () => {
  it("sends everything in one datagram", () => {
    const { kernel, connection } = open(acknowledgeAll);
    connection.executeAll([thing(1), thing(2), thing(3)]);
    expect(kernel.datagrams).toHaveLength(1);
    expect(firstBytes(kernel.requests)).toEqual([1, 2, 3]);
  });

  it("sends nothing where there is nothing to do", () => {
    const { kernel, connection } = open(acknowledgeAll);
    connection.executeAll([]);
    expect(kernel.datagrams).toEqual([]);
  });

  it("throws the first refusal of several", () => {
    const { connection } = open((requests) =>
      requests.map((one, i) => ack(one, i === 0 ? 0 : i === 1 ? EPERM : EEXIST)),
    );
    expect(() => connection.executeAll([thing(1), thing(2), thing(3)])).toThrow("cannot thing add 2: EPERM");
  });

  it("leaves no reply behind for the next conversation when it throws", () => {
    const { connection } = open((requests) => requests.map((one) => ack(one, EEXIST)), acknowledgeAll);
    expect(() => connection.executeAll([thing(1), thing(2)])).toThrow(NetlinkError);
    expect(connection.execute(thing(3))).toEqual([]);
  });
});

describe("tryAll", () => {
  it("returns the word on each request, in their order", () => {
    const { connection } = open((requests) => [
      datagram(...requests.map((one, i) => ack(one, i === 1 ? EEXIST : 0)).toReversed()),
    ]);
    expect(connection.tryAll([thing(1), thing(2), thing(3)]).map(({ errno: number }) => number)).toEqual([
      0,
      EEXIST,
      0,
    ]);
  });

  it("asks for one acknowledgement, and takes silence on the others for consent", () => {
    const { kernel, connection } = open((requests) =>
      requests.flatMap((one, i) => (i === 1 ? [ack(one, EEXIST)] : i === 3 ? [ack(one)] : [])),
    );
    const words = connection.tryAll([thing(1), thing(2), thing(3), thing(4)]);
    expect(words.map(({ sequence, errno: number }) => [sequence, number])).toEqual([
      [1, 0],
      [2, EEXIST],
      [3, 0],
      [4, 0],
    ]);
    expect(kernel.requests.map(({ flags }) => (flags & NLM_F.ACK) !== 0)).toEqual([false, false, false, true]);
  });

  it("asks for none where the answer itself says that all is said", () => {
    const answered: number[] = [];
    const { kernel, connection } = open((requests) =>
      requests.map((one, i) => (i === 0 ? ack(one, EEXIST) : message({ type: NEWTHING, sequence: one.sequence }))),
    );
    const words = connection.tryAll([question(get), question(get)], (_, i) => answered.push(i));
    expect([words.map(({ errno: number }) => number), answered]).toEqual([[EEXIST, 0], [1]]);
    expect(kernel.requests.every(({ flags }) => (flags & NLM_F.ACK) === 0)).toBe(true);
  });

  it("takes the refusal of a question for its answer", () => {
    const { connection } = open((requests) => requests.map((one) => ack(one, EPERM)));
    expect(() => connection.execute(question(get))).toThrow("cannot thing show: EPERM");
  });

  it("waits for the last word, in however many datagrams the words come", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, EEXIST, EPERM), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 4 }),
        (words, perDatagram) => {
          const { connection } = open((requests) =>
            inDatagrams(
              requests.map((one, i) => ack(one, words[i])),
              perDatagram,
            ),
          );
          const found = connection.tryAll(words.map((_, i) => thing(i)));
          expect(found.map(({ errno: number }) => number)).toEqual(words);
        },
      ),
    );
  });

  it("takes the first word on a request where there are two", () => {
    const { connection } = open((requests) => requests.flatMap((one) => [ack(one, EEXIST), ack(one, 0)]));
    expect(connection.tryAll([thing(1), thing(2)]).map(({ errno: number }) => number)).toEqual([EEXIST, EEXIST]);
  });
});

describe("dump", () => {
  it.each([1, 2, 100])("returns every object, %i messages to a datagram", (perDatagram) => {
    const { kernel, connection } = open(answerWith(NEWTHING, () => four(1, 2, 3), { perDatagram }));
    expect(firstBytes(connection.dump(get))).toEqual([1, 2, 3]);
    expect(kernel.requests.map(({ flags }) => flags)).toEqual([NLM_F.REQUEST | NLM_F.DUMP]);
  });

  it("returns nothing where there is nothing", () => {
    const { connection } = open(answerWith(NEWTHING, () => []));
    expect(connection.dump(get)).toEqual([]);
  });

  it("returns messages that later datagrams don't overwrite", () => {
    const { connection } = open(answerWith(NEWTHING, () => four(1, 2)));
    expect(connection.dump(get).map(({ payload }) => payload)).toEqual(four(1, 2));
  });

  it("keeps what is wanted, and shows every message once", () => {
    const shown: (number | undefined)[] = [];
    const { connection } = open(answerWith(NEWTHING, () => four(1, 2, 3), { perDatagram: 2 }));
    const found = connection.dump(get, { isWanted: ({ payload }) => shown.push(payload[0]) === 2 });
    expect([firstBytes(found), shown]).toEqual([[2], [1, 2, 3]]);
  });

  it("passes over datagrams that are not worth reading, but not what they say of the dump", () => {
    const { connection } = open(answerWith(NEWTHING, () => four(1, 2, 3, 4), { perDatagram: 2 }));
    const isWorthReading = (datagram: Uint8Array): boolean => datagram[16] === 3;
    expect(firstBytes(connection.dump(get, { isWorthReading }))).toEqual([3, 4]);
    const none = { isWorthReading: () => false };
    expect(connection.dump(get, none)).toEqual([]);
    const refused = open((requests) => requests.map((request) => ack(request, EPERM)));
    expect(() => refused.connection.dump(get, none)).toThrow("EPERM");
  });

  /** A dump that is marked as interrupted in its first message, in a later one, or in DONE. */
  const interrupted = (at: number): Answer => {
    const { DUMP_INTR, MULTI } = NLM_F;
    return (requests) =>
      requests.flatMap((one) => [
        ...four(8, 9).map((payload, i) =>
          message({ type: NEWTHING, flags: MULTI | (i === at ? DUMP_INTR : 0), sequence: one.sequence, payload }),
        ),
        done(one, 0, at === 2 ? DUMP_INTR : 0),
      ]);
  };

  it.each([0, 1, 2])("begins again when it is interrupted, marked in message %i", (at) => {
    const { kernel, connection } = open(
      interrupted(at),
      answerWith(NEWTHING, () => four(1, 2)),
    );
    expect(firstBytes(connection.dump(get))).toEqual([1, 2]);
    expect(kernel.datagrams).toHaveLength(2);
  });

  it.each([0, 1, 2])("begins again also where what is marked is not worth reading: message %i", (at) => {
    const { kernel, connection } = open(
      interrupted(at),
      answerWith(NEWTHING, () => four(1, 2)),
    );
    expect(connection.dump(get, { isWorthReading: () => false })).toEqual([]);
    expect(kernel.datagrams).toHaveLength(2);
  });

  it("begins again when DONE says EINTR", () => {
    const refuse: Answer = (requests) => requests.map((one) => done(one, errno("EINTR")));
    const { connection } = open(
      refuse,
      refuse,
      answerWith(NEWTHING, () => four(1)),
    );
    expect(firstBytes(connection.dump(get))).toEqual([1]);
  });

  it("gives up after sixteen interruptions", () => {
    const { kernel, connection } = open(interrupted(1));
    expect(() => connection.dump(get)).toThrow(
      new NetlinkProtocolError("thing show: the list changed during each of 16 readings"),
    );
    expect(kernel.datagrams).toHaveLength(16);
  });

  it("throws the error that DONE carries, with the kernel's own words", () => {
    const extack = { message: "FIB table does not exist" };
    const { connection } = open((requests) =>
      requests.flatMap((one) => [
        message({ type: NEWTHING, flags: NLM_F.MULTI, sequence: one.sequence }),
        done(one, errno("ENOENT"), 0, extack),
      ]),
    );
    expect(() => connection.dump(get)).toThrow("cannot thing show: ENOENT: FIB table does not exist");
  });

  it("throws a refusal that comes instead of a dump", () => {
    const { connection } = open((requests) => requests.map((one) => ack(one, EPERM)));
    expect(() => connection.dump(get)).toThrow("cannot thing show: EPERM: Operation not permitted");
  });

  it("leaves messages of an earlier dump aside", () => {
    const late: Answer = (requests) =>
      requests.flatMap((one) => [
        message({ type: NEWTHING, flags: NLM_F.MULTI, sequence: one.sequence - 1, payload: new Uint8Array(4).fill(9) }),
        done({ ...one, sequence: one.sequence - 1 }),
        ...answerWith(NEWTHING, () => four(1))([one]),
      ]);
    const { connection } = open(late);
    expect(firstBytes(connection.dump(get))).toEqual([1]);
  });
});

describe("batch", () => {
  const begin: Request = { type: 0x10, flags: 0, operation: () => "begin a transaction", encode: (out) => out.u32(0) };
  const end: Request = { ...begin, type: 0x11 };
  const run = (answer: Answer): { readonly kernel: FakeKernel; run(...commands: readonly Request[]): void } => {
    const { kernel, connection } = open(answer);
    return { kernel, run: (...commands) => connection.batch(begin, commands, end) };
  };
  /** nfnetlink: errors of any command unasked, and the acknowledgements that were asked for, in one go. */
  const nfnetlink =
    (errors: Readonly<Record<number, number>>, reorder = (replies: readonly Uint8Array[]) => replies): Answer =>
    (requests) =>
      reorder(
        requests.flatMap((one, i) => {
          const number = errors[i] ?? 0;
          return number !== 0 || (one.flags & NLM_F.ACK) !== 0 ? [ack(one, number)] : [];
        }),
      );

  it("sends one datagram and asks for the acknowledgement of the last command only", () => {
    const { kernel, run: send } = run(nfnetlink({}));
    send(thing(1), thing(2));
    expect(kernel.datagrams).toHaveLength(1);
    expect(kernel.requests.map(({ type, flags }) => [type, flags])).toEqual([
      [0x10, NLM_F.REQUEST],
      [NEWTHING, NLM_F.REQUEST],
      [NEWTHING, NLM_F.REQUEST | NLM_F.ACK],
      [0x11, NLM_F.REQUEST],
    ]);
  });

  it("sends nothing where there is nothing to do", () => {
    const { kernel, run: send } = run(nfnetlink({}));
    send();
    expect(kernel.datagrams).toEqual([]);
  });

  it.each([
    ["the first command", { 1: EEXIST }, "cannot thing add 1: EEXIST"],
    ["a command in the middle", { 2: EEXIST }, "cannot thing add 2: EEXIST"],
    ["the last command", { 3: EEXIST }, "cannot thing add 3: EEXIST"],
    ["several, of which the first counts", { 3: EPERM, 2: EEXIST }, "cannot thing add 2: EEXIST"],
    ["the transaction as a whole", { 0: EPERM }, "cannot begin a transaction: EPERM"],
    ["the transaction, because the generation has changed", { 0: errno("ERESTART") }, "begin a transaction: ERESTART"],
  ])("throws the refusal of %s", (_what, errors, text) => {
    for (const reorder of [undefined, (replies: readonly Uint8Array[]) => replies.toReversed()]) {
      expect(() => run(nfnetlink(errors, reorder)).run(thing(1), thing(2), thing(3))).toThrow(text);
    }
  });

  it("throws the refusal of the whole where nothing else is said", () => {
    const { run: send } = run((requests) => requests.slice(0, 1).map((one) => ack(one, EPERM)));
    expect(() => send(thing(1), thing(2))).toThrow("cannot begin a transaction: EPERM");
  });

  it("throws the refusal of a commit although the last command was acknowledged", () => {
    // A commit that fails is told with the sequence number of the beginning, and before the acknowledgements.
    const { run: send } = run((requests) => [
      ...requests.slice(0, 1).map((one) => ack(one, errno("ENOMEM"))),
      ...requests.slice(2, 3).map((one) => ack(one)),
    ]);
    expect(() => send(thing(1), thing(2))).toThrow("cannot begin a transaction: ENOMEM");
  });

  it("throws the first refusal although there was no room for all of them, and leaves no reply behind", () => {
    const full = new SyscallError("recvfrom", errno("ENOBUFS"), "receive a netlink message");
    const { connection } = open((requests) => [full, ...nfnetlink({ 1: EEXIST, 2: EPERM })(requests)], acknowledgeAll);
    expect(() => connection.batch(begin, [thing(1), thing(2), thing(3)], end)).toThrow("cannot thing add 1: EEXIST");
    expect(connection.execute(thing(4))).toEqual([]);
    const { connection: another } = open(() => [full, full]);
    expect(thrown(() => another.batch(begin, [thing(1)], end))).toBe(full);
  });

  it("leaves no reply behind for the next conversation", () => {
    const { connection } = open(nfnetlink({ 1: EEXIST, 2: EEXIST, 3: EEXIST }), acknowledgeAll);
    expect(() => connection.batch(begin, [thing(1), thing(2), thing(3)], end)).toThrow(NetlinkError);
    expect(connection.execute(thing(4))).toEqual([]);
  });

  it("does not take a late word on an earlier request for its own", () => {
    const { connection } = open(acknowledgeAll, (requests) => [
      ...requests.slice(0, 1).map((one) => ack({ ...one, sequence: one.sequence - 1 }, EPERM)),
      ...nfnetlink({})(requests),
    ]);
    connection.execute(thing(1));
    expect(() => connection.batch(begin, [thing(2)], end)).not.toThrow();
  });

  it("throws the first refusal by order of the commands, whatever comes back in whatever order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 0, EEXIST, EPERM), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.integer({ min: 1, max: 4 }),
        (words, turn, perDatagram) => {
          const answer = nfnetlink(Object.fromEntries(words.map((word, i) => [i + 1, word])), (replies) => {
            const cut = turn % replies.length;
            return inDatagrams([...replies.slice(cut), ...replies.slice(0, cut)], perDatagram);
          });
          const send = (): void => run(answer).run(...words.map((_, i) => thing(i)));
          const first = words.findIndex((word) => word !== 0);
          if (first < 0) send();
          else expect(send).toThrow(`cannot thing add ${first}: ${words[first] === EEXIST ? "EEXIST" : "EPERM"}`);
        },
      ),
    );
  });
});

it("close closes the transport", () => {
  const { kernel, connection } = open();
  connection.close();
  expect(kernel.closed).toBe(true);
});
