import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { flag, parseArguments, suggestion, text, UsageError } from "./arguments.ts";

const options = {
  json: flag("as JSON"),
  network: text("NAME", "of this network", (value) => (value.includes(" ") ? "no name" : undefined)),
};
const operands = { name: "COMMAND", least: 0, most: 1 };
const parse = (...args: readonly string[]): unknown => parseArguments(options, args, operands);

describe("parseArguments", () => {
  it("gives every option a value, false or undefined where it is not there", () => {
    expect(parse()).toEqual({ values: { json: false, network: undefined }, operands: [] });
  });

  for (const args of [
    ["--json", "--network", "dual", "list"],
    ["list", "--network=dual", "--json"],
    ["--network", "dual", "--json", "--", "list"],
  ]) {
    it(`reads ${args.join(" ")}`, () => {
      expect(parse(...args)).toEqual({ values: { json: true, network: "dual" }, operands: ["list"] });
    });
  }

  it("takes what looks like an option for a value where one is due, and for an operand behind --", () => {
    expect(parse("--network", "--json")).toEqual({ values: { json: false, network: "--json" }, operands: [] });
    expect(parse("--", "--json")).toEqual({ values: { json: false, network: undefined }, operands: ["--json"] });
  });

  it("keeps what is behind the first = of a value, and takes - for an operand", () => {
    expect(parse("--network=a=b", "-")).toEqual({ values: { json: false, network: "a=b" }, operands: ["-"] });
  });

  const mistakes: readonly (readonly [args: readonly string[], message: string])[] = [
    [["--jsn"], "unknown option --jsn, did you mean --json?"],
    [["--net", "x"], "unknown option --net, did you mean --network?"],
    [["--hlep"], "unknown option --hlep, did you mean --help?"],
    [["--frobnicate=1"], "unknown option --frobnicate"],
    [["-j"], "unknown option -j"],
    [["-json"], "unknown option -json, did you mean --json?"],
    [["--constructor"], "unknown option --constructor"],
    [["--network"], "--network needs a value: --network NAME"],
    [["--network="], "--network needs a value: --network NAME"],
    [["--network", "a b"], '--network "a b" is no name'],
    [["--json=yes"], "--json takes no value"],
    [["--json", "--json"], "--json is given twice"],
    [["--network", "a", "--network", "b"], "--network is given twice"],
    [["one", "two"], 'unexpected argument "two"'],
  ];
  for (const [args, message] of mistakes) {
    it(`refuses ${args.join(" ")}: ${message}`, () => {
      expect(() => parse(...args)).toThrow(new UsageError(message));
    });
  }

  it("refuses operands where none belong, and misses one that must be there", () => {
    expect(() => parseArguments(options, ["x"], undefined)).toThrow(new UsageError('unexpected argument "x"'));
    const one = { name: "PLUGIN", least: 1, most: 1 };
    expect(() => parseArguments(options, [], one)).toThrow(new UsageError("PLUGIN is missing"));
  });

  it("gives back any value and any operands as they were", () => {
    const word = fc.string();
    fc.assert(
      fc.property(
        word.filter((value) => value !== "" && !value.includes(" ")),
        fc.array(word, { maxLength: 1 }),
        (network, rest) => {
          const read = parseArguments(options, [`--network=${network}`, "--", ...rest], operands);
          expect(read).toEqual({ values: { json: false, network }, operands: rest });
        },
      ),
    );
  });
});

describe("suggestion", () => {
  const names = ["list", "monitor", "licenses"];
  const cases: readonly (readonly [string, string])[] = [
    ["lst", ", did you mean list?"],
    ["mon", ", did you mean monitor?"],
    ["licences", ", did you mean licenses?"],
    ["frobnicate", ""],
    ["x", ""],
    ["", ""],
  ];
  for (const [word, expected] of cases) {
    it(`says ${JSON.stringify(expected)} to ${JSON.stringify(word)}`, () => {
      expect(suggestion(word, names)).toBe(expected);
    });
  }
});
