import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { goldenCommands, messageDifferences, ruleLines, sent, withHandle } from "../../test/support/nftables-golden.ts";
import { encode } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { expression, expressions } from "./expression.ts";
import { formatRule } from "./format.ts";
import { addRule, type Rule, readRule } from "./rule.ts";
import { NFT_MSG } from "./uapi.ts";

const FILES = ["rules-ip", "rules-inet", "rules-bridge"];

interface Golden {
  readonly text: string;
  readonly rule: Rule;
  readonly differences: readonly string[];
  readonly printed: string;
}

function golden(file: string): Golden[] {
  const read = (extension: string): string =>
    readFileSync(new URL(`../../test/golden/nftables/${file}.${extension}`, import.meta.url), "utf8");
  const lines = ruleLines(read("nft"));
  const printed = read("txt").split("\n\n").slice(1);
  const messages = goldenCommands(file, NFT_MSG.NEWRULE);
  if (messages.length !== lines.length || printed.length !== lines.length) throw new Error(`${file}: not of one piece`);
  return messages.map((message, i) => {
    const rule = readRule(withHandle(message));
    const [again] = sent([addRule(rule)]);
    if (again === undefined) throw new Error("nothing was sent");
    return {
      text: lines[i] ?? "",
      rule,
      differences: messageDifferences(again, message),
      printed: printed[i]?.trimEnd() ?? "",
    };
  });
}

describe.each(FILES)("the rules that nft sends for %s.nft", (file) => {
  it.each(golden(file).map((one) => [one.text, one] as const))("%s", (text, { rule, differences, printed }) => {
    // Read and written again they say the same. (libnftnl leaves the NUL of names away in objref alone.)
    const isTerminated = (line: string): boolean => /ours ([0-9a-f]*)00, theirs \1$/.test(line);
    expect(differences.filter((line) => !(isTerminated(line) && text.startsWith("counter name")))).toEqual([]);
    // As text they are what nft prints, but for its spaces.
    const known = rule.expressions.filter(({ kind }) => kind !== "unknown");
    const wanted = printed.split("\n").map((line) => line.replaceAll(/ +/g, " ").trimEnd());
    const unknownNames = rule.expressions.flatMap((e) => (e.kind === "unknown" ? [e.name] : []));
    const shown = wanted.filter((line) => !unknownNames.some((name) => line.startsWith(` [ ${name} `)));
    const ours = formatRule({ ...rule, expressions: known }).split("\n");
    expect(ours.map((line) => line.replaceAll(/ +/g, " ").trimEnd())).toEqual(shown);
  });
});

describe("expressions as bytes", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 16 });
  const u32 = fc.nat(0xffffffff);
  const verdict = fc.record({ code: fc.integer({ min: -5, max: 1 }), chain: fc.stringMatching(/^[a-z]{1,8}$/) });
  const data = fc.oneof(bytes, verdict);
  const anyExpression = fc.oneof(
    fc.record({ kind: fc.constant("cmp" as const), sreg: u32, op: u32, data: bytes }),
    fc.record({ kind: fc.constant("immediate" as const), dreg: u32, data }),
    fc.record({ kind: fc.constant("payload" as const), dreg: u32, base: u32, offset: u32, len: u32 }),
    fc.record({
      kind: fc.constant("counter" as const),
      bytes: fc.bigInt(0n, 2n ** 64n - 1n),
      packets: fc.bigInt(0n, 9n),
    }),
    fc.record({ kind: fc.constant("ct" as const), dreg: u32, key: u32, direction: fc.nat(1) }),
    fc.record({ kind: fc.constant("log" as const), group: fc.nat(0xffff), prefix: fc.stringMatching(/^[ -~]{0,20}$/) }),
    fc.record({ kind: fc.constant("unknown" as const), name: fc.stringMatching(/^[A-Z]{1,9}$/), data: bytes }),
  );

  it("are read as they were written", () => {
    fc.assert(
      fc.property(fc.array(anyExpression, { maxLength: 5 }), (value) => {
        const encoded = encode(expressions, value);
        expect(encoded.length % 4).toBe(0);
        expect(expressions.decode(encoded)).toEqual(value);
      }),
    );
  });

  it("are read from arbitrary bytes, or refused with a DecodeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (value) => {
        try {
          expression.decode(value);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  });

  it("are refused with their place when an integer has the wrong length", () => {
    const name = [8, 0, 1, 0, 0x63, 0x6d, 0x70, 0];
    const nest = [10, 0, 2, 0x80, 6, 0, 1, 0, 0, 1, 0, 0];
    expect(() => expression.decode(Uint8Array.of(...name, ...nest))).toThrow("cmp/sreg: want 4 bytes, got 2");
  });
});
