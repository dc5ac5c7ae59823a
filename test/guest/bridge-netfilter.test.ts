// The gateway of a VLAN where bridged frames pass the rules of IP. Runs in guests only (npm run test:kernels): it takes a
// kernel with VLANs and br_netfilter.

import { expect, it } from "vitest";
import { builtNode } from "../support/differential.ts";
import { connectOutside, NODE, OUTSIDE, seenAs } from "../support/outside.ts";

it("the gateway of a VLAN masquerades once bridged frames pass no rules, which ADD asks for", async () => {
  const { node, container, call } = builtNode("bridge");
  await connectOutside(node);
  const ranges = [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00:1::/112" }]];
  const ipam = { type: "host-local", ranges, routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }] };
  const keys = { type: "bridge", vlan: 100, isGateway: true, ipMasq: true, ipam };
  const config = { cniVersion: "1.0.0", name: "net1", ...keys };
  const parameters = ["net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"];
  const set = (value: number): string => node.exec("sysctl", "-qw", ...parameters.map((name) => `${name}=${value}`));

  set(1);
  const told = call({ command: "ADD", config });
  const off = parameters.map((name) => `${name}=0`).join(" and ");
  expect([told.status, told.stderr]).toEqual([0, expect.stringContaining(`by way of cni0.100, `)]);
  expect(told.stderr).toContain(`: set ${off}\n`);
  expect(call({ command: "DEL", config })).toMatchObject({ status: 0 });

  set(0);
  expect(call({ command: "ADD", config })).toMatchObject({ status: 0, stderr: "" });
  for (const family of [4, 6] as const) expect(seenAs(container, "tcp", OUTSIDE[family])).toBe(NODE[family]);
  expect(call({ command: "DEL", config })).toMatchObject({ status: 0 });
});
