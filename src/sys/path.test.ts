import { describe, expect, it } from "vitest";
import { absolutePath } from "./path.ts";

describe("absolutePath()", () => {
  it.each([
    ["/var/run/netns/x", "/var/run/netns/x"],
    ["//var/./run/../run/netns/x/", "/var/run/netns/x"],
    ["/..", "/"],
    ["/", "/"],
    ["x/../y", `${process.cwd()}/y`],
    ["./x", `${process.cwd()}/x`],
  ])("makes of %s what filepath.Abs does: %s", (path, whole) => {
    expect(absolutePath(path)).toBe(whole);
  });
});
