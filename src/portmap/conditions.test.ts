import { describe, expect, it } from "vitest";
import { ruleText } from "../cli/monitor/rule-text.ts";
import { compileConditions, conditionalChainNames } from "./conditions.ts";

const texts = (family: 4 | 6, ...words: readonly string[]): string[] =>
  compileConditions(family, words).map((expressions) => ruleText(expressions));

describe("compileConditions", () => {
  it.each([
    [4, "ip saddr 10.0.0.0/8", "ip saddr 10.0.0.0/8"],
    [4, "ip daddr != 192.0.2.1", "ip daddr != 192.0.2.1"],
    [6, "ip6 saddr != fc00::/7", "ip6 saddr != fc00::/7"],
    [4, 'iifname "eth0"', 'iifname "eth0"'],
    [4, "meta iifname != eth*", 'iifname != "eth*"'],
    [4, "meta mark 0x10", "meta mark 0x00000010"],
    [4, "meta l4proto != sctp", "meta l4proto != sctp"],
    [4, "udp sport 1000-2000", "meta l4proto udp th sport 1000-2000"],
    [4, "th dport != 80", "th dport != 80"],
  ] as const)("IPv%s: %s", (family, words, text) => {
    expect(texts(family, ...words.split(" "))).toEqual([text]);
    expect(texts(family, words)).toEqual([text]);
  });

  it("makes of a list as many ways, and of a negated one a way past all", () => {
    expect(texts(4, "iifname { eth0, eth1 } ip saddr { 10.0.0.1 , 10.0.0.2 }")).toEqual([
      'iifname "eth0" ip saddr 10.0.0.1',
      'iifname "eth0" ip saddr 10.0.0.2',
      'iifname "eth1" ip saddr 10.0.0.1',
      'iifname "eth1" ip saddr 10.0.0.2',
    ]);
    expect(texts(4, "iifname != {eth0,eth1}")).toEqual(['iifname != "eth0" iifname != "eth1"']);
  });

  it.each([
    [4, "oifname eth0", 'conditionsV4: "oifname" is not a condition that is known here'],
    [6, "ip saddr 10.0.0.1", 'conditionsV6: "ip" is not about IPv6'],
    [4, "ip saddr fd00::1", 'conditionsV4: "fd00::1" is not an IPv4 address or prefix'],
    [4, "ip ttl 3", 'conditionsV4: "ttl" is not saddr or daddr'],
    [4, "ip saddr", "conditionsV4: an IPv4 address or prefix is missing at the end"],
    [4, "iifname { eth0", 'conditionsV4: the name of an interface, or "}", is missing at the end'],
    [4, "iifname { }", "conditionsV4: a list is empty"],
    [4, "tcp dport 0", 'conditionsV4: "0" is not a port from 1 to 65535, or a range of them'],
    [4, "tcp dport 9-8", 'conditionsV4: "9-8" is not a port'],
    [4, "iifname interface-with-a-long-name", "is not the name of an interface"],
  ] as const)("refuses for IPv%s: %s", (family, words, message) => {
    expect(() => texts(family, words)).toThrow(message);
  });

  it("refuses lists that make too many combinations", () => {
    const list = `{ ${Array.from({ length: 9 }, (_, i) => `eth${i}`).join(", ")} }`;
    expect(() => texts(4, `iifname ${list} iifname ${list}`)).toThrow("more than 64 combinations");
  });
});

describe("conditionalChainNames", () => {
  it("does not depend on how the words are divided", () => {
    expect(conditionalChainNames(["ip saddr", "10.0.0.1"])).toEqual(conditionalChainNames(["ip", "saddr 10.0.0.1"]));
    expect(conditionalChainNames(["ip saddr 10.0.0.2"])).not.toEqual(conditionalChainNames(["ip saddr 10.0.0.1"]));
  });
});
