import { describe, expect, it } from "vitest";
import { FakeNftables } from "../../../test/support/fake-nftables/fake-nftables.ts";
import { addChain } from "../../nftables/chain.ts";
import type { Expression } from "../../nftables/expression.ts";
import { ipDaddrNot, ipSaddr, metaNfproto } from "../../nftables/match.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { addRule } from "../../nftables/rule.ts";
import { accept, counter, masquerade } from "../../nftables/statement.ts";
import { addTable } from "../../nftables/table.ts";
import { nfproto } from "../../nftables/uapi.ts";
import { type Cidr, familyOf, formatCidr, networkOf, parseCidr } from "../../wire/ip.ts";
import { readUpstreamRules, UPSTREAM } from "./rules.ts";

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

/** What upstream's plugin makes for an address. */
function rule(text: string): Expression[] {
  const { ip, prefixLength } = cidr(text);
  const whole = { ip, prefixLength: ip.length * 8 };
  return [
    ...metaNfproto(nfproto(familyOf(ip))),
    ...ipSaddr(whole),
    ...ipDaddrNot(networkOf({ ip, prefixLength })),
    ...masquerade(),
  ];
}

function node(
  ...rules: readonly { readonly expressions: readonly Expression[]; readonly comment?: string }[]
): Nftables {
  const nft = new FakeNftables().open();
  const { family, table, chain } = UPSTREAM;
  nft.commit([
    addTable({ family, name: table }),
    addChain({ family, table, name: chain }),
    ...rules.map((one) => addRule({ ...UPSTREAM, ...one })),
  ]);
  return nft;
}

const read = (nft: Nftables): (string | undefined)[][] =>
  readUpstreamRules(nft).map(({ comment, cidr: own }) => [own && formatCidr(own), comment]);

describe("readUpstreamRules", () => {
  it("finds address, subnet and comment, of many rules that differ in nothing else", () => {
    const texts = ["10.1.0.1/16", "10.1.0.2/16", "10.2.0.1/20", "10.2.16.9/20", "10.2.16.9/23", "10.3.0.1/24"];
    const six = ["fd00:1::1/64", "fd00:1::2/64", "fd00:2::7/52", "fd00:2::8/51"];
    const all = [...texts, ...six];
    const nft = node(...all.map((text, i) => ({ expressions: rule(text), comment: `rule ${i}` })));
    expect(read(nft)).toEqual(all.map((text, i) => [text, `rule ${i}`]));
  });

  it("knows a rule that is not as upstream's plugins make it, and one without a comment", () => {
    const usual = rule("10.1.0.1/16");
    const nft = node(
      { expressions: usual, comment: "whole" },
      { expressions: [...usual.slice(0, -1), ...counter(), ...masquerade()], comment: "counted" },
      { expressions: [...usual.slice(0, -1), ...accept()], comment: "accepted" },
      { expressions: usual },
    );
    expect(read(nft)).toEqual([
      ["10.1.0.1/16", "whole"],
      [undefined, "counted"],
      [undefined, "accepted"],
      ["10.1.0.1/16", ""],
    ]);
  });

  it("finds none where there is no such table", () => {
    expect(read(new FakeNftables().open())).toEqual([]);
  });
});
