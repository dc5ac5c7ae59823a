import { describe, expect, it } from "vitest";
import { repeatedKey } from "./repeated-key.ts";

describe("repeatedKey()", () => {
  const at = (text: string, path: readonly string[] = ["sysctl"]): string | undefined => {
    let inner = JSON.parse(text);
    for (const key of path) inner = Object.entries<never>(inner).find(([one]) => one.toLowerCase() === key)?.[1];
    return repeatedKey(text, path, Object.keys(inner));
  };

  it.each([
    ['{"sysctl": {"a": "1", "b": "2", "a": "3"}}', "a"],
    ['{"other": [{"a": 1}, 2, "x"], "SysCtl": {"b": "{\\"a\\": 1", "a": "1", "a": "3"}}', "a"],
    ['{"sysctl": {"a\\"b": "1", "a\\"b": "3"}}', 'a"b'],
    ['{"sysctl": {"a": "1", "\\u0061": "3"}}', "a"],
  ])("finds a key that is there twice: %s", (text, key) => {
    expect(at(text)).toBe(key);
  });

  it.each([
    '{"sysctl": {"a": "1", "b": "2"}}',
    '{"sysctl": {"a": "1"}, "args": {"cni": {"sysctl": {"a": "2"}}}}',
    '{"sysctl": {"a": "a", "b": "\\"a\\": "}, "a": {"a": 1}, "list": [{"a": 1, "b": 2}]}',
  ])("finds none elsewhere: %s", (text) => {
    expect(at(text)).toBeUndefined();
  });

  it("goes by the whole path", () => {
    const text = '{"sysctl": {"a": "1"}, "args": {"cni": {"sysctl": {"a": "2", "a": "3"}}}}';
    expect(at(text)).toBeUndefined();
    expect(at(text, ["args", "cni", "sysctl"])).toBe("a");
  });
});
