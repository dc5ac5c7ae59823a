import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "../wire/error.ts";
import { Writer } from "../wire/writer.ts";
import { decodeClaim, encodeProbe } from "./arp.ts";
import { decodeDatagram, encodeDatagram } from "./datagram.ts";
import { searchDomains } from "./domain-search.ts";
import { dnsOf, mtuOf, problemOf } from "./lease.ts";
import { decodeReply, encodeReply, encodeRequest, type Reply } from "./message.ts";
import { readOptions, writeOptions } from "./options.ts";
import { routesOf } from "./routes.ts";
import { MESSAGE } from "./uapi.ts";

const HEADER = 240;
const mac = Uint8Array.of(2, 0, 0, 0, 0, 7);
const ip = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

const option = fc.tuple(fc.integer({ min: 1, max: 254 }), fc.uint8Array({ maxLength: 600 }));
/** Without those that say what the rest is. */
const options = fc
  .array(option, { maxLength: 6 })
  .map((some) => new Map(some.filter(([code]) => code !== 52 && code !== 53)));
const reply: fc.Arbitrary<Reply> = fc.record({
  type: fc.constantFrom(MESSAGE.OFFER, MESSAGE.ACK, MESSAGE.NAK),
  xid: fc.nat(0xffffffff),
  chaddr: fc.uint8Array({ minLength: 6, maxLength: 6 }),
  yiaddr: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  options,
});

describe("a message", () => {
  it("comes out as it went in, options of any length joined", () => {
    fc.assert(
      fc.property(reply, (given) => {
        const { options: found, ...rest } = decodeReply(encodeReply(given));
        const { options: wanted, ...others } = given;
        expect(rest).toEqual(others);
        expect(new Map([...found].filter(([code]) => code !== 53))).toEqual(wanted);
      }),
    );
  });

  it("of a client is what servers want: 300 bytes, its options in ascending order", () => {
    const request = encodeRequest({
      type: MESSAGE.DISCOVER,
      xid: 0x01020304,
      secs: 3,
      flags: 0x8000,
      ciaddr: ip(0, 0, 0, 0),
      chaddr: mac,
      options: new Map([
        [61, ip(0, 1, 2)],
        [55, ip(3, 1)],
      ]),
    });
    expect(request.length).toBe(300);
    expect(Buffer.from(request.subarray(0, 34)).toString("hex")).toBe(
      "01010600010203040003800000000000000000000000000000000000020000000007",
    );
    expect([...request.subarray(HEADER, HEADER + 13)]).toEqual([53, 1, 1, 55, 2, 3, 1, 61, 3, 0, 1, 2, 255]);
  });

  const offer = encodeReply({ type: MESSAGE.OFFER, xid: 1, chaddr: mac, yiaddr: ip(10, 0, 0, 2), options: new Map() });
  const changed = (at: number, ...bytes: number[]): Uint8Array => {
    const copy = offer.slice();
    copy.set(bytes, at);
    return copy;
  };

  it.each([
    ["a request", changed(0, 1)],
    ["of another kind of link", changed(1, 6)],
    ["with an address of another length", changed(2, 16)],
    ["without the magic cookie", changed(236, 0)],
    ["that is cut off", offer.subarray(0, 239)],
    ["of a type that servers don't send", changed(HEADER + 2, MESSAGE.DISCOVER)],
    ["without a type", changed(HEADER, 255)],
    ["with a type of no byte", changed(HEADER + 1, 0)],
    ["whose last option is longer than it", Uint8Array.of(...offer.subarray(0, HEADER + 3), 3, 200, 1)],
    ["whose last option has no length", Uint8Array.of(...offer.subarray(0, HEADER + 3), 3)],
    ["with an overload of 4", Uint8Array.of(...offer.subarray(0, HEADER + 3), 52, 1, 4, 255)],
  ])("is refused: %s", (_, bytes) => {
    expect(() => decodeReply(bytes)).toThrow(DecodeError);
  });

  it("may have options where others have names (option overload), in the order of RFC 3396", () => {
    const bytes = Uint8Array.of(...offer.subarray(0, HEADER + 3), 52, 1, 3, 15, 1, 97, 255);
    bytes.set([15, 1, 99, 255], 44); // sname
    bytes.set([15, 1, 98, 255], 108); // file
    expect(decodeReply(bytes).options.get(15)).toEqual(Uint8Array.from(Buffer.from("abc")));
  });

  it("may not have options in names without saying so", () => {
    const bytes = changed(108, 15, 1, 98, 255);
    expect(decodeReply(bytes).options.has(15)).toBe(false);
  });
});

describe("a packet", () => {
  const datagram = fc.record({
    source: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    destination: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    payload: fc.uint8Array({ maxLength: 1400 }),
  });

  it("comes out as it went in, with padding behind it or without", () => {
    fc.assert(
      fc.property(datagram, fc.nat(40), (given, padding) => {
        const packet = encodeDatagram(given, true);
        expect(decodeDatagram(Uint8Array.of(...packet, ...new Uint8Array(padding)))).toEqual(given);
      }),
    );
  });

  it("with one bit wrong is refused, but for those that nothing depends on", () => {
    const given = { source: ip(10, 0, 0, 1), destination: ip(255, 255, 255, 255), payload: Uint8Array.of(1, 2, 3, 4) };
    fc.assert(
      fc.property(fc.nat(31), fc.nat(7), (at, bit) => {
        const packet = encodeDatagram(given, true);
        packet[at] = (packet[at] ?? 0) ^ (1 << bit);
        expect(() => decodeDatagram(packet)).toThrow(DecodeError);
      }),
    );
  });

  it("of this node may hold half a checksum only", () => {
    const packet = encodeDatagram({ source: ip(1, 1, 1, 1), destination: ip(2, 2, 2, 2), payload: ip(5) }, true);
    const pseudo = 0x0101 * 2 + 0x0202 * 2 + 17 + 9;
    packet.set([pseudo >> 8, pseudo & 0xff], 26);
    expect(decodeDatagram(packet).payload).toEqual(ip(5));
    packet.set([0, 0], 26); // none at all
    expect(decodeDatagram(packet).payload).toEqual(ip(5));
  });
});

describe("whatever comes", () => {
  it("is a message, or a DecodeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => expectOutcome(bytes)),
      { numRuns: 2000 },
    );
  });

  it("behind a right beginning is a message, or a DecodeError", () => {
    const head = encodeReply({ type: MESSAGE.ACK, xid: 1, chaddr: mac, yiaddr: ip(1, 2, 3, 4), options: new Map() });
    const tail = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(tail, (bytes) => {
        const payload = Uint8Array.of(...head.subarray(0, HEADER + 3), ...bytes);
        expectOutcome(encodeDatagram({ source: ip(1, 1, 1, 1), destination: ip(2, 2, 2, 2), payload }, true));
      }),
      { numRuns: 2000 },
    );
  });

  const corpus = readFileSync(new URL("../../test/golden/dhcp/packets.txt", import.meta.url), "utf8");
  const lines = corpus.split("\n").filter((line) => line !== "" && !line.startsWith("#"));

  it.each(lines.map((line) => line.split(" ")))("in the corpus has its outcome: %s %s", (_, outcome = "", hex = "") => {
    expect(outcomeOf(Uint8Array.from(Buffer.from(hex, "hex")))).toBe(outcome);
  });

  it("stands in the corpus in some number", () => {
    expect(lines.length).toBeGreaterThan(30);
  });
});

/** Decodes, and looks at everything that a daemon looks at. */
function outcomeOf(packet: Uint8Array): string {
  try {
    const found = decodeReply(decodeDatagram(packet).payload);
    routesOf(found);
    dnsOf(found);
    mtuOf(found);
    return problemOf(found) === undefined ? "message" : "nobody's";
  } catch (error) {
    if (error instanceof DecodeError) return "refused";
    throw error;
  }
}

function expectOutcome(packet: Uint8Array): void {
  expect(["message", "nobody's", "refused"]).toContain(outcomeOf(packet));
}

describe("options", () => {
  it("that stand several times are joined", () => {
    const found = new Map<number, Uint8Array>();
    readOptions(Uint8Array.of(121, 2, 1, 2, 0, 3, 0, 121, 1, 3, 255, 121, 1, 4), found);
    expect([...found]).toEqual([
      [121, ip(1, 2, 3)],
      [3, ip()],
    ]);
  });

  it("can't have the numbers of what pads and ends them", () => {
    for (const code of [0, 255, 300]) {
      expect(() => writeOptions(new Map([[code, ip(1)]]), new Writer())).toThrow(RangeError);
    }
  });
});

describe("a search list", () => {
  const list = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

  it("is that of RFC 3397's example, compressed", () => {
    const example = "\x03eng\x05apple\x03com\x00\x09marketing\xc0\x04";
    expect(searchDomains(list(example))).toEqual(["eng.apple.com", "marketing.apple.com"]);
  });

  it.each([
    ["a pointer to itself", "\xc0\x00"],
    ["a pointer forward", "\xc0\x02\x01a\x00"],
    ["pointers in a circle", "\x01a\xc0\x03\xc0\x00"],
    ["a label that is too long for the list", "\x09a"],
    ["the root alone", "\x00"],
    ["what no name has", "\x03a b\x00"],
    ["a name without an end", "\x01a"],
  ])("is none with %s", (_, text) => {
    expect(searchDomains(list(text))).toEqual([]);
  });

  it("has an end, whatever it is", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => Array.isArray(searchDomains(bytes))));
  });
});

describe("an ARP claim", () => {
  it("is an answer, or the question of somebody who has an address, not a probe", () => {
    const probe = encodeProbe(mac, ip(10, 0, 0, 5));
    expect(probe.length).toBe(28);
    expect(decodeClaim(probe)).toBeUndefined();
    const claim = probe.slice();
    claim[7] = 2;
    claim.set([10, 0, 0, 5], 14);
    expect(decodeClaim(claim)).toEqual({ mac, ip: ip(10, 0, 0, 5) });
    expect(decodeClaim(claim.subarray(0, 27))).toBeUndefined();
    expect(decodeClaim(Uint8Array.of(0, 6, ...claim.subarray(2)))).toBeUndefined();
  });
});
