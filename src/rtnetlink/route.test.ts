import { describe, expect, it } from "vitest";
import { ack, answerWith, done, FakeKernel } from "../../test/support/fake-kernel.ts";
import { asked, expectSame, replaying, sent } from "../../test/support/rtnetlink-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { errno } from "../sys/errno.ts";
import { type Cidr, type Ip, parseCidr, parseIp } from "../wire/ip.ts";
import {
  addRoute,
  decodeRoute,
  deleteRoute,
  getRoute,
  listRoutes,
  type NewRoute,
  prependRoute,
  replaceRoute,
} from "./route.ts";
import { RT_SCOPE, RT_TABLE, RTA, RTM, RTM_F, RTN, RTNH_F, RTPROT } from "./uapi.ts";

const device = { index: 3, name: "veth0" };

function cidr(text: string): Cidr {
  const found = parseCidr(text);
  if (found === undefined) throw new TypeError(`${text} is no prefix`);
  return found;
}

function ip(text: string): Ip {
  return parseIp(text) ?? new Uint8Array(0);
}

const anywhere = cidr("0.0.0.0/0");
const gateway = ip("10.1.2.1");

describe("addRoute", () => {
  const cases: readonly [string, string, NewRoute][] = [
    ["route-add-default", "a default route", { dst: anywhere, gateway, device }],
    ["route-add-link", "a route without gateway", { dst: cidr("192.0.2.0/24"), device, source: ip("10.1.2.3") }],
    [
      "route-add-metrics",
      "priority, MTU and maximum segment size",
      { dst: cidr("192.0.2.0/24"), gateway, device, priority: 50, mtu: 1400, advmss: 1360 },
    ],
    [
      "route-add-onlink",
      "a gateway outside of every subnet",
      { dst: anywhere, gateway: ip("169.254.1.1"), device, onlink: true },
    ],
    [
      "route-add-table",
      "a table past 255 and a protocol",
      { dst: anywhere, gateway, table: 1000, protocol: RTPROT.STATIC },
    ],
    [
      "route-add-blackhole",
      "a route to nowhere",
      { dst: cidr("198.51.100.0/24"), type: RTN.BLACKHOLE, scope: RT_SCOPE.UNIVERSE },
    ],
    [
      "route-add-hops",
      "several next hops",
      {
        dst: cidr("192.0.2.0/24"),
        scope: RT_SCOPE.UNIVERSE,
        nextHops: [
          { device, gateway, weight: 1, onlink: false },
          { device, gateway: ip("10.9.9.9"), weight: 3, onlink: true },
        ],
      },
    ],
    ["route-add-6-default", "an IPv6 default route", { dst: cidr("::/0"), gateway: ip("fd00:1::1"), device }],
    ["route-add-6-link", "an IPv6 route without gateway", { dst: cidr("fd00:2::/64"), device, priority: 256 }],
  ];
  it.each(cases)("says what ip(8) says in %s: %s", (golden, _what, route) => {
    expectSame(golden, sent(addRoute(route)));
  });

  it("names a failed request by its ip(8) command", () => {
    const text = (route: NewRoute): string => addRoute(route).operation();
    expect(text({ dst: anywhere, gateway, device })).toBe("route add default via 10.1.2.1 dev veth0");
    expect(text({ dst: cidr("::/0"), device: { index: 7 } })).toBe("route add ::/0 dev if7");
    const all = { dst: cidr("192.0.2.0/24"), source: ip("10.1.2.3"), table: 1000, priority: 5, onlink: true };
    expect(text(all)).toBe("route add 192.0.2.0/24 src 10.1.2.3 table 1000 metric 5 onlink");
  });
});

describe("replaceRoute, prependRoute and deleteRoute", () => {
  it("say what ip(8) says", () => {
    expectSame("route-replace", sent(replaceRoute({ dst: anywhere, gateway })));
    expectSame("route-prepend", sent(prependRoute({ dst: anywhere, gateway: ip("10.1.2.9"), device })));
    expectSame("route-delete", sent(deleteRoute({ dst: anywhere, gateway, device })));
    expectSame("route-delete-6", sent(deleteRoute({ dst: cidr("fd00:2::/64"), device })));
  });

  it("delete exactly the route that was read", () => {
    const [route] = listRoutes(replaying("route-show"), { family: 4 });
    if (route === undefined) throw new Error("no route");
    const request = deleteRoute(route);
    expect(request.operation()).toBe("route delete default via 10.1.2.1 dev if3 table 254 metric 50");
    expect(Array.from(sent(request).payload.subarray(4, 8))).toEqual([
      RT_TABLE.MAIN,
      RTPROT.BOOT,
      RT_SCOPE.UNIVERSE,
      RTN.UNICAST,
    ]);
  });

  it("tell what failed as a person would type it", () => {
    expect(replaceRoute({ dst: anywhere, gateway }).operation()).toBe("route replace default via 10.1.2.1");
    expect(prependRoute({ dst: anywhere, gateway }).operation()).toBe("route prepend default via 10.1.2.1");
    expect(deleteRoute({ dst: anywhere, gateway }).operation()).toBe("route delete default via 10.1.2.1");
  });
});

describe("listRoutes", () => {
  it("asks for the main table as ip(8) does", () => {
    expectSame(
      "route-show",
      asked((connection) => listRoutes(connection, { family: 4 })),
    );
  });

  it("asks for another table, or for the routes through a device, as ip(8) does", () => {
    expectSame(
      "route-show-table",
      asked((connection) => listRoutes(connection, { family: 4, table: 1000 })),
    );
    expectSame(
      "route-show-6",
      asked((connection) => listRoutes(connection, { family: 6, device })),
    );
  });

  it("asks for all tables as ip(8) does", () => {
    expectSame(
      "route-show-all",
      asked((connection) => listRoutes(connection, { family: 4, table: RT_TABLE.UNSPEC, device })),
    );
    const found = listRoutes(replaying("route-show-all"), { family: 4, table: RT_TABLE.UNSPEC, device });
    expect(new Set(found.map(({ table }) => table))).toEqual(new Set([1000, RT_TABLE.MAIN, RT_TABLE.LOCAL]));
  });

  it("reads routes of several next hops, and says the same when they are added again", () => {
    const [four] = listRoutes(replaying("route-show-hops"), { family: 4 }).filter(({ nextHops }) => nextHops);
    expect(four).toMatchObject({
      dst: cidr("192.0.2.0/24"),
      gateway: undefined,
      device: undefined,
      nextHops: [
        { device: { index: 3 }, gateway, weight: 1, onlink: false },
        { device: { index: 3 }, gateway: ip("10.9.9.9"), weight: 3, onlink: true },
      ],
    });
    if (four === undefined) throw new Error("no route");
    expectSame("route-add-hops", sent(addRoute({ ...four, table: undefined })));
    const six = listRoutes(replaying("route-show-6-hops"), { family: 6 }).find(({ nextHops }) => nextHops);
    expect(six?.nextHops?.map((hop) => [hop.gateway, hop.weight])).toEqual([
      [ip("fd00:1::1"), 1],
      [ip("fd00:1::2"), 3],
    ]);
  });

  it("keeps what it does not know of a route, for adding it again", () => {
    const [route] = listRoutes(replaying("route-show-6"), { family: 6, device });
    expect(route?.rest).toEqual([{ type: RTA.PREF, payload: Uint8Array.of(0) }]);
    if (route === undefined) throw new Error("no route");
    const { payload } = sent(addRoute(route));
    expect(decodeRoute({ ...sent(addRoute(route)), payload }).rest).toEqual(route.rest);
  });

  it("reads IPv4 routes with their metrics and flags", () => {
    const plain = {
      table: RT_TABLE.MAIN,
      priority: undefined,
      gateway: undefined,
      source: undefined,
      device: { index: 3 },
      scope: RT_SCOPE.UNIVERSE,
      protocol: RTPROT.BOOT,
      type: RTN.UNICAST,
      mtu: undefined,
      advmss: undefined,
      onlink: false,
      flags: 0,
    };
    expect(listRoutes(replaying("route-show", 2), { family: 4 })).toEqual([
      { ...plain, dst: anywhere, gateway, priority: 50, mtu: 1400, advmss: 1360 },
      {
        ...plain,
        dst: cidr("10.1.2.0/24"),
        source: ip("10.1.2.3"),
        scope: RT_SCOPE.LINK,
        protocol: RTPROT.KERNEL,
      },
      {
        ...plain,
        dst: cidr("192.0.2.0/24"),
        gateway: ip("10.9.9.9"),
        source: ip("10.1.2.3"),
        onlink: true,
        flags: RTNH_F.ONLINK,
      },
    ]);
  });

  it("reads IPv6 routes", () => {
    const found = listRoutes(replaying("route-show-6"), { family: 6, device });
    expect(found.find(({ dst }) => dst.prefixLength === 0)).toMatchObject({
      dst: cidr("::/0"),
      gateway: ip("fd00:1::1"),
      device: { index: 3 },
      priority: 1024,
      table: RT_TABLE.MAIN,
    });
  });

  it("reads tables past 255", () => {
    const found = listRoutes(replaying("route-show-table"), { family: 4, table: 1000 });
    expect(found.map(({ table }) => table)).toEqual([1000]);
  });

  it("passes over routes of another family, which a kernel without IPv6 answers with", () => {
    expect(listRoutes(replaying("route-show"), { family: 6 })).toEqual([]);
  });

  it("finds nothing in a table that never had a route", () => {
    const missing = { message: "ipv4: FIB table does not exist" };
    const kernel = new FakeKernel((requests) => requests.map((one) => done(one, errno("ENOENT"), 0, missing)));
    expect(listRoutes(new Connection(kernel), { family: 4 })).toEqual([]);
  });

  it("throws when the kernel says anything else, naming the family and the table", () => {
    const kernel = new FakeKernel((requests) => requests.map((one) => done(one, errno("EPERM"))));
    const connection = new Connection(kernel);
    expect(() => listRoutes(connection, { family: 4 })).toThrow("cannot route show table 254: EPERM");
    expect(() => listRoutes(connection, { family: 6, table: 7 })).toThrow("cannot -6 route show table 7: EPERM");
  });
});

describe("getRoute", () => {
  it("asks as ip(8) does", () => {
    expectSame(
      "route-get",
      asked((connection) => getRoute(connection, ip("192.0.2.7"))),
    );
  });

  it("does not send the flag that IPv6 refuses under strict checking", () => {
    const request = asked((connection) => getRoute(connection, ip("2001:db8::7")));
    const theirs = asked((connection) => getRoute(connection, ip("192.0.2.7")));
    const flagsOf = (payload: Uint8Array): number =>
      new DataView(payload.buffer, payload.byteOffset).getUint32(8, true);
    expect([flagsOf(request.payload), flagsOf(theirs.payload)]).toEqual([0, RTM_F.LOOKUP_TABLE]);
  });

  it("reads the way that a packet would take", () => {
    expect(getRoute(replaying("route-get"), ip("192.0.2.7"))).toMatchObject({
      dst: cidr("192.0.2.7/32"),
      gateway,
      device: { index: 3 },
      source: ip("10.1.2.3"),
      table: RT_TABLE.MAIN,
      flags: RTM_F.CLONED,
    });
    expect(getRoute(replaying("route-get-6"), ip("2001:db8::7"))).toMatchObject({
      dst: cidr("2001:db8::7/128"),
      gateway: ip("fd00:1::1"),
      device: { index: 3 },
    });
  });

  it("throws when there is no way", () => {
    const kernel = new FakeKernel((requests) => requests.map((one) => ack(one, errno("ENETUNREACH"))));
    expect(() => getRoute(new Connection(kernel), ip("192.0.2.7"))).toThrow(
      "cannot route get 192.0.2.7: ENETUNREACH: Network is unreachable",
    );
  });

  it.each([
    [
      "a next hop that is longer than the attribute",
      [200, 0, 0, 0, 3, 0, 0, 0],
      "route/nextHops: a next hop of 200 bytes",
    ],
    ["a next hop that is shorter than itself", [4, 0, 0, 0, 3, 0, 0, 0], "route/nextHops: a next hop of 4 bytes"],
    ["half a next hop", [8, 0, 0, 0], "route/nextHops: want 8 bytes, got 4"],
  ])("refuses %s", (_, hop, message) => {
    const bad = Uint8Array.of(2, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0, 4 + hop.length, 0, RTA.MULTIPATH, 0, ...hop);
    const kernel = new FakeKernel(answerWith(RTM.NEWROUTE, () => [bad]));
    expect(() => getRoute(new Connection(kernel), ip("192.0.2.7"))).toThrow(message);
  });

  it("refuses an answer that is cut off, naming where", () => {
    const bad = Uint8Array.of(2, 32, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0, 6, 0, 4, 0, 3, 0, 0, 0);
    const kernel = new FakeKernel(answerWith(RTM.NEWROUTE, () => [bad]));
    expect(() => getRoute(new Connection(kernel), ip("192.0.2.7"))).toThrow("route/oif: want 4 bytes, got 2");
  });
});
