import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { goldenReplies, sent } from "../../test/support/nftables-golden.ts";
import { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { DecodeError } from "../wire/error.ts";
import { addElements, type Element, readElements } from "./element.ts";
import { type ElementCursor, eachElement, eachElementOf } from "./element-cursor.ts";
import { NFPROTO, NFT_MSG, NFT_VERDICT } from "./uapi.ts";

const MAP = { family: NFPROTO.IPV4, table: "t", set: "m" };

interface Seen {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
  readonly verdict: number | undefined;
  readonly chain: string | undefined;
  readonly comment: string | undefined;
  readonly counter: object | undefined;
}

const seen = (cursor: ElementCursor): Seen => ({
  key: cursor.key(),
  value: cursor.value(),
  verdict: cursor.verdict(),
  chain: cursor.chain(),
  comment: cursor.comment(),
  counter: cursor.counter(),
});

/** What should be seen of an element. */
function plain({ key, data, comment, expressions }: Element): Seen {
  const counter = expressions?.find((expression) => expression.kind === "counter");
  const verdict = data instanceof Uint8Array ? undefined : data;
  return {
    key,
    value: data instanceof Uint8Array ? data : undefined,
    verdict: verdict?.code,
    chain: verdict?.chain,
    comment,
    counter: counter && { packets: counter.packets ?? 0n, bytes: counter.bytes ?? 0n },
  };
}

function seenIn(messages: readonly Message[]): Seen[] {
  const found: Seen[] = [];
  for (const message of messages) eachElementOf(message, (cursor) => found.push(seen(cursor)));
  return found;
}

describe("a cursor", () => {
  it("sees in every element what readElements reads", () => {
    const element = fc.record(
      {
        key: fc.uint8Array({ minLength: 1, maxLength: 32 }),
        data: fc.oneof(
          fc.uint8Array({ minLength: 1, maxLength: 16 }),
          fc.stringMatching(/^[a-z]{1,40}$/).map((chain) => ({ code: NFT_VERDICT.GOTO, chain })),
          fc.constant({ code: NFT_VERDICT.RETURN }),
        ),
        comment: fc.stringMatching(/^[ -!#-~ü]{1,60}$/),
        intervalOpen: fc.boolean(),
        timeout: fc.bigInt({ min: 0n, max: 1n << 40n }),
        expressions: fc
          .tuple(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.nat())
          .map(([packets, bytes]) => [{ kind: "counter" as const, packets, bytes: BigInt(bytes) }]),
      },
      { requiredKeys: ["key"] },
    );
    fc.assert(
      fc.property(fc.array(element, { minLength: 1, maxLength: 5 }), (elements) => {
        const messages = sent(addElements({ ...MAP, elements }));
        expect(seenIn(messages)).toEqual(messages.flatMap((message) => readElements(message).elements.map(plain)));
      }),
    );
  });

  it.each(["element-list", "element-get"])("reads elements as the kernel reports them: %s", (name) => {
    const messages = goldenReplies(name, NFT_MSG.NEWSETELEM);
    expect(seenIn(messages)).toEqual(messages.flatMap((message) => readElements(message).elements.map(plain)));
    expect(seenIn(messages).length).toBeGreaterThan(0);
  });

  it("sees the counter of none but a counter", () => {
    const limit = { kind: "limit" as const, rate: 1n, unit: 1n, burst: 5, type: 0, flags: 0 };
    const elements = [{ key: Uint8Array.of(1), expressions: [limit] }];
    expect(seenIn(sent(addElements({ ...MAP, elements })))).toMatchObject([{ counter: undefined }]);
  });

  it("reads or refuses arbitrary bytes with a DecodeError", () => {
    const [message] = sent(addElements({ ...MAP, elements: [{ key: Uint8Array.of(1, 2, 3, 4), comment: "abc" }] }));
    const payload = message?.payload ?? new Uint8Array(0);
    fc.assert(
      fc.property(fc.nat(payload.length - 1), fc.nat(255), (at, value) => {
        const damaged = payload.slice();
        damaged[at] = value;
        try {
          eachElementOf({ type: 0, flags: 0, sequence: 0, portId: 0, payload: damaged }, seen);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("eachElement", () => {
  it("goes through all that the kernel lists", () => {
    const replies = goldenReplies("element-list", NFT_MSG.NEWSETELEM);
    const kernel = new FakeKernel(answerWith(replies[0]?.type ?? 0, () => replies.map(({ payload }) => payload)));
    const comments: (string | undefined)[] = [];
    eachElement(new Connection(kernel), MAP, (cursor) => comments.push(cursor.comment()));
    expect(comments.sort()).toEqual(["hello", undefined]);
  });

  it("throws what the kernel says", () => {
    const refuse = new FakeKernel((requests) => requests.map((request) => ack(request, 2)));
    expect(() => eachElement(new Connection(refuse), MAP, () => {})).toThrow("cannot list set ip t m: ENOENT");
  });
});
