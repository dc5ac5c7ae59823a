// What other programs have in nf_tables stays as it is, to the byte; and what nft lists, ours included, it reads back.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { run, type TestNetns } from "../../support/netns.ts";
import { becomeNode, leftovers, NODE, ruleset } from "./node.ts";
import { addressesOf, attach, callNetwork, check, DUAL, del, networkOf, SEVEN, TYPES, tryAdd } from "./runtime.ts";
import { seenOutside } from "./traffic.ts";

const OTHERS = fileURLToPath(new URL("others.nft", import.meta.url));

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNode();
  run("nft", "-f", OTHERS);
  // Not every kernel has them; where it hasn't, no other program can have one.
  spawnSync("nft", ["add flowtable inet mangle f { hook ingress priority 0; }"], { stdio: "ignore" });
});

/** Everything but our tables, with handles: an object that was made anew would have another. */
function others(): string {
  const tables: [string, string][] = run("nft", "list", "tables")
    .trim()
    .split("\n")
    .map((line) => [line.split(" ")[1] ?? "", line.split(" ")[2] ?? ""]);
  const theirs = tables.filter(([, name]) => !name.startsWith("bauta"));
  return theirs.map(([family, name]) => run("nft", "-a", "list", "table", family, name)).join("");
}

describe.each(TYPES)("%s", (type) => {
  it("leaves what others own as it is, whatever is asked of it", () => {
    const before = others();
    expect(before.match(/^table /gm)).toHaveLength(8);
    const config = networkOf(type);
    const [one, two] = [attach(config), attach(config)];
    expect(others()).toBe(before);
    for (const { container, result } of [one, two])
      expect(check(config, container, result)).toMatchObject({ status: 0 });
    expect(tryAdd(config, one.container)).toMatchObject({ status: 1 }); // eth0 is there
    expect(check(config, one.container, one.result)).toMatchObject({ status: 0 });
    expect(others()).toBe(before);
    const valid = [{ containerID: two.container.name, ifname: "eth0" }];
    expect(callNetwork("GC", { ...config, "cni.dev/valid-attachments": valid })).toMatchObject({ status: 0 });
    expect(others()).toBe(before);
    for (const { container, result } of [one, two]) del({ ...config, prevResult: result }, container);
    expect(callNetwork("STATUS", config)).toMatchObject({ status: 0 });
    expect(callNetwork("GC", config)).toMatchObject({ status: 0 });
    expect(others()).toBe(before);
    expect(ruleset()).not.toContain("bauta");
  });

  it("makes rules that nft reads back as it lists them, with containers attached", () => {
    const config = networkOf(type, SEVEN);
    const [one, two] = [attach(config), attach(config)];
    const listed = ruleset();
    writeFileSync("/run/ruleset", listed);
    run("nft", "flush", "ruleset");
    for (const { container, result } of [one, two])
      expect(check(config, container, result)).toMatchObject({ status: 1 });
    run("nft", "-f", "/run/ruleset");
    expect(ruleset()).toBe(listed);
    for (const { container, result } of [one, two])
      expect(check(config, container, result)).toMatchObject({ status: 0 });
    for (const address of addressesOf(one.result)) {
      expect(seenOutside(one.container, address, outside, "tcp")).toBe(NODE[address.includes(":") ? 6 : 4]);
    }
    const late = attach(config);
    expect(check(config, late.container, late.result)).toMatchObject({ status: 0 });
    for (const { container } of [one, two, late]) expect(del(config, container)).toMatchObject({ status: 0 });
    expect(ruleset()).not.toContain("bauta");
  });

  it("works on after everybody's rules have been flushed, and an ADD brings back what it needs", () => {
    const config = networkOf(type, DUAL);
    const saved = ruleset();
    const one = attach(config);
    run("nft", "flush", "ruleset");
    const two = attach(config);
    expect(check(config, two.container, two.result)).toMatchObject({ status: 0 });
    for (const { container } of [one, two]) expect(del(config, container)).toMatchObject({ status: 0 });
    expect(leftovers()).toEqual([]);
    run("nft", saved);
  });
});

describe("bridge and ptp together", () => {
  it("share the tables, and each takes away its own only", () => {
    const [bridge, ptp] = [
      networkOf("bridge", ["10.70.0.0/16", "fd70::/64"]),
      networkOf("ptp", ["10.71.0.0/16", "fd71::/64"]),
    ];
    const before = others();
    const [a, b] = [attach(bridge), attach(ptp)];
    for (const [config, { container, result }] of [
      [bridge, a],
      [ptp, b],
    ] as const) {
      expect(check(config, container, result)).toMatchObject({ status: 0 });
      for (const address of addressesOf(result)) {
        expect(seenOutside(container, address, outside, "udp")).toBe(NODE[address.includes(":") ? 6 : 4]);
      }
    }
    del(bridge, a.container);
    expect(check(ptp, b.container, b.result)).toMatchObject({ status: 0 });
    expect(ruleset()).not.toContain("10.70.0.0");
    del(ptp, b.container);
    expect(others()).toBe(before);
    expect(ruleset()).not.toContain("bauta");
  });
});
