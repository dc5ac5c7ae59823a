// Whatever bytes arrive, a decoder returns or throws a DecodeError: real answers with bytes changed, cut and doubled.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readGolden } from "../../test/support/golden.ts";
import type { Message } from "../netlink/message.ts";
import { DecodeError } from "../wire/error.ts";
import { decodeAddress } from "./address.ts";
import { decodeFilter } from "./filter.ts";
import { decodeLink } from "./link.ts";
import { decodeNeighbour } from "./neighbour.ts";
import { decodeQdisc } from "./qdisc.ts";
import { decodeRoute } from "./route.ts";
import { RTM } from "./uapi.ts";

const decoders: readonly (readonly [string, number, (message: Message) => unknown])[] = [
  ["link-show", RTM.NEWLINK, decodeLink],
  ["link-show-bridge", RTM.NEWLINK, decodeLink],
  ["link-show-vlan", RTM.NEWLINK, decodeLink],
  ["address-show", RTM.NEWADDR, decodeAddress],
  ["route-show", RTM.NEWROUTE, decodeRoute],
  ["route-show-6", RTM.NEWROUTE, decodeRoute],
  ["neighbour-show", RTM.NEWNEIGH, decodeNeighbour],
  ["qdisc-show", RTM.NEWQDISC, decodeQdisc],
  ["filter-show", RTM.NEWTFILTER, decodeFilter],
];

/** What may happen to bytes on their way. */
const damage = fc.record({
  changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
  cut: fc.option(fc.nat(), { nil: undefined }),
  more: fc.uint8Array({ maxLength: 12 }),
});

function damaged(bytes: Uint8Array, { changes, cut, more }: typeof damage extends fc.Arbitrary<infer T> ? T : never) {
  const whole = Uint8Array.of(...bytes.subarray(0, cut === undefined ? bytes.length : cut % bytes.length), ...more);
  for (const [at, value] of changes) if (whole.length > 0) whole[at % whole.length] = value;
  return whole;
}

describe.each(decoders)("the decoder of %s", (golden, type, decode) => {
  const messages = readGolden(`rtnetlink/${golden}`).replies.filter((message) => message.type === type);

  it("reads every message of the capture", () => {
    expect(messages.length).toBeGreaterThan(0);
    for (const message of messages) expect(decode(message)).toBeTypeOf("object");
  });

  it("reads damaged messages or refuses them with a DecodeError that names where", () => {
    fc.assert(
      fc.property(fc.constantFrom(...messages), damage, (message, how) => {
        try {
          decode({ ...message, payload: damaged(message.payload, how) });
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
          expect(error).toMatchObject({ path: expect.stringMatching(/^(link|address|route|neighbour|qdisc|filter)/) });
        }
      }),
      { numRuns: 300 },
    );
  });

  it("does not change the bytes that it reads", () => {
    for (const message of messages) {
      const before = message.payload.slice();
      decode(message);
      expect(message.payload).toEqual(before);
    }
  });
});
