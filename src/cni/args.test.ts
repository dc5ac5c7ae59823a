import { describe, expect, it } from "vitest";
import { parseArgs } from "./args.ts";

describe("parseArgs()", () => {
  it("is empty for an empty text", () => {
    expect(parseArgs("", ["MAC"])).toEqual({});
  });

  it("returns the values of the keys that are known", () => {
    const { IP, GATEWAY } = parseArgs("IP=10.0.0.5/24;GATEWAY=10.0.0.1", ["IP", "GATEWAY"]);
    expect([IP, GATEWAY]).toEqual(["10.0.0.5/24", "10.0.0.1"]);
  });

  it("takes the last of a repeated key, and empty values as they are", () => {
    expect(parseArgs("IP=a;IP=b;MAC=", ["IP", "MAC"])).toEqual({ IP: "b", MAC: "" });
  });

  it.each(["1", "true", "True", "TRUE"])("passes over what it does not know when told IgnoreUnknown=%s", (value) => {
    const kubernetes = `IgnoreUnknown=${value};K8S_POD_NAMESPACE=default;K8S_POD_NAME=web;MAC=0a:00:00:00:00:01`;
    expect(parseArgs(kubernetes, ["MAC"])).toEqual({ MAC: "0a:00:00:00:00:01" });
    expect(parseArgs(`K8S_POD_NAME=web;IgnoreUnknown=${value}`, [])).toEqual({});
  });

  it.each(["FOO=1;BAR=2", "FOO=1;BAR=2;IgnoreUnknown=0", "IgnoreUnknown=false;FOO=1;BAR=2"])(
    "names every unknown key of %s",
    (text) => {
      expect(() => parseArgs(text, ["MAC", "IP"])).toThrow(
        expect.objectContaining({
          code: 4,
          message: "CNI_ARGS: this plugin does not know FOO, BAR",
          details: "it knows MAC, IP; IgnoreUnknown=1 makes it pass over others",
        }),
      );
    },
  );

  it("knows keys by their exact case only", () => {
    expect(() => parseArgs("mac=x", ["MAC"])).toThrow("does not know mac");
  });

  it.each(["FOO", "IgnoreUnknown=1;", ";", "IgnoreUnknown=1;A=b=c"])(
    "refuses %j, which is not made of pairs",
    (text) => {
      expect(() => parseArgs(text, [])).toThrow(expect.objectContaining({ code: 4 }));
      expect(() => parseArgs(text, [])).toThrow("is not of the form KEY=value");
    },
  );

  it("refuses an IgnoreUnknown that is no boolean", () => {
    expect(() => parseArgs("IgnoreUnknown=yes", [])).toThrow('IgnoreUnknown is "yes"');
  });
});
