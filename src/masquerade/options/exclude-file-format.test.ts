import { describe, expect, it } from "vitest";
import { parseExcludeFile } from "./exclude-file-format.ts";

const LINK_LOCAL = ["169.254.0.0/16", "fe80::/10"];

describe("parseExcludeFile", () => {
  it.each([
    ["YAML", '---\nnonMasqueradeCIDRs: # here\n  - 10.0.0.0/8\n  -   "fd00::/8"  \n\nresyncInterval: 60s\n'],
    ["YAML without indentation, from Windows", "nonMasqueradeCIDRs:\r\n- 10.0.0.0/8\r\n- 'fd00::/8' # there\r\n"],
    ["a list on one line", "resyncInterval: 60s\nnonMasqueradeCIDRs: [10.0.0.0/8, 'fd00::/8']"],
    ["JSON", '{"nonMasqueradeCIDRs": ["10.0.0.0/8", "fd00::/8"], "resyncInterval": "60s"}'],
  ])("reads %s", (_, text) => {
    expect(parseExcludeFile(text)).toEqual(["10.0.0.0/8", "fd00::/8", ...LINK_LOCAL]);
  });

  it("excludes link-local destinations unless the list says otherwise", () => {
    expect(parseExcludeFile("")).toEqual(LINK_LOCAL);
    expect(parseExcludeFile("masqLinkLocal: true\n")).toEqual(["fe80::/10"]);
    expect(parseExcludeFile('{"masqLinkLocal": true, "masqLinkLocalIPv6": true}')).toEqual([]);
  });

  it.each([
    ["root:$6$secret:19000:0:99999:7:::", 'line 1 is neither "key: value" nor an item of a list'],
    ["a: b\n  secret: c", 'line 2 is neither "key: value" nor an item of a list'],
    ["- secret", "line 1 is neither"],
    ["nonMasqueradeCIDRs: [secret", 'line 1: the list that begins with "[" does not end'],
    ["nonMasqueradeCIDRs: secret", "nonMasqueradeCIDRs is not a list"],
    ["nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- secret", "nonMasqueradeCIDRs[1] is not a CIDR prefix"],
    ['{"nonMasqueradeCIDRs": [7, "secret"]}', "nonMasqueradeCIDRs[0] is not a CIDR prefix"],
    ['{"secret": ', "it is not whole JSON"],
    ["{secret", "it is not whole JSON"],
    [`{"a": ${"[".repeat(100_000)}`, "it is not whole JSON"],
  ])("tells where a text stops being a list, and nothing of what is there: %j", (text, message) => {
    let told = "";
    try {
      parseExcludeFile(text);
    } catch (error) {
      told = String(error);
    }
    expect(told).toContain(message);
    expect(told).not.toContain("secret");
  });

  const LENGTH = 400_000;
  it.each([
    ["spaces", " ".repeat(LENGTH)],
    ["comments that a carriage return ends", `${" #".repeat(LENGTH)}\rx`],
    ["number signs", `a: ${"x#".repeat(LENGTH)}`],
    ["spaces before what no line ends with", `a:${" ".repeat(LENGTH)}x\ry`],
    ["a dash and spaces", `nonMasqueradeCIDRs:\n-${" ".repeat(LENGTH)}x\ry`],
    ["quotation marks", `a: ${'"'.repeat(LENGTH)}\ry`],
    ["letters without a colon", "x".repeat(LENGTH)],
    ["commas", `a: [${",".repeat(LENGTH)}]`],
    ["empty lines", "\n".repeat(LENGTH)],
  ])("takes time in proportion to the length: %s", (_, text) => {
    const time = (part: string): number => {
      const start = performance.now();
      try {
        parseExcludeFile(part);
      } catch {
        // Only the time counts.
      }
      return performance.now() - start;
    };
    time(text);
    // Four times the length took sixteen times as long: minutes for a file of 4 MB.
    expect(time(text)).toBeLessThan(500);
  });
});
