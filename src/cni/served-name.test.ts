import { describe, expect, it } from "vitest";
import { servedName } from "./served-name.ts";

const PLUGINS = new Set(["bridge", "host-local", "local", "static"]);

describe("servedName()", () => {
  it.each([
    ["bridge", "bridge"],
    ["cnv-bridge", "bridge"],
    ["buildkit-cni-bridge", "bridge"],
    ["host-local", "host-local"],
    ["buildkit-cni-host-local", "host-local"],
    ["my-local", "local"],
    ["-bridge", "bridge"],
    ["a--static", "static"],
    ["bridge-", undefined],
    ["bridge-2", undefined],
    ["mybridge", undefined],
    ["Bridge", undefined],
    ["toString", undefined],
    ["", undefined],
    ["-", undefined],
  ])("says that %j is %j", (called, name) => {
    expect(servedName(called, (known) => PLUGINS.has(known))).toBe(name);
  });
});
