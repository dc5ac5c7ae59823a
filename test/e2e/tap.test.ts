// The tap plugin as the executable: it executes itself where the tap is to be made under another SELinux context.

import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { ERRAND } from "../../src/cni/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { builtNode, builtPlugin, type TestNode } from "../support/differential.ts";
import { succeed } from "../support/plugin.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations, and what ip(8) prints
type Json = any;

const config = (more: Json = {}): Json => ({ cniVersion: "1.1.0", name: "net1", type: "tap", ...more });
const linksOf = ({ container }: TestNode): Json[] => container.ipJson("link show");

function runErrand({ container }: TestNode, wanted: Json): { status: number | null; stderr: string } {
  const args = [ERRAND, JSON.stringify(wanted)];
  return inNetns(container.fd, () => spawnSync(builtPlugin("tap"), args, { encoding: "utf8" }));
}

describe("tap, the executable", () => {
  it("makes a tap, and removes it", () => {
    const node = builtNode("tap");
    const prevResult = succeed(node.call({ command: "ADD", config: config({ owner: 1 }) }));
    succeed(node.call({ command: "CHECK", config: config({ owner: 1, prevResult }) }));
    succeed(node.call({ command: "DEL", config: config({ owner: 1, prevResult }) }));
    expect(linksOf(node)).toHaveLength(1);
  });

  it("makes the tap that it is told of by the program that has executed it", () => {
    const node = builtNode("tap");
    // ip(8) prints names where there are any.
    const wanted = { name: "eth0", multiQueue: true, vnetHdr: true, owner: 40007, group: 40008 };
    expect(runErrand(node, wanted)).toMatchObject({ status: 0, stderr: "" });
    const [, { linkinfo }] = linksOf(node);
    expect(linkinfo.info_data).toMatchObject({
      type: "tap",
      multi_queue: true,
      vnet_hdr: true,
      user: 40007,
      group: 40008,
    });
    const again = runErrand(node, wanted);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('an interface "eth0" already')]);
  });

  it("says on a node without SELinux what is missing, and leaves nothing", () => {
    const node = builtNode("tap");
    const { json } = node.call({ command: "ADD", config: config({ selinuxContext: "a:b:c:s0" }) });
    expect(json).toMatchObject({ code: 7, msg: expect.stringContaining("selinuxContext: the kernel has no SELinux") });
    expect(linksOf(node)).toHaveLength(1);
  });
});
