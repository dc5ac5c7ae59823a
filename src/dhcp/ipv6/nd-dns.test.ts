import fc from "fast-check";
import { expect, it } from "vitest";
import { dnsOfOption, joinDns } from "./nd-dns.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const RDNSS = "19 03 0000 00000258 20010db8000000000000000000000053";
const DNSSL = "1f 04 0000 00000258 076578616d706c65 036f726700 01610262630000 00000000";

it("name servers and search lists of router advertisements are read (RFC 8106)", () => {
  expect(dnsOfOption(hex(RDNSS))).toEqual({ nameservers: ["2001:db8::53"] });
  expect(dnsOfOption(hex(DNSSL))).toEqual({ search: ["example.org", "a.bc"] });
});

it("an option whose time is over, another one, and a broken one tell nothing", () => {
  expect(dnsOfOption(hex(RDNSS.replace("00000258", "00000000")))).toEqual({});
  expect(dnsOfOption(hex("05 01 0000 000005dc"))).toEqual({});
  expect(dnsOfOption(hex("19 03"))).toEqual({});
  expect(dnsOfOption(hex("19 02 0000 00000258 2001"))).toEqual({ nameservers: [] });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void dnsOfOption(bytes)));
});

it("what several tell is told once", () => {
  const [one, other] = [
    { nameservers: ["a", "b"], domain: "x" },
    { nameservers: ["b", "c"], search: ["y"] },
  ];
  expect(joinDns(one, other)).toEqual({ nameservers: ["a", "b", "c"], domain: "x", search: ["y"], options: undefined });
});

it("a router that names ever new servers does not fill the memory", () => {
  let all = {};
  for (let i = 0; i < 1000; i++) all = joinDns(all, { nameservers: [`2001:db8::${i}`] });
  expect(all).toMatchObject({ nameservers: { length: 32 } });
});
