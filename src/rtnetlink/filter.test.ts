import { describe, expect, it } from "vitest";
import { ack, FakeKernel } from "../../test/support/fake-kernel.ts";
import { asked, expectSame, replaying, sent } from "../../test/support/rtnetlink-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { type ErrnoName, errno } from "../sys/errno.ts";
import { addFilter, deleteFilters, listFilters } from "./filter.ts";
import { redirectionOf, redirectTo } from "./tc/mirred.ts";
import { ETH_P } from "./uapi.ts";

const veth0 = { index: 3, name: "veth0" };
const IFB = 4;
const EVERYTHING = [{ mask: 0, value: 0, offset: 0 }];
const all = { hook: "ingress", priority: 65535, protocol: ETH_P.ALL } as const;
const TCA_KIND = 1;

describe("addFilter", () => {
  it("redirects everything as tc(8) does it", () => {
    expectSame("filter-add", sent(addFilter(veth0, { ...all, keys: EVERYTHING, actions: [redirectTo(IFB)] })));
  });

  it("lets an IPv4 prefix pass as tc(8) does it", () => {
    const keys = [{ mask: 0xffff0000, value: 0x0a010000, offset: 12 }];
    const place = { hook: "egress", priority: 65533, protocol: ETH_P.IP } as const;
    expectSame("filter-add-prefix", sent(addFilter(veth0, { ...place, keys, actions: [] })));
  });

  it("redirects an IPv6 prefix as tc(8) does it", () => {
    const keys = [
      { mask: 0xffffffff, value: 0xfd000001, offset: 24 },
      { mask: 0xffffffff, value: 0x00020003, offset: 28 },
      { mask: 0xc0000000, value: 0x40000000, offset: 32 },
    ];
    const place = { hook: "ingress", priority: 65534, protocol: ETH_P.IPV6 } as const;
    expectSame("filter-add-prefix-6", sent(addFilter(veth0, { ...place, keys, actions: [redirectTo(IFB)] })));
  });

  it("is named by its tc(8) command where it fails", () => {
    const keys = [{ mask: 0xffff0000, value: 0x0a010000, offset: 12 }];
    expect(addFilter(veth0, { ...all, keys, actions: [redirectTo(IFB)] }).operation()).toBe(
      "filter add dev veth0 ingress protocol all pref 65535 u32 match u32 0x0a010000 0xffff0000 at 12 action mirred egress redirect dev if4",
    );
    expect(addFilter(veth0, { ...all, protocol: 0x1234, keys: [], actions: [] }).operation()).toBe(
      "filter add dev veth0 ingress protocol 0x1234 pref 65535 u32 flowid 1:1",
    );
  });
});

describe("deleteFilters", () => {
  it("takes a whole priority away as tc(8) does it, or the filter of one handle", () => {
    expectSame("filter-delete", sent(deleteFilters(veth0, all)));
    expect(deleteFilters(veth0, all).operation()).toBe("filter delete dev veth0 ingress protocol all pref 65535 u32");
    const one = sent(deleteFilters(veth0, all, 0x80000800));
    expect(Buffer.from(one.payload.subarray(8, 12)).toString("hex")).toBe("00080080");
  });
});

describe("listFilters", () => {
  it("asks as tc(8) does", () => {
    expectSame(
      "filter-show",
      asked((connection) => listFilters(connection, veth0, "ingress")),
      { without: [TCA_KIND] },
    );
  });

  it("reads what they match and where they lead, and what stands for many", () => {
    const found = listFilters(replaying("filter-show"), veth0, "ingress");
    const matching = found.filter(({ keys }) => keys !== undefined);
    expect(matching).toMatchObject([
      { priority: 65533, protocol: ETH_P.IP, handle: 0x80000800, kind: "u32", actions: [] },
      { priority: 65535, protocol: ETH_P.ALL, handle: 0x80100800, kind: "u32", keys: EVERYTHING },
    ]);
    expect(matching[0]?.keys).toEqual([{ mask: 0xffff0000, value: 0x0a010000, offset: 16 }]);
    expect(matching[1]?.actions.map(redirectionOf)).toEqual([IFB]);
    expect(found.length).toBeGreaterThan(matching.length);
  });

  it("is empty where there is no hook or no link, and throws what else the kernel says", () => {
    const list = (code: ErrnoName): unknown =>
      listFilters(
        new Connection(new FakeKernel((requests) => requests.map((request) => ack(request, errno(code))))),
        veth0,
        "ingress",
      );
    for (const code of ["EINVAL", "ENOENT", "ENODEV"] as const) expect(list(code)).toEqual([]);
    expect(() => list("EPERM")).toThrow("cannot filter show dev veth0 ingress: EPERM");
  });
});

describe("redirectionOf", () => {
  it("tells nothing of what is no redirection", () => {
    expect(redirectionOf({ kind: "unknown", name: "gact", data: undefined })).toBeUndefined();
    const { parameters } = redirectTo(4) as { parameters: Record<string, number> };
    expect(redirectionOf({ kind: "mirred", parameters: { ...parameters, eaction: 2 } } as never)).toBeUndefined();
  });
});
