import { describe, expect, it } from "vitest";
import { message } from "../../test/support/fake-kernel.ts";
import { asked, expectSame, replaying, sent } from "../../test/support/rtnetlink-golden.ts";
import { readMessages } from "../netlink/message.ts";
import { type Ip, parseIp } from "../wire/ip.ts";
import { parseMac } from "../wire/mac.ts";
import { decodeNeighbour, deleteNeighbour, listNeighbours, replaceNeighbour } from "./neighbour.ts";
import { NTF, NUD, RTM } from "./uapi.ts";

const veth0 = { index: 3, name: "veth0" };
const mac = parseMac("02:00:00:00:00:04");

function ip(text: string): Ip {
  return parseIp(text) ?? new Uint8Array(0);
}

describe("replaceNeighbour", () => {
  it("says what ip(8) says, permanent unless told otherwise", () => {
    expectSame("neighbour-replace", sent(replaceNeighbour(veth0, { ip: ip("10.1.2.4"), mac })));
  });

  it("says what ip(8) says for another state and flags", () => {
    const neighbour = { ip: ip("fd00:1::4"), mac, state: NUD.STALE, flags: NTF.ROUTER };
    expectSame("neighbour-replace-state", sent(replaceNeighbour(veth0, neighbour)));
  });

  it("names a failed request by its ip(8) command", () => {
    expect(replaceNeighbour(veth0, { ip: ip("10.1.2.4"), mac }).operation()).toBe(
      "neighbour replace 10.1.2.4 lladdr 02:00:00:00:00:04 dev veth0",
    );
    expect(replaceNeighbour(veth0, { ip: ip("10.1.2.4") }).operation()).toBe("neighbour replace 10.1.2.4 dev veth0");
  });
});

describe("deleteNeighbour", () => {
  it("says what ip(8) says", () => {
    const request = deleteNeighbour(veth0, ip("10.1.2.4"));
    expectSame("neighbour-delete", sent(request));
    expect(request.operation()).toBe("neighbour delete 10.1.2.4 dev veth0");
  });
});

describe("listNeighbours", () => {
  it("asks as ip(8) does", () => {
    expectSame(
      "neighbour-show",
      asked((connection) => listNeighbours(connection, { family: 4, device: veth0 })),
    );
  });

  it("reads what is known of a link's neighbours", () => {
    const found = listNeighbours(replaying("neighbour-show"), { family: 4, device: veth0 });
    expect(found).toContainEqual({
      device: { index: 3 },
      ip: ip("10.1.2.4"),
      mac,
      state: NUD.PERMANENT,
      flags: 0,
    });
  });

  it("names family and link when it fails", () => {
    const failing = { dump: (request: { operation(): string }) => [request.operation()].map((text) => fail(text)) };
    const fail = (text: string): never => {
      throw new Error(text);
    };
    expect(() => listNeighbours(failing as never, { family: 6, device: veth0 })).toThrow("-6 neighbour show dev veth0");
    expect(() => listNeighbours(failing as never, { family: 4 })).toThrow(/^neighbour show$/);
  });
});

it("decodeNeighbour refuses a message without an address", () => {
  const payload = Uint8Array.of(2, 0, 0, 0, 3, 0, 0, 0, 0x80, 0, 0, 0);
  const messages = readMessages(message({ type: RTM.NEWNEIGH, sequence: 1, payload }));
  expect(() => messages.map(decodeNeighbour)).toThrow("neighbour: NDA_DST is missing");
});
