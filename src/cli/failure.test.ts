import { describe, expect, it } from "vitest";
import { errno } from "../sys/errno.ts";
import { SyscallError } from "../sys/error.ts";
import { explain } from "./failure.ts";

const same = (stack: string): string => stack;

describe("explain", () => {
  it("tells the error and its causes, a line each", () => {
    const error = new Error("cannot list", { cause: new Error("the list changed", { cause: "a reason" }) });
    expect(explain(error, same)).toEqual(["cannot list", "the list changed", "a reason"]);
  });

  it("tells what was thrown that is no error", () => {
    expect(explain("nonsense", same)).toEqual(["nonsense"]);
  });

  it("tells where a mistake of ours was made, and that it is one", () => {
    const error = new TypeError("undefined is not a function");
    error.stack = "    at list (bundle.js:12:5)\n    at run (bundle.js:20:1)";
    const lines = explain(error, (stack) => stack.replaceAll("bundle.js:12", "src/cli/list.ts:34"));
    expect(lines).toEqual([
      "TypeError: undefined is not a function",
      "    at list (src/cli/list.ts:34:5)",
      "    at run (bundle.js:20:1)",
      "this is a mistake in bauta; please report it with these lines",
    ]);
  });

  const advice: readonly (readonly ["EPERM" | "EACCES" | "EPROTONOSUPPORT" | "EINVAL" | "EIO", string | undefined])[] =
    [
      ["EPERM", "run it as root"],
      ["EACCES", "run it as root"],
      ["EPROTONOSUPPORT", "modprobe nf_tables"],
      ["EINVAL", "modprobe nf_tables"],
      ["EIO", undefined],
    ];
  for (const [code, expected] of advice) {
    it(`${expected === undefined ? "has no advice" : `advises: ${expected}`} for ${code}`, () => {
      const lines = explain(
        new Error("outer", { cause: new SyscallError("socket", errno(code), "open a socket") }),
        same,
      );
      expect(lines.slice(0, 2)).toEqual(["outer", expect.stringContaining(`cannot open a socket: ${code}`)]);
      if (expected === undefined) expect(lines).toHaveLength(2);
      else expect(lines[2]).toContain(expected);
    });
  }
});
