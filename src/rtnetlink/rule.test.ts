import { describe, expect, it } from "vitest";
import { answerWith, done, FakeKernel } from "../../test/support/fake-kernel.ts";
import { asked, expectSame, replaying, sent } from "../../test/support/rtnetlink-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { errno } from "../sys/errno.ts";
import { type Cidr, parseCidr } from "../wire/ip.ts";
import { addRule, deleteRule, listRules, type NewRule } from "./rule.ts";
import { AF, RT_TABLE, RTM, RTPROT } from "./uapi.ts";

function cidr(text: string): Cidr {
  const found = parseCidr(text);
  if (found === undefined) throw new TypeError(`${text} is no prefix`);
  return found;
}

const single = cidr("10.1.2.3/32");

describe("addRule and deleteRule", () => {
  const cases: readonly [string, string, NewRule][] = [
    ["rule-add", "a rule for one address", { source: single, table: 100 }],
    [
      "rule-add-table",
      "a table past 255, a priority and a protocol",
      { source: cidr("10.1.2.0/24"), table: 1000, priority: 500, protocol: 66 },
    ],
    ["rule-add-6", "an IPv6 rule", { source: cidr("fd00:1::3/128"), table: 100 }],
  ];
  it.each(cases)("says what ip(8) says in %s: %s", (golden, _what, rule) => {
    expectSame(golden, sent(addRule(rule)));
  });

  it("delete what ip(8) deletes", () => {
    expectSame("rule-delete", sent(deleteRule({ source: single, table: 1000, priority: 500, protocol: 66 })));
  });

  it("name a failed request by its ip(8) command", () => {
    expect(addRule({ source: single, table: 1000, priority: 500 }).operation()).toBe(
      "rule add from 10.1.2.3/32 priority 500 lookup 1000",
    );
    expect(deleteRule({ source: cidr("fd00::/64"), table: 7 }).operation()).toBe(
      "-6 rule delete from fd00::/64 lookup 7",
    );
  });
});

describe("listRules", () => {
  it("asks as ip(8) does for one family, but for both", () => {
    expectSame("rule-show", asked(listRules), { family: AF.INET });
    expectSame("rule-show-6", asked(listRules), { family: AF.INET6 });
    expect(asked(listRules).payload[0]).toBe(AF.UNSPEC);
  });

  it("reads tables past 255, protocols and priorities, and tells which rules have other conditions", () => {
    const found = listRules(replaying("rule-show", 2));
    const [first] = found;
    expect(first).toEqual({
      family: 4,
      source: undefined,
      table: RT_TABLE.LOCAL,
      priority: 0,
      protocol: RTPROT.KERNEL,
      isPlain: true,
    });
    const brief = found.map(({ priority, table, isPlain }) => [priority, table, isPlain]);
    expect(brief).toEqual([
      [0, RT_TABLE.LOCAL, true],
      [497, RT_TABLE.MAIN, false], // suppress_prefixlength
      [498, 8, false], // not from
      [499, 7, false], // fwmark
      [500, 1000, true],
      [32766, RT_TABLE.MAIN, true],
      [32767, RT_TABLE.DEFAULT, true],
    ]);
    expect(found.find(({ priority }) => priority === 500)).toMatchObject({ source: single, protocol: 66 });
  });

  it("reads IPv6 rules, and takes one of VRFs for no plain one", () => {
    const found = listRules(replaying("rule-show-6"));
    expect(found.find(({ table }) => table === 100)).toMatchObject({
      family: 6,
      source: cidr("fd00:1::3/128"),
      isPlain: true,
    });
    expect(found.filter(({ isPlain }) => !isPlain)).toHaveLength(1);
  });

  it("passes over rules of other families", () => {
    const ofMulticast = Uint8Array.of(128, 0, 0, 0, 253, 0, 0, 1, 0, 0, 0, 0);
    const kernel = new FakeKernel(answerWith(RTM.NEWRULE, () => [ofMulticast]));
    expect(listRules(new Connection(kernel))).toEqual([]);
  });

  it("throws what the kernel says, naming the command", () => {
    const kernel = new FakeKernel((requests) => requests.map((one) => done(one, errno("EOPNOTSUPP"))));
    expect(() => listRules(new Connection(kernel))).toThrow("cannot rule show: EOPNOTSUPP");
  });
});
