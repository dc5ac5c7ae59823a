import { describe, expect, it } from "vitest";
import { message } from "../../test/support/fake-kernel.ts";
import { asked, expectSame, replaying, sent } from "../../test/support/rtnetlink-golden.ts";
import { readMessages } from "../netlink/message.ts";
import { DecodeError } from "../wire/error.ts";
import { type Cidr, type Ip, parseCidr, parseIp } from "../wire/ip.ts";
import { addAddress, decodeAddress, deleteAddress, isTentative, listAddresses, replaceAddress } from "./address.ts";
import { IFA_F, RT_SCOPE, RTM } from "./uapi.ts";

const veth0 = { index: 3, name: "veth0" };

function cidr(text: string): Cidr {
  const found = parseCidr(text);
  if (found === undefined) throw new TypeError(`${text} is no prefix`);
  return found;
}

function ip(text: string): Ip {
  return parseIp(text) ?? new Uint8Array(0);
}

describe("addAddress", () => {
  it("says what ip(8) says for a plain IPv4 address", () => {
    expectSame("address-add", sent(addAddress(veth0, cidr("10.1.2.3/24"))));
  });

  it("says what ip(8) says for broadcast, label and scope", () => {
    const more = { broadcast: ip("10.1.2.255"), label: "veth0:1", scope: RT_SCOPE.LINK };
    expectSame("address-add-options", sent(addAddress(veth0, { ...cidr("10.1.2.3/24"), ...more })));
  });

  it("says what ip(8) says for an address that is valid for a while", () => {
    const wanted = { ...cidr("fd00:1::3/64"), flags: IFA_F.NODAD, lifetime: { preferred: 4000, valid: 5000 } };
    const request = sent(addAddress(veth0, wanted));
    expectSame("address-add-6-lifetime", request);
    expect(decodeAddress({ ...request, type: RTM.NEWADDR })).toMatchObject(wanted);
  });

  it("says what ip(8) says for a point-to-point address", () => {
    expectSame("address-add-peer", sent(addAddress(veth0, { ...cidr("10.1.2.3/32"), peer: ip("10.1.2.4") })));
  });

  it("says what ip(8) says for an IPv6 address without duplicate detection", () => {
    expectSame("address-add-6", sent(addAddress(veth0, { ...cidr("fd00:1::3/64"), flags: IFA_F.NODAD })));
  });

  it("says what ip(8) says for flags that need an attribute of their own", () => {
    const flags = IFA_F.NODAD | IFA_F.HOMEADDRESS | IFA_F.NOPREFIXROUTE;
    expectSame("address-add-6-flags", sent(addAddress(veth0, { ...cidr("fd00:1::3/64"), flags })));
  });

  it("names a failed request by its ip(8) command", () => {
    expect(addAddress(veth0, cidr("10.1.2.3/24")).operation()).toBe("address add 10.1.2.3/24 dev veth0");
    expect(addAddress({ index: 9 }, { ...cidr("10.1.2.3/32"), peer: ip("10.1.2.4") }).operation()).toBe(
      "address add 10.1.2.3 peer 10.1.2.4/32 dev if9",
    );
  });
});

describe("replaceAddress and deleteAddress", () => {
  it("say what ip(8) says", () => {
    expectSame("address-replace", sent(replaceAddress(veth0, cidr("10.1.2.3/24"))));
    // ip(8) leaves IFA_ADDRESS out where the command names no peer; the kernel then takes IFA_LOCAL for it.
    expectSame("address-delete", sent(deleteAddress(veth0, cidr("fd00:1::3/64"))));
  });

  it("tell what failed as a person would type it", () => {
    expect(replaceAddress(veth0, cidr("fd00::1/64")).operation()).toBe("address replace fd00::1/64 dev veth0");
    expect(deleteAddress(veth0, cidr("fd00::1/64")).operation()).toBe("address delete fd00::1/64 dev veth0");
  });
});

describe("listAddresses", () => {
  it("asks for those of one link as ip(8) does", () => {
    expectSame(
      "address-show",
      asked((connection) => listAddresses(connection, { device: veth0 })),
    );
  });

  it("asks for one family or for both", () => {
    const families = ([undefined, 4, 6] as const).map((family) => {
      const request = asked((connection) => listAddresses(connection, family === undefined ? {} : { family }));
      return request.payload[0];
    });
    expect(families).toEqual([0, 2, 10]);
  });

  it("reads addresses of both families, and the peer where there is one", () => {
    for (const perDatagram of [1, 4]) {
      const found = listAddresses(replaying("address-show", perDatagram), { device: veth0 });
      expect(found.filter(({ scope }) => scope === RT_SCOPE.UNIVERSE)).toEqual([
        {
          index: 3,
          ...cidr("10.1.2.3/24"),
          peer: undefined,
          broadcast: undefined,
          scope: RT_SCOPE.UNIVERSE,
          flags: IFA_F.PERMANENT,
          label: "veth0",
        },
        {
          index: 3,
          ip: ip("10.1.2.9"),
          prefixLength: 32,
          peer: ip("10.1.2.4"),
          broadcast: undefined,
          scope: RT_SCOPE.UNIVERSE,
          flags: IFA_F.PERMANENT,
          label: "veth0",
        },
        {
          index: 3,
          ...cidr("fd00:1::3/64"),
          peer: undefined,
          broadcast: undefined,
          scope: RT_SCOPE.UNIVERSE,
          flags: IFA_F.PERMANENT | IFA_F.NODAD,
          label: undefined,
        },
      ]);
    }
  });

  it("reports the addresses that still wait for duplicate address detection", () => {
    const found = listAddresses(replaying("address-show"));
    expect(found.filter(isTentative).map(({ scope }) => scope)).toEqual([RT_SCOPE.LINK]);
  });
});

describe("decodeAddress", () => {
  const decode = (payload: Uint8Array): unknown =>
    readMessages(message({ type: RTM.NEWADDR, sequence: 1, payload })).map(decodeAddress);

  it("refuses a message without any address", () => {
    expect(() => decode(Uint8Array.of(2, 24, 0, 0, 3, 0, 0, 0))).toThrow(
      new DecodeError("neither IFA_LOCAL nor IFA_ADDRESS", "address"),
    );
  });

  it("refuses an address that is of no family", () => {
    const payload = Uint8Array.of(2, 24, 0, 0, 3, 0, 0, 0, 7, 0, 1, 0, 10, 1, 2, 0);
    expect(() => decode(payload)).toThrow("address/address: want 4 or 16 bytes, got 3");
  });

  it("refuses a header that is cut off", () => {
    expect(() => decode(Uint8Array.of(2, 24, 0))).toThrow("address: want 8 bytes, got 3");
  });
});
