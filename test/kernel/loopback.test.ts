// The loopback plugin, beside upstream's where that has an opinion.

import { beforeEach, describe, expect, it } from "vitest";
import { plugin as loopback } from "../../src/plugins/loopback/plugin.ts";
import { observe, ourNode, peerNode, peerOn, type TestNode } from "../support/differential.ts";
import { type PluginOutcome, succeed } from "../support/plugin.ts";

let node: TestNode;

beforeEach(() => {
  node = ourNode(loopback);
});

const config = { cniVersion: "1.1.0", name: "lo", type: "loopback" };
const call = (command: string, more: Readonly<Record<string, unknown>> = {}): PluginOutcome =>
  node.call({ command, config: { ...config, ...more } });
const isUp = (): boolean => node.container.ipJson("link show lo")[0].flags.includes("UP");

describe("loopback", () => {
  const both = (cniVersion: string): ReturnType<typeof observe>[] =>
    [node, peerNode("loopback")].map((one) => {
      const outcome = one.call({ command: "ADD", config: { ...config, cniVersion }, ifname: "other" });
      succeed(outcome);
      return observe(one, outcome);
    });

  it.each(["1.0.0", "1.1.0"])("makes and returns in version %s what upstream's does", (cniVersion) => {
    const [ours, theirs] = both(cniVersion);
    expect(ours).toEqual(theirs);
  });

  it.each(["0.3.1", "0.4.0"])(
    "returns in version %s what upstream's does, and what the version asks for",
    (cniVersion) => {
      const [ours, theirs] = both(cniVersion);
      expect(ours).toMatchObject(theirs ?? {});
      expect(ours?.result).toMatchObject({ ips: [{ version: "4" }, { version: "6" }], dns: {} });
    },
  );

  it("returns the first address of each family, which before 0.3.0 is all there is room for", () => {
    node.container.ip("address add 127.0.0.5/8 dev lo");
    expect(succeed(call("ADD", { cniVersion: "0.2.0" }))).toEqual({
      cniVersion: "0.2.0",
      ip4: { ip: "127.0.0.5/8" },
      ip6: { ip: "::1/128" },
      dns: {},
    });
  });

  it("returns the prevResult where there is one, like upstream's", () => {
    const prevResult = { cniVersion: "1.1.0", ips: [{ address: "192.0.2.4/24" }], dns: { domain: "example.org" } };
    const ours = succeed(call("ADD", { prevResult }));
    const theirs = succeed(peerOn(node, "loopback")({ command: "ADD", config: { ...config, prevResult } }));
    expect([ours, isUp()]).toEqual([theirs, true]);
  });

  it.each(["10.0.0.5/8", "fd00::5/64"])("refuses a namespace whose loopback has the address %s", (address) => {
    node.container.ip(`address add ${address} dev lo`);
    const { status, json } = call("ADD");
    expect([status, json.code]).toEqual([1, 999]);
    expect(json.msg).toBe(`loopback interface found with non-loopback address "${address.split("/")[0]}"`);
  });

  it("succeeds while another ADD of the same container has brought it up already", () => {
    succeed(call("ADD"));
    expect(succeed(call("ADD")).ips).toHaveLength(2);
  });

  it("CHECK tells whether it is up; DEL takes it down, and is content when nothing is there", () => {
    const prevResult = succeed(call("ADD"));
    succeed(call("CHECK", { prevResult }));
    for (let i = 0; i < 2; i++) succeed(call("DEL", { prevResult }));
    expect(isUp()).toBe(false);
    expect(call("CHECK", { prevResult }).json).toMatchObject({ code: 999, msg: "loopback interface is down" });
    for (const netns of ["", "/nonexistent/netns"]) succeed(node.call({ command: "DEL", config, netns }));
  });

  it("ADD and CHECK tell a namespace that is gone (3) from what isn't one (8)", () => {
    for (const command of ["ADD", "CHECK"]) {
      expect(node.call({ command, config, netns: "/nonexistent/netns" }).json).toMatchObject({ code: 3 });
      expect(node.call({ command, config, netns: "/dev/null" }).json).toMatchObject({ code: 8 });
    }
  });
});
