import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encode } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { parseIp } from "../wire/ip.ts";
import { tuple, tupleText } from "./tuple.ts";

const ip = (text: string): Uint8Array => parseIp(text) ?? new Uint8Array(0);

const ends = { source: ip("10.22.0.5"), destination: ip("192.0.2.7") };
const port = fc.nat(0xffff);
const address = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

describe("a tuple", () => {
  it("is read as it was written, whatever of it is given", () => {
    const addresses = fc.oneof(
      fc.record({ source: address(4), destination: address(4) }, { requiredKeys: [] }),
      fc.record({ source: address(16), destination: address(16) }, { requiredKeys: [] }),
    );
    const protocol = fc.record(
      {
        ...{ number: fc.nat(255), sourcePort: port, destinationPort: port },
        ...{ icmpId: port, icmpType: fc.nat(255), icmpCode: fc.nat(255) },
        ...{ icmpv6Id: port, icmpv6Type: fc.nat(255), icmpv6Code: fc.nat(255) },
      },
      { requiredKeys: [] },
    );
    const zone = fc.option(port, { nil: undefined });
    fc.assert(
      fc.property(addresses, fc.option(protocol, { nil: undefined }), zone, (given, proto, number) => {
        const one = { ...given, protocol: proto, zone: number };
        expect(tuple.decode(encode(tuple, one).slice())).toEqual(one);
      }),
    );
  });

  it.each([
    ["source", 4, [8, 0, 1, 0, 1, 2, 3, 4]],
    ["destination", 16, [20, 0, 4, 0, ...new Array<number>(16).fill(7)]],
  ] as const)("refuses a %s of another length than %i", (name, _, good) => {
    const short = [good[0] - 1, ...good.slice(1)];
    const read = (attribute: readonly number[]): unknown =>
      tuple.decode(Uint8Array.of(attribute.length + 4, 0, 1, 0x80, ...attribute));
    expect(read(good)).toHaveProperty(name, Uint8Array.from(good.slice(4)));
    expect(() => read(short)).toThrow(`${name}: ${good.length - 5} bytes are no address`);
    expect(() => read(short)).toThrow(DecodeError);
  });
});

describe("tupleText", () => {
  it.each([
    ["-s 10.22.0.5 -d 192.0.2.7", {}],
    ["-s 10.22.0.5 -d 192.0.2.7 -p udp --sport 5353 --dport 53", { number: 17, sourcePort: 5353, destinationPort: 53 }],
    ["-s 10.22.0.5 -d 192.0.2.7 -p icmp --icmp-id 77", { number: 1, icmpId: 77, icmpType: 8, icmpCode: 0 }],
    ["-s 10.22.0.5 -d 192.0.2.7 -p icmpv6 --icmp-id 77", { number: 58, icmpv6Id: 77 }],
    ["-s 10.22.0.5 -d 192.0.2.7 -p 47", { number: 47 }],
  ] as const)("%s", (text, protocol) => {
    expect(tupleText({ ...ends, protocol })).toBe(text);
  });

  it("says what is given", () => {
    expect(tupleText({ destination: ip("fd00::5") })).toBe("-d fd00::5");
  });
});
