import { describe, expect, it } from "vitest";
import { parseConfig } from "../cni/config.ts";
import { engine } from "../sys/engine.ts";
import { wantsMacSpoofCheck } from "./extras.ts";

describe("wantsMacSpoofCheck()", () => {
  const wants = (keys: object): boolean => {
    const json = { cniVersion: "1.1.0", name: "net", type: "bridge", ...keys };
    return wantsMacSpoofCheck({ config: parseConfig(engine.encode(JSON.stringify(json)), "DEL") });
  };

  it("looks at nothing else", () => {
    expect(wants({ macspoofchk: true, vlan: 9999, bridge: "/" })).toBe(true);
    expect(wants({})).toBe(false);
  });

  it("refuses a wrong type", () => {
    expect(() => wants({ macspoofchk: "yes" })).toThrow('macspoofchk: "yes" is not true or false');
  });
});
