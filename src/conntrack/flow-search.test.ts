import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readGolden } from "../../test/support/golden.ts";
import { parseIp } from "../wire/ip.ts";
import { readFlow } from "./flow.ts";
import { mayHaveSource } from "./flow-search.ts";

const ip = (text: string): Uint8Array => parseIp(text) ?? new Uint8Array(0);

/** A datagram of these golden flows, each with its netlink header, and the sources of both their tuples. */
function datagram(...names: readonly string[]): { bytes: Uint8Array; sources: Uint8Array[] } {
  const messages = names.map((name) => {
    const [message] = readGolden(`conntrack/${name}`).replies;
    if (message === undefined) throw new Error(name);
    return message;
  });
  const parts = messages.map(({ type, payload }) => {
    const part = new Uint8Array(16 + ((payload.length + 3) & ~3));
    const view = new DataView(part.buffer);
    view.setUint32(0, 16 + payload.length, true);
    view.setUint16(4, type, true);
    part.set(payload, 16);
    return part;
  });
  const sources = messages.flatMap((message) => {
    const { original, reply } = readFlow(message);
    return [original.source, reply.source].filter((source) => source !== undefined);
  });
  return { bytes: Uint8Array.from(parts.flatMap((part) => [...part])), sources };
}

const IPV4 = ["list-udp", "list-tcp-zone", "list-snat", "list-icmp"];
const IPV6 = ["list-udp6", "list-icmp6"];

describe("mayHaveSource", () => {
  it.each([IPV4, IPV6])("is true of every source, as the first packet was and as the answers are: %s", (...names) => {
    const { bytes, sources } = datagram(...names);
    for (const source of sources) {
      expect(mayHaveSource([source])(bytes)).toBe(true);
      const other = source.map((byte, i) => (i === source.length - 1 ? byte ^ 0x55 : byte));
      expect(mayHaveSource([other])(bytes)).toBe(false);
      expect(mayHaveSource([other, source])(bytes)).toBe(true);
    }
    expect(sources.length).toBe(2 * names.length);
  });

  it("is false of an address whose words are all there, but not as a source", () => {
    // The zone, a status or a time in seconds may look like the end of an address.
    const { bytes } = datagram("list-snat");
    const words = new Set(new Uint32Array(bytes.buffer, 0, bytes.length >> 2));
    const sources = datagram("list-snat").sources.map(String);
    for (const word of words) {
      const address = new Uint8Array(Uint32Array.of(word).buffer);
      expect(mayHaveSource([address])(bytes)).toBe(sources.includes(String(address)));
    }
  });

  it("is true of any datagram with the address's words that is not as the kernel makes it", () => {
    const { bytes, sources } = datagram("list-udp6");
    const [source = ip("::1")] = sources;
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const damaged = bytes.slice();
        damaged[at] = value;
        // Where neither the source itself nor the type of the message is changed.
        fc.pre((at < 32 || at >= 48) && at !== 4 && at !== 5);
        expect(mayHaveSource([source])(damaged)).toBe(true);
      }),
    );
  });

  it("does not guess where words can't be compared, and sees no flow in the end of a list", () => {
    expect(mayHaveSource([ip("10.22.0.5")])(new Uint8Array(9).subarray(1))).toBe(true);
    const done = new Uint8Array(20);
    done[0] = 20;
    done[4] = 3; // NLMSG_DONE
    expect(mayHaveSource([ip("20.0.0.0")])(done)).toBe(false);
  });
});
