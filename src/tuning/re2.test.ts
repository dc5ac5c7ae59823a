import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, it } from "vitest";
import { compileExpression } from "./re2.ts";
import { ExpressionError } from "./re2-syntax.ts";

/** What a port of Go's regexp package says: whether the expression is found in the text; undefined where it refuses it. */
function go(expression: string): ((text: string) => boolean) | undefined {
  try {
    const compiled = RE2JS.compile(expression);
    return (text) => compiled.matcher(text).find();
  } catch {
    return undefined;
  }
}

function ours(expression: string): ((text: string) => boolean) | undefined {
  try {
    return compileExpression(expression);
  } catch (error) {
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

const TEXTS = [
  "",
  "net.ipv4.conf.IFNAME.arp_filter",
  "net/ipv4/conf/IFNAME/arp_filter",
  "NET.IPV4",
  "a",
  "aa",
  "aab",
  "a\nb",
  "a b_c-9",
  "(a)*[b]\\",
  "ſK",
  "\t\v ~é",
];

/** By Go's documentation (regexp/syntax), or as operators write them. */
const EXPRESSIONS = [
  ...[
    "^net\\.ipv4\\.conf\\.IFNAME\\.[a-z_]*$",
    "^net.ipv4.conf.(all|default|IFNAME).(rp|arp)_filter$",
    "net",
    "",
    "^$",
  ],
  ...[
    "(?i)net\\.ipv4",
    "(?i:NET)\\.IPV4",
    "(?i)[n-o]et",
    "(?i)[^n]et",
    "(?i)k",
    "(?i)s",
    "(?-i)a",
    "(?is-m)a.b",
    "(?U)a+",
  ],
  ...["a.b", "(?s)a.b", "(?m)^b", "^b", "(?m)a$", "a$", "\\Aa", "a\\z", "\\ba", "b\\b", "\\Ba", "(?m)a\\z"],
  ...[
    "a{2}",
    "a{2,}b",
    "a{1,2}b",
    "a{,2}",
    "a{",
    "{",
    "a{0}b",
    "a{0,1}b",
    "(aa?){3}",
    "(a*)*b",
    "(a|b)+?",
    "(|a)+",
    "a??b",
  ],
  ...[
    "[[:alpha:]]",
    "[[:^alpha:]]",
    "[[:word:]-]",
    "[]a]",
    "[^]a]",
    "[a-]",
    "[-a]",
    "[a\\-z]",
    "[\\d\\s]",
    "[^\\w]",
    "[\\^]",
  ],
  ...[
    "[[:punct:]]",
    "[[:space:]]",
    "[[:cntrl:]]",
    "[[:graph:]]",
    "[[:print:]]",
    "[[:xdigit:]]{3}",
    "[[:blank:]]",
    "[[:ascii:]]",
  ],
  ...[
    "[[:alnum:]]",
    "[[:digit:]]",
    "[[:lower:]]",
    "[[:upper:]]",
    "[[:word:]]{9}",
    "[\\x{1F600}-\\x{1F64F}]",
    "[\\t-\\v]",
  ],
  ...[
    "\\d\\D",
    "\\s\\S",
    "\\w\\W",
    "\\Q(a)*[b]\\\\E",
    "\\Q(a)*",
    "\\Qa\\E*",
    "\\x61",
    "\\x{61}",
    "\\141",
    "\\a|\\f|\\n|\\r|\\t|\\v",
  ],
  ...[
    "\\.",
    "\\_",
    "\\-",
    "(?P<name>a)b",
    "(?<name>a)b",
    "(?:ab)+",
    "a|",
    "|a",
    "(a|)",
    "(a)(b)",
    "é",
    "[é]",
    "[à-ý]",
    "\\0",
  ],
];

const REFUSED = [
  ...[
    "(a",
    "a)",
    "*a",
    "+",
    "a**",
    "a+*",
    "a{2}{3}",
    "a{1001}",
    "a{3,2}",
    "[a",
    "[z-a]",
    "[[:nonsense:]]",
    "(?=a)",
    "(?!a)",
  ],
  ...[
    "(?<=a)",
    "(?<!a)",
    "(?>a)",
    "(?P=name)",
    "(?P<>a)",
    "(?x)a",
    "\\1",
    "\\8",
    "\\k",
    "\\Z",
    "\\x",
    "\\x{110000}",
    "\\x{g}",
    "\\",
  ],
  ...["(?i", "(?P<n", "[a-\\d]", "a|*"],
];

describe("an expression of RE2", () => {
  it.each(EXPRESSIONS)("%s is found where Go finds it", (expression) => {
    const [mine, theirs] = [ours(expression), go(expression)];
    if (mine === undefined || theirs === undefined) throw new Error(`refused: ${mine === undefined}`);
    expect(TEXTS.filter(mine)).toEqual(TEXTS.filter(theirs));
  });

  it.each(REFUSED)("%s is refused, as Go refuses it", (expression) => {
    expect([ours(expression), go(expression)]).toEqual([undefined, undefined]);
  });

  it.each([
    ["\\pL", "a class of Unicode"],
    ["[\\p{Greek}]", "a class of Unicode"],
    ["\\C", "a class of single bytes"],
    ["((a{100}){100})", "too large"],
    ["(".repeat(1000), "too deep"],
  ])("%s is refused here alone, and the reason told", (expression, says) => {
    expect(() => compileExpression(expression)).toThrow(says);
  });

  it("is refused with the place, and without the text", () => {
    expect(() => compileExpression("secret(?=x)")).toThrow(/^character 9: a look-ahead, which RE2 does not have$/);
  });

  const atom = fc.constantFrom(
    "a",
    "b",
    ".",
    "\\w",
    "[ab]",
    "[^a]",
    "^",
    "$",
    "\\b",
    "(?i)",
    "A",
    "\\.",
    "_",
    "",
    "[[:alpha:]]",
  );
  const count = fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,2}", "{2,}", "*?", "{0}");
  const { expression } = fc.letrec<{ expression: string; term: string }>((tie) => ({
    term: fc
      .tuple(
        fc.oneof({ weight: 3, arbitrary: atom }, { weight: 1, arbitrary: tie("expression").map((one) => `(${one})`) }),
        count,
      )
      .map(([one, many]) => one + (one === "" || one === "(?i)" ? "" : many)),
    expression: fc.oneof(
      { depthSize: "small", maxDepth: 4 },
      fc.array(tie("term"), { maxLength: 4 }).map((terms) => terms.join("")),
      fc.tuple(tie("expression"), tie("expression")).map(([one, other]) => `${one}|${other}`),
    ),
  }));
  const anyText = fc
    .array(fc.constantFrom("a", "b", "A", ".", "_", "\n", " "), { maxLength: 8 })
    .map((all) => all.join(""));

  it("is found in any text where Go finds it", () => {
    fc.assert(
      fc.property(expression, anyText, (one, text) => {
        const [mine, theirs] = [ours(one), go(one)];
        expect(mine?.(text)).toBe(theirs?.(text));
      }),
      { numRuns: 3000 },
    );
  });

  it("takes no longer for a text that makes others try out everything", () => {
    const isFound = compileExpression("^(a+)+(a|a)*(a?){50}$");
    const begin = performance.now();
    expect([isFound(`${"a".repeat(511)}b`), isFound("a".repeat(512))]).toEqual([false, true]);
    expect(performance.now() - begin).toBeLessThan(10_000); // tried out, it takes longer than the universe is old
  });
});
