import { describe, expect, it } from "vitest";
import { lineOf, sameRule, wordsOf } from "../../iptables/rule.ts";
import { type Cidr, parseCidr } from "../../wire/ip.ts";
import { acceptRule, jumpRule, masqueradeRule } from "./rules.ts";

const A = { network: "dual", containerId: "c1", ifname: "eth0" };
const cidr = (text: string): Cidr => parseCidr(text) ?? { ip: new Uint8Array(4), prefixLength: 0 };

describe("rules", () => {
  const comment = ["-m", "comment", "--comment", 'name: "dual" id: "c1"'];

  it("accept what stays in the subnet", () => {
    expect(acceptRule(A, cidr("10.22.0.5/16"))).toEqual(["-d", "10.22.0.0/16", ...comment, "-j", "ACCEPT"]);
    expect(acceptRule(A, cidr("fd00::5/64"))).toEqual(["-d", "fd00::/64", ...comment, "-j", "ACCEPT"]);
  });

  it("masquerade the rest but for multicast", () => {
    expect(masqueradeRule(A, 4)).toEqual(["!", "-d", "224.0.0.0/4", ...comment, "-j", "MASQUERADE"]);
    expect(masqueradeRule(A, 6)).toEqual(["!", "-d", "ff00::/8", ...comment, "-j", "MASQUERADE"]);
  });

  it("lead there from the one address", () => {
    expect(jumpRule(A, cidr("fd00::5/64"), "CNI-abc").slice(0, 2)).toEqual(["-s", "fd00::5/128"]);
  });

  it("differ between the families", () => {
    expect(sameRule(masqueradeRule(A, 4), masqueradeRule(A, 4))).toBe(true);
    expect(sameRule(masqueradeRule(A, 4), masqueradeRule(A, 6))).toBe(false);
  });

  it("are read as iptables-save prints them", () => {
    const line = '-A POSTROUTING -s 10.22.0.5/32 -m comment --comment "name: \\"dual\\" id: \\"c1\\"" -j CNI-abc';
    expect(wordsOf(line)).toEqual(["-A", "POSTROUTING", ...jumpRule(A, cidr("10.22.0.5/16"), "CNI-abc")]);
    expect(lineOf(["-A", "POSTROUTING", ...jumpRule(A, cidr("10.22.0.5/16"), "CNI-abc")])).toBe(line);
  });
});
