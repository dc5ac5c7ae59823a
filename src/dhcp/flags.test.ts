import { describe, expect, it } from "vitest";
import { parseFlags, UsageError } from "./flags.ts";

const SECOND = 1000;

describe("the daemon's flags", () => {
  it("are those of upstream, with its values", () => {
    expect(parseFlags([])).toEqual({
      pidfile: "",
      hostprefix: "",
      socketpath: "/run/cni/dhcp.sock",
      broadcast: false,
      timeout: 10 * SECOND,
      resendmax: 62 * SECOND,
      resendtimeout: 208 * SECOND,
    });
  });

  it("are read as Go reads flags: one dash or two, a word or behind an equals sign", () => {
    const words = [
      "--socketpath=/run/x",
      "-hostprefix",
      "/host",
      "-broadcast",
      "-timeout",
      "1m30.5s",
      "--resendmax",
      "250ms",
    ];
    expect(parseFlags(words)).toMatchObject({
      socketpath: "/run/x",
      hostprefix: "/host",
      broadcast: true,
      timeout: 90.5 * SECOND,
      resendmax: 250,
    });
    expect(parseFlags(["-broadcast=false"])).toMatchObject({ broadcast: false });
  });

  it.each([
    [["-x"], "-x"],
    [["daemon"], "daemon"],
    [["-timeout"], "needs a value"],
    [["-timeout", "10"], "duration"],
    [["-timeout", "-10s"], "duration"],
    [["-timeout", "0"], '-timeout: "0" is not a duration of 10ms or more'],
    [["-resendmax", "0s"], "-resendmax"],
    [["-resendtimeout=1ms"], "-resendtimeout"],
    [["-hostprefix", "/host", "-socketpath", `/${"s".repeat(102)}`], "is longer than 107 bytes"],
    [["-broadcast=perhaps"], "true or false"],
    [["-pidfile", "x.pid"], "path not absolute"],
    [["-constructor", "x"], "not a flag"],
  ])("that are wrong are named: %j", (words, says) => {
    expect(() => parseFlags(words)).toThrow(UsageError);
    expect(() => parseFlags(words)).toThrow(says);
  });

  it("can be asked for", () => {
    expect(["-h", "-help", "--help"].map((word) => parseFlags([word]))).toEqual([undefined, undefined, undefined]);
  });
});
