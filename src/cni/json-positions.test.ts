import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JsonPositions, pathIn } from "./json-positions.ts";

const TEXT = `{
  "name": "a",
  "plugins": [
    {"type": "bridge", "ipMasq": "yes",
     "ipam": {"ranges": [[{"subnet": "10.0.0.0/8"}],
       [{"x y": 1, "é": {"Sub\\u006eet": [1, [2, 3]]}}]]}}
  ]
}`;

const at = (path: string): string => {
  const { line, column } = new JsonPositions(TEXT).of(path);
  return `${line}:${column}`;
};

describe("JsonPositions.of()", () => {
  it.each([
    ["", "1:1"],
    ["name", "2:11"],
    ["plugins", "3:14"],
    ["plugins[0].type", "4:14"],
    ["plugins[0].ipMasq", "4:34"],
    ["plugins[0].ipam.ranges[0][0].subnet", "5:38"],
    ['plugins[0].ipam.ranges[1][0]["x y"]', "6:17"],
    ['plugins[0].ipam.ranges[1][0]["é"].subnet[1][0]', "6:46"],
  ])("finds %s at %s", (path, place) => {
    expect(at(path)).toBe(place);
  });

  it("finds keys whatever their case, and for what is missing the innermost that is there", () => {
    expect(at("PLUGINS[0].ipmasq")).toBe(at("plugins[0].ipMasq"));
    expect(at("plugins[0].ipam.ranges[0][0].gateway")).toBe("5:27");
    expect(at("plugins[7].type")).toBe(at("plugins"));
    expect(at("nothing")).toBe("1:1");
  });

  it("finds every string of any JSON where it stands", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
        const text = JSON.stringify({ outside: value, last: "here" }, undefined, space);
        const { line, column } = new JsonPositions(text).of("last");
        const rest = [...(text.split("\n")[line - 1] ?? "")].slice(column - 1).join("");
        expect(rest.startsWith('"here"')).toBe(true);
      }),
    );
  });
});

describe("JsonPositions.repeatedKeys", () => {
  it("are those that an object has twice, whatever their case", () => {
    const text = '{"a": 1, "b": {"a": 2, "c": [{"d": 1}, {"d": 2}]},\n "A": 3}';
    expect(new JsonPositions(text).repeatedKeys).toEqual([{ path: "A", position: { line: 2, column: 2 } }]);
    expect(new JsonPositions('{"a": {"b": 1}, "c": {"b": 1}}').repeatedKeys).toEqual([]);
  });
});

describe("pathIn()", () => {
  it.each([
    ["ipMasq: 1 is not true or false", "ipMasq"],
    ["ipam.ranges[0][1].subnet is missing", "ipam.ranges[0][1].subnet"],
    ['plugins[0].capabilities["a b"]: 1 is not true', 'plugins[0].capabilities["a b"]'],
    ["[] is not an object", ""],
  ])("of %j is %j", (message, path) => {
    expect(pathIn(message)).toBe(path);
  });
});
