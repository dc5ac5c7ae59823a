// The dummy plugin. Runs in guests only (npm run test:kernels): it takes the kernel's module dummy.

import { expect, it } from "vitest";
import { plugin as dummy } from "../../src/plugins/dummy/plugin.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { ping } from "../support/outside.ts";
import { succeed } from "../support/plugin.ts";
import { linkOf, linksOf } from "../support/uplink.ts";
import { scriptedIpam } from "../support/upper-suite.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations
type Json = any;

const addresses = [{ address: "169.254.169.254/32" }, { address: "fd00:ec2::254/128" }];
const configOf = (more: Json = {}): Json => ({
  ...{ cniVersion: "1.1.0", name: "net1", type: "dummy", ipam: { type: "static", addresses }, ...more },
});

function add(keys: Json = {}): { readonly node: TestNode; readonly config: Json; readonly result: Json } {
  const node = ourNode(dummy);
  node.container.ip("link set lo up");
  const config = configOf(keys);
  const result = succeed(node.call({ command: "ADD", config }));
  return { node, config: { ...config, prevResult: result }, result };
}

it("an attachment is made, answers, is checked and deleted, whatever the node's links are called", () => {
  const node = ourNode(dummy);
  node.node.ip("link add eth0 type bridge");
  node.container.ip("link set lo up");
  const config = configOf({ mtu: 1400, mac: "0A-00-00-00-00-05", dns: { nameservers: ["10.0.0.53"] } });
  const result = succeed(node.call({ command: "ADD", config }));
  expect(result.interfaces).toEqual([{ name: "eth0", mac: "0a:00:00:00:00:05", sandbox: node.container.path }]);
  expect(result.dns).toEqual({ nameservers: ["10.0.0.53"] });
  const link = linkOf(node.container);
  expect(link).toMatchObject({ mtu: 1400, address: "0a:00:00:00:00:05", linkinfo: { info_kind: "dummy" } });
  for (const address of ["169.254.169.254", "fd00:ec2::254"]) ping(node.container, address);
  const after = { ...config, prevResult: result };
  succeed(node.call({ command: "CHECK", config: after }));
  for (let i = 0; i < 2; i++) succeed(node.call({ command: "DEL", config: after }));
  expect([linksOf(node.container), linksOf(node.node)]).toEqual([["lo"], ["lo", "eth0"]]);
});

it("the runtime's address counts before the network's, and CNI_ARGS say nothing", () => {
  const node = ourNode(dummy);
  const keys = { mac: "nonsense", capabilities: { mac: true }, runtimeConfig: { mac: "0a:00:00:00:00:07" } };
  succeed(node.call({ command: "ADD", config: configOf(keys), args: "IgnoreUnknown=1;MAC=0a:00:00:00:00:08" }));
  expect(linkOf(node.container).address).toBe("0a:00:00:00:00:07");
});

it("an interface without IPAM comes up, and CHECK, STATUS and DEL are content (D9)", () => {
  const { node, config } = add({ ipam: undefined });
  expect(linkOf(node.container).flags).toContain("UP");
  for (const command of ["CHECK", "STATUS", "DEL"]) succeed(node.call({ command, config }));
  expect(linksOf(node.container)).toEqual(["lo"]);
});

it("IPAM's name servers count where the configuration has none", () => {
  const dns = { nameservers: ["192.0.2.53"] };
  expect(add({ ipam: { type: "static", addresses, dns } }).result.dns).toEqual(dns);
});

it("a DEL with a broken ipam section removes the interface all the same (W3)", () => {
  const { node, config } = add();
  expect(node.call({ command: "DEL", config: { ...config, ipam: { type: "nonexist" } } }).status).toBe(1);
  expect(linksOf(node.container)).toEqual(["lo"]);
});

it("a failed ADD leaves nothing", () => {
  const node = ourNode(dummy);
  const { path } = scriptedIpam("exit 1");
  for (const keys of [{ ipam: { type: "scripted" } }, { mtu: 1000 }, { mac: "01:00:5e:00:00:01" }, { mtu: 70000 }]) {
    expect(node.call({ command: "ADD", config: configOf(keys), path }).status).toBe(1);
    expect(linksOf(node.container)).toEqual(["lo"]);
  }
});

it("CHECK notices an interface that is down, and an address that is gone", () => {
  const { node, config } = add();
  const failure = (): string => node.call({ command: "CHECK", config }).json.msg;
  node.container.ip("address delete 169.254.169.254/32 dev eth0");
  expect(failure()).toContain("address 169.254.169.254/32 is not on interface eth0");
  node.container.ip("address add 169.254.169.254/32 dev eth0");
  succeed(node.call({ command: "CHECK", config }));
  node.container.ip("link set eth0 down");
  expect(failure()).toMatch(/route to fd00:ec2::254\/128 not found|is down/);
});
