import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attributeDifferences, hex } from "../../test/support/attribute-tree.ts";
import { ack, answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { readGolden } from "../../test/support/golden.ts";
import { Connection } from "../netlink/connection.ts";
import type { Message, Request } from "../netlink/message.ts";
import { IPS } from "../netlink/netfilter.ts";
import { NFGENMSG_SIZE } from "../netlink/nfnetlink.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { DecodeError } from "../wire/error.ts";
import { parseIp } from "../wire/ip.ts";
import {
  deleteFlow,
  deleteFlows,
  endOf,
  type Flow,
  hasAddress,
  listFlows,
  listFlowsOf,
  listFlowsTo,
  readFlow,
} from "./flow.ts";
import { IPCTNL_MSG_CT } from "./uapi.ts";

const ip = (text: string): Uint8Array => parseIp(text) ?? new Uint8Array(0);
const [A, B, A6, B6] = [ip("10.22.0.5"), ip("192.0.2.7"), ip("fd00::5"), ip("2001:db8::7")];
const CT_NEW = (1 << 8) | IPCTNL_MSG_CT.NEW;

function golden(name: string): { request: Message; reply: Message } {
  const { requests, replies } = readGolden(`conntrack/${name}`);
  const [[request], [reply]] = [requests, replies];
  if (request === undefined || reply === undefined) throw new Error(name);
  return { request, reply };
}

/** What a function asks of a kernel that has nothing to show. */
function asked(ask: (connection: Connection) => unknown): Message {
  const kernel = new FakeKernel(answerWith(0, () => []));
  ask(new Connection(kernel));
  const [message] = kernel.requests;
  if (message === undefined) throw new Error("nothing was sent");
  return message;
}

const sent = (request: Request): Message => asked((connection) => connection.execute(request));
const attributesOf = ({ payload }: Message): Uint8Array => payload.subarray(NFGENMSG_SIZE);
const udp = { number: 17, sourcePort: 5353, destinationPort: 53 };

describe("what conntrack lists", () => {
  const read = (name: string): Flow => readFlow(golden(name).reply);

  it("a UDP flow", () => {
    const { id, ...flow } = read("list-udp");
    expect(flow).toEqual({
      original: { source: A, destination: B, protocol: udp, zone: undefined },
      reply: {
        source: B,
        destination: A,
        protocol: { number: 17, sourcePort: 53, destinationPort: 5353 },
        zone: undefined,
      },
      status: IPS.CONFIRMED,
      timeout: 299,
      mark: 0,
      zone: 0,
    });
    expect(id).toBeTypeOf("number");
  });

  it("one whose source is translated, with a mark", () => {
    const { original, reply, status, mark } = read("list-snat");
    expect([original.source, reply.destination]).toEqual([A, ip("192.0.2.1")]);
    expect([status & IPS.SRC_NAT, status & IPS.DST_NAT, mark]).toEqual([IPS.SRC_NAT, 0, 7]);
  });

  it("IPv6", () => {
    const { original, reply } = read("list-udp6");
    expect([original.source, original.destination, reply.source, reply.destination]).toEqual([A6, B6, B6, A6]);
  });

  it("one of a zone", () => {
    expect(read("list-tcp-zone")).toMatchObject({ zone: 9, original: { protocol: { number: 6, sourcePort: 40000 } } });
  });

  it("ICMP in both families", () => {
    expect(read("list-icmp").original.protocol).toEqual({ number: 1, icmpId: 77, icmpType: 8, icmpCode: 0 });
    expect(read("list-icmp6").original.protocol).toEqual({ number: 58, icmpv6Id: 77, icmpv6Type: 128, icmpv6Code: 0 });
  });

  it("is asked for as conntrack asks, by family", () => {
    const ours = asked((connection) => listFlows(connection, 6));
    const theirs = golden("list-udp6").request;
    expect([ours.type, ours.flags, hex(ours.payload)]).toEqual([theirs.type, theirs.flags, hex(theirs.payload)]);
  });
});

describe("deleteFlow", () => {
  // What else is said of the flow the kernel does not look at; that conntrack has no id lets it hit a later flow.
  const ONLY_THEIRS = /^(2|3|4|7|8|24): ours ,/;
  const ONLY_OURS = /^12: .*, theirs $/;

  it.each(["delete-udp", "delete-udp6", "delete-tcp-zone", "delete-icmp"])("says what conntrack says: %s", (name) => {
    const { request, reply } = golden(name);
    const ours = sent(deleteFlow(readFlow(reply)));
    expect([ours.type, ours.flags, ours.payload[0]]).toEqual([request.type, request.flags, request.payload[0]]);
    const differences = attributeDifferences(attributesOf(ours), attributesOf(request));
    expect(differences.filter((line) => !ONLY_THEIRS.test(line) && !ONLY_OURS.test(line))).toEqual([]);
    expect(differences.some((line) => ONLY_OURS.test(line))).toBe(true);
  });

  it("is named as a person would type it", () => {
    const request = deleteFlow(readFlow(golden("list-udp").reply));
    expect(request.operation()).toBe("conntrack -D -s 10.22.0.5 -d 192.0.2.7 -p udp --sport 5353 --dport 53");
  });

  it("refuses a flow whose family can't be told", () => {
    const flow = readFlow(golden("list-udp").reply);
    expect(() => deleteFlow({ ...flow, original: {} })).toThrow("flow/original/source: missing");
  });
});

describe("a filter", () => {
  const filters = [
    [{ direction: "original", end: "source", address: A }, "--orig-src 10.22.0.5"],
    [{ direction: "original", end: "destination", address: A }, "--orig-dst 10.22.0.5"],
    [{ direction: "reply", end: "source", address: A }, "--reply-src 10.22.0.5"],
    [{ direction: "reply", end: "destination", address: A }, "--reply-dst 10.22.0.5"],
  ] as const;

  it.each(filters)("is the part of a tuple, and a flag for what of it counts: %#", (filter) => {
    const message = sent(deleteFlows(filter));
    const { direction, end, address } = filter;
    const [tuple, side] = [direction === "original" ? 1 : 2, end === "source" ? 1 : 2];
    const partOfTuple = [16, 0, tuple, 0x80, 12, 0, 1, 0x80, 8, 0, side, 0, ...address];
    const flag = [12, 0, 25, 0x80, 8, 0, tuple, 0, side, 0, 0, 0];
    expect(hex(attributesOf(message))).toBe(hex(Uint8Array.of(...partOfTuple, ...flag)));
    expect([message.type, message.payload[0]]).toEqual([0x102, 2]);
  });

  it.each(filters)("selects the same in a deletion and in a list: %#", (filter) => {
    const [deletion, list] = [sent(deleteFlows(filter)), asked((connection) => listFlowsOf(connection, filter))];
    expect(hex(list.payload)).toBe(hex(deletion.payload));
    expect([list.type, list.flags & NLM_F.DUMP]).toEqual([0x101, NLM_F.DUMP]);
  });

  it.each(filters)("is named as conntrack takes it: %#", (filter, text) => {
    const refuse = new FakeKernel((requests) => requests.map((request) => ack(request, 1)));
    expect(deleteFlows(filter).operation()).toBe(`conntrack -D ${text}`);
    expect(() => listFlowsOf(new Connection(refuse), filter)).toThrow(`cannot conntrack -L ${text}: EPERM`);
  });

  it("is never sent for IPv6, where the kernel would select all but what is meant", () => {
    const filter = { direction: "original", end: "source", address: A6 } as const;
    expect(() => deleteFlows(filter)).toThrow(
      "conntrack -D --orig-src fd00::5: the kernel's filters are wrong for IPv6",
    );
    expect(() => asked((connection) => listFlowsOf(connection, filter))).toThrow(RangeError);
  });
});

describe("lists", () => {
  const all = ["list-udp", "list-tcp-zone", "list-snat", "list-icmp"].map((name) => golden(name).reply.payload);
  const kernel = (): Connection => new Connection(new FakeKernel(answerWith(CT_NEW, () => all)));

  it("have every flow of a family", () => {
    expect(listFlows(kernel(), 4).map(({ original }) => original.protocol?.number)).toEqual([17, 6, 17, 1]);
  });

  it("hold a kernel that passes the filter over to it", () => {
    const at = (text: string): number =>
      listFlowsOf(kernel(), { direction: "reply", end: "destination", address: ip(text) }).length;
    expect([at("10.22.0.5"), at("192.0.2.1"), at("10.22.0.6")]).toEqual([3, 1, 0]);
  });

  it("keep what they are told to keep", () => {
    const shown: string[] = [];
    const isWanted = (message: Message): boolean => {
      shown.push(hex(endOf(message, "reply", "destination") ?? new Uint8Array(0)));
      return shown.length === 2;
    };
    expect(listFlows(kernel(), 4, { isWanted }).map(({ zone }) => zone)).toEqual([9]);
    expect(shown).toEqual(["0a160005", "0a160005", "c0000201", "0a160005"]);
  });
});

describe("an end that is looked at without reading the flow", () => {
  const ends = [
    ["original", "source"],
    ["original", "destination"],
    ["reply", "source"],
    ["reply", "destination"],
  ] as const;

  it.each(ends)("is the same as in the flow that has been read: %s %s", (direction, end) => {
    for (const name of ["list-udp", "list-udp6", "list-snat", "list-icmp6"]) {
      const { reply } = golden(name);
      const address = readFlow(reply)[direction][end];
      if (address === undefined) throw new Error(name);
      expect(endOf(reply, direction, end)).toEqual(address);
      expect(hasAddress(reply, { direction, end, address })).toBe(true);
      expect(hasAddress(reply, { direction, end, address: address.map((byte) => byte ^ 1) })).toBe(false);
    }
  });

  it("is missing where the kernel does not tell of it", () => {
    const empty: Message = { ...golden("list-udp").reply, payload: Uint8Array.of(2, 0, 0, 0) };
    expect(endOf(empty, "original", "source")).toBeUndefined();
    expect(hasAddress(empty, { direction: "original", end: "source", address: A })).toBe(false);
  });
});

describe("arbitrary bytes", () => {
  const attribute = fc
    .tuple(fc.nat(26), fc.boolean(), fc.uint8Array({ maxLength: 24 }))
    .map(([type, nested, payload]) => {
      const padding = new Uint8Array(-payload.length & 3);
      return [payload.length + 4, 0, type, nested ? 0x80 : 0, ...payload, ...padding];
    });
  const damaged = fc
    .tuple(fc.constantFrom("list-udp", "list-tcp-zone", "list-icmp6"), fc.nat(), fc.nat(255))
    .map(([name, at, value]) => {
      const payload = golden(name).reply.payload.slice();
      payload[at % payload.length] = value;
      return payload;
    });
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.array(attribute, { maxLength: 6 }).map((parts) => Uint8Array.from([2, 0, 0, 0, ...parts.flat()])),
    damaged,
  );

  it("are read or refused with a DecodeError", () => {
    fc.assert(
      fc.property(payload, (bytes) => {
        const message: Message = { type: CT_NEW, flags: 0, sequence: 0, portId: 0, payload: bytes };
        for (const read of [readFlow, (one: Message) => endOf(one, "reply", "source")]) {
          try {
            read(message);
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("listFlowsTo", () => {
  const ports = new Set([53]);

  it("lets the kernel choose by the protocol", () => {
    const message = asked((connection) => listFlowsTo(connection, { family: 4, protocol: 17, ports }));
    expect(message.payload[0]).toBe(2); // AF_INET
    const sentAttributes = hex(attributesOf(message));
    // CTA_TUPLE_ORIG with CTA_TUPLE_PROTO: CTA_PROTO_NUM 17; CTA_FILTER: CTA_FILTER_ORIG_FLAGS, CTA_FILTER_F_CTA_PROTO_NUM
    expect(sentAttributes).toContain("0c00028005000100110000");
    expect(sentAttributes).toContain("0800010008000000");
  });

  it("keeps those whose first packet was for one of the ports", () => {
    const reply = golden("list-udp").reply;
    const find = (wanted: Parameters<typeof listFlowsTo>[1]): Flow[] => {
      const kernel = new FakeKernel(answerWith(CT_NEW, () => [reply.payload]));
      return listFlowsTo(new Connection(kernel), wanted);
    };
    expect(find({ family: 4, protocol: 17, ports })).toHaveLength(1);
    expect(find({ family: 4, protocol: 17, ports: new Set([5353]) })).toEqual([]);
    expect(find({ family: 4, protocol: 132, ports })).toEqual([]);
  });
});
