import { describe, expect, it } from "vitest";
import { parseConfig } from "../../cni/config.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { engine } from "../../sys/engine.ts";
import { readTapConfig } from "./config.ts";

function invocation(keys: Readonly<Record<string, unknown>>, args = ""): Invocation {
  const config = parseConfig(engine.encode(JSON.stringify({ cniVersion: "1.1.0", name: "net1", ...keys })), "ADD");
  const rest = { command: "ADD", containerId: "c", netns: "/x", ifname: "eth0", path: "" } as const;
  return { ...rest, args, config, prevResult: undefined, log: () => undefined };
}

const NONE = {
  owner: undefined,
  group: undefined,
  bridge: undefined,
  selinuxContext: undefined,
  mtu: undefined,
  mac: undefined,
};

describe("readTapConfig", () => {
  it("tells an absent owner from 0", () => {
    expect(readTapConfig(invocation({}))).toEqual({ multiQueue: false, vnetHdr: false, ...NONE });
    expect(readTapConfig(invocation({ owner: 0, group: 0 }))).toMatchObject({ owner: 0, group: 0 });
    expect(readTapConfig(invocation({ owner: null }))).toMatchObject({ owner: undefined });
  });

  it.each([
    [{ mac: "02:00:00:00:00:01" }, "", 1],
    [{ mac: "02:00:00:00:00:01" }, "MAC=02:00:00:00:00:02", 2],
    [{ mac: "zz", runtimeConfig: { mac: "02:00:00:00:00:03" } }, "MAC=02:00:00:00:00:02", 3],
  ])("takes the address of %j with CNI_ARGS %j", (keys, args, last) => {
    expect(readTapConfig(invocation(keys, args)).mac?.at(-1)).toBe(last);
  });

  it.each([
    [{ owner: "0" }, 6, /^owner: "0" is not a whole number/],
    [{ owner: 4294967295 }, 7, /^owner: 4294967295 is not a number from 0 to 4294967294/],
    [{ group: -1 }, 7, /^group: -1 is not/],
    [{ mac: "zz" }, 7, /^mac: "zz" is not a MAC address/],
    [{ bridge: "sixteen-letters-" }, 7, /^bridge: /],
    [{ multiQueue: "yes" }, 6, /^multiQueue: "yes" is not true or false/],
  ])("refuses %j with code %i", (keys, code, message) => {
    expect(() => readTapConfig(invocation(keys))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
