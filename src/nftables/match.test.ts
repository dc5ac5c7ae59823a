import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { goldenCommands, ruleLines, sent, withHandle } from "../../test/support/nftables-golden.ts";
import { FAMILIES, ip, RULES } from "../../test/support/nftables-rules.ts";
import type { Message } from "../netlink/message.ts";
import { NFT_BITWISE } from "./expr/bitwise.ts";
import { ifnameKey, thDport } from "./match.ts";
import { addRule, type Rule, readRule } from "./rule.ts";
import { masquerade, snat } from "./statement.ts";
import { NFPROTO, NFT_MSG } from "./uapi.ts";

/**
 * The rule that a message adds; expression.test.ts shows that nothing is lost in reading it. nft says of a set its id,
 * too, if it was made in the same transaction, and the operation of some bitwise expressions, which is the default.
 */
function readNormal(message: Message): Omit<Rule, "handle"> {
  const { handle, ...rule } = readRule(withHandle(message));
  const expressions = rule.expressions.map((e) => {
    if (e.kind === "lookup") return { ...e, setId: undefined };
    return e.kind === "bitwise" ? { ...e, op: e.op ?? NFT_BITWISE.MASK_XOR } : e;
  });
  return { ...rule, expressions };
}

function goldenRules(file: string): Map<string, Omit<Rule, "handle">> {
  const url = new URL(`../../test/golden/nftables/${file}.nft`, import.meta.url);
  const rules = goldenCommands(file, NFT_MSG.NEWRULE).map(readNormal);
  const lines = ruleLines(readFileSync(url, "utf8"));
  return new Map(lines.flatMap((line, i): [string, Omit<Rule, "handle">][] => (rules[i] ? [[line, rules[i]]] : [])));
}

describe.each(Object.keys(RULES))("what the composers write for %s.nft is what nft sends", (file) => {
  const golden = goldenRules(file);
  const family = FAMILIES[file] ?? NFPROTO.UNSPEC;
  it.each(Object.entries(RULES[file] ?? {}))("%s", (text, expressions) => {
    const theirs = golden.get(text);
    if (theirs === undefined) throw new Error(`${file} has no rule ${text}`);
    const [ours] = sent([addRule({ family, table: "t", chain: theirs.chain, expressions })]).map(readNormal);
    expect(ours).toEqual(theirs);
  });
});

describe("composers refuse", () => {
  it("interface names that are empty, too long or none at all", () => {
    expect(ifnameKey("fifteen-chars-x")).toHaveLength(16);
    expect(ifnameKey("ü").slice(0, 3)).toEqual(Uint8Array.of(0xc3, 0xbc, 0));
    for (const name of ["", "sixteen-chars-xx", "a b", "a\0", "üüüüüüüü"]) {
      expect(() => ifnameKey(name), name).toThrow("cannot be matched as an interface name");
    }
  });

  it("ports that are none, and reversed ranges", () => {
    expect(() => thDport(0)).toThrow("0 is not a port");
    expect(() => thDport(65536)).toThrow("65536 is not a port");
    expect(() => masquerade({ ports: { first: 1.5 } })).toThrow("1.5 is not a port");
    expect(() => masquerade({ ports: { first: 90, last: 80 } })).toThrow("the port range 90-80 is reversed");
  });

  it("translation to reversed or mixed addresses", () => {
    const [a, b, c] = [ip("192.0.2.1"), ip("192.0.2.2"), ip("fd00::1")];
    expect(() => snat({ first: b, last: a })).toThrow("comes before it");
    expect(() => snat({ first: a, last: c })).toThrow("not of the first's family");
  });
});
