import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { datagram, message } from "../../test/support/fake-kernel.ts";
import { readGolden } from "../../test/support/golden.ts";
import { NLMSG } from "../netlink/uapi.ts";
import { parseIp } from "../wire/ip.ts";
import { readFlow } from "./flow.ts";
import { mayHaveSource } from "./flow-search.ts";

const ip = (text: string): Uint8Array => parseIp(text) ?? new Uint8Array(0);

interface Flows {
  /** The flows in one datagram, as the kernel sends them. */
  readonly bytes: Uint8Array;
  /** The sources of both tuples of each flow, in their order. */
  readonly sources: readonly Uint8Array[];
}

/** These flows of test/golden. */
function flowsOf(...names: readonly string[]): Flows {
  const messages = names.map((name) => {
    const [reply] = readGolden(`conntrack/${name}`).replies;
    if (reply === undefined) throw new Error(`${name} has no reply`);
    return reply;
  });
  const sources = messages.flatMap((reply) => {
    const { original, reply: answer } = readFlow(reply);
    return [original.source, answer.source].filter((source) => source !== undefined);
  });
  return { bytes: datagram(...messages.map(message)), sources };
}

const IPV4 = ["list-udp", "list-tcp-zone", "list-snat", "list-icmp"];
const IPV6 = ["list-udp6", "list-icmp6"];

describe("mayHaveSource", () => {
  it.each([IPV4, IPV6])("finds the source of the first packet and that of the answers: %s", (...names) => {
    const { bytes, sources } = flowsOf(...names);
    for (const source of sources) {
      expect(mayHaveSource([source])(bytes)).toBe(true);
      const other = source.map((byte, i) => (i === source.length - 1 ? byte ^ 0x55 : byte));
      expect(mayHaveSource([other])(bytes)).toBe(false);
      expect(mayHaveSource([other, source])(bytes)).toBe(true);
    }
    expect(sources.length).toBe(2 * names.length);
  });

  it("does not find an address whose words are in the datagram, but not as a source", () => {
    // The zone, a status or a time in seconds may look like the end of an address.
    const { bytes, sources } = flowsOf("list-snat");
    const words = new Set(new Uint32Array(bytes.slice().buffer));
    for (const word of words) {
      const address = new Uint8Array(Uint32Array.of(word).buffer);
      expect(mayHaveSource([address])(bytes)).toBe(sources.map(String).includes(String(address)));
    }
  });

  it("is true of a datagram that has the words of the address and that the kernel would not make", () => {
    const { bytes, sources } = flowsOf("list-udp6");
    const [source = ip("::1")] = sources;
    const at = Buffer.from(bytes).indexOf(source);
    const isSource = (i: number): boolean => i >= at && i < at + source.length;
    const isMessageType = (i: number): boolean => i === 4 || i === 5; // struct nlmsghdr
    expect(at).toBeGreaterThan(0);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (i, value) => {
        fc.pre(!isSource(i) && !isMessageType(i));
        const damaged = bytes.slice();
        damaged[i] = value;
        expect(mayHaveSource([source])(damaged)).toBe(true);
      }),
    );
  });

  it("is true of a datagram whose words are not aligned", () => {
    expect(mayHaveSource([ip("10.22.0.5")])(new Uint8Array(9).subarray(1))).toBe(true);
  });

  it("finds no flow in the end of a list", () => {
    const done = message({ type: NLMSG.DONE, sequence: 1, payload: new Uint8Array(4) });
    const [length] = done; // its first word, and an address that has this word
    expect(mayHaveSource([Uint8Array.of(length ?? 0, 0, 0, 0)])(done)).toBe(false);
  });
});
