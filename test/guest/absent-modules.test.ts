// Kernels that lack something: a guest's, with one of its modules hidden. Runs in guests only (npm run test:kernels).

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unshareNetns } from "../../src/sys/netns.ts";
import { leftovers } from "../e2e/masquerade/node.ts";
import { add, callNetwork, del, type Json, networkOf, tryAdd } from "../e2e/masquerade/runtime.ts";
import { makeNetns, poll, requireNamespaces, run, type TestNetns } from "../support/netns.ts";

const HIDDEN = ".hidden";

/** The module's file; undefined where the kernel has it built in, or no such module. */
function fileOf(module: string): string | undefined {
  const { stdout } = spawnSync("modinfo", ["-n", module], { encoding: "utf8" });
  const path = stdout.trim();
  return existsSync(path) ? path : undefined;
}

/** The module and those that need it, these first, as far as they are loaded. */
function withUsers(module: string): readonly string[] {
  const lines = readFileSync("/proc/modules", "utf8").trim().split("\n");
  const [, , , users] = lines.map((line) => line.split(" ")).find(([name]) => name === module) ?? [];
  if (users === undefined) return [];
  const others = users.split(",").filter((name) => name !== "" && name !== "-");
  return [...others.flatMap(withUsers), module];
}

/**
 * What is in use by something that is about to end goes a moment later. No other module is unloaded: with veth, whose count of
 * users is always 0, all its links would go.
 */
function unload(module: string): void {
  poll(`${module} to be unloaded`, () => {
    for (const name of withUsers(module)) spawnSync("rmmod", [name], { stdio: "ignore" });
    return withUsers(module).length === 0;
  });
}

let container: TestNetns;
beforeEach(() => {
  requireNamespaces();
  unshareNetns();
  run("ip", "link", "set", "lo", "up");
  container = makeNetns();
});
afterEach(() => container.remove());

/** Does the work without the module. */
function without<T>(module: string, work: () => T): T {
  unload(module);
  const path = fileOf(module) ?? "";
  renameSync(path, path + HIDDEN);
  try {
    return work();
  } finally {
    renameSync(path + HIDDEN, path);
  }
}

const PLAIN = networkOf("ptp");
const GUARDED = networkOf("bridge", undefined, { ipMasq: false, macspoofchk: true });
const UNDER_IPTABLES = networkOf("ptp", undefined, { ipMasqBackend: "iptables" });
const STRICT = networkOf("ptp", undefined, { ipMasqOptions: { dropInvalid: true } });

const REFUSED: readonly (readonly [string, Json, RegExp])[] = [
  ["nf_tables", PLAIN, /this node's kernel has no nf_tables/],
  ["nft_chain_nat", PLAIN, /lacks a part of nf_tables, which may be the module nft_chain_nat/],
  ["nft_masq", PLAIN, /lacks a part of nf_tables, which may be the module .*nft_masq/],
  ["nft_ct", STRICT, /lacks a part of nf_tables, which may be the module .*nft_ct/],
  ["nft_counter", PLAIN, /lacks a part of nf_tables, which may be the module .*nft_counter/],
  ["nft_meta_bridge", GUARDED, /lacks a part of nf_tables, which may be the module nft_meta_bridge/],
  ["bridge", networkOf("bridge"), /type bridge: EOPNOTSUPP: Unknown device type/],
  ["veth", PLAIN, /type veth .*: EOPNOTSUPP: Unknown device type/],
  ["nft_compat", UNDER_IPTABLES, /iptables-restore/],
];

/** What STATUS finds out, too. It takes networks for plain ones, and asks only whether there is an iptables. */
const IN_STATUS = new Set(["nf_tables", "nft_chain_nat", "nft_masq", "nft_counter", "nft_meta_bridge"]);

describe.each(REFUSED.filter(([module]) => fileOf(module) !== undefined))("without %s", (module, config, message) => {
  it("ADD says so soon, and leaves nothing; with it the same network serves", () => {
    const { status, json } = without(module, () => tryAdd(config, container));
    expect([status, json?.msg]).toEqual([1, expect.stringMatching(message)]);
    if (IN_STATUS.has(module)) {
      const answer = without(module, () => callNetwork("STATUS", config));
      expect(answer).toMatchObject({ status: 1, json: { code: 50, msg: expect.stringMatching(message) } });
    }
    expect(without(module, () => del(config, container))).toMatchObject({ status: 0 });
    expect(leftovers()).toEqual([]);
    add(config, container);
    del(config, container);
  });
});

it("containers come and go without nf_conntrack_netlink", () => {
  without("nf_conntrack_netlink", () => {
    add(PLAIN, container);
    expect(del(PLAIN, container)).toMatchObject({ status: 0 });
  });
  expect(leftovers()).toEqual([]);
});

describe.each(["vrf"].filter((module) => fileOf(module) !== undefined))("without %s", (module) => {
  it("STATUS and ADD of the plugin say so, and with it the same network serves", () => {
    const first = networkOf("ptp", undefined, { ipMasq: false });
    const prevResult = add(first, container);
    const config = { cniVersion: "1.1.0", name: first.name, type: module, vrfname: "red" };
    const message = expect.stringContaining(`makes no links of type ${module} (module ${module})`);
    const refused = without(module, () => tryAdd({ ...config, prevResult }, container));
    expect([refused.status, refused.json?.msg]).toEqual([1, message]);
    const answer = without(module, () => callNetwork("STATUS", config));
    expect(answer).toMatchObject({ status: 1, json: { code: 50, msg: message } });
    expect(without(module, () => del(config, container))).toMatchObject({ status: 0 });
    add({ ...config, prevResult }, container);
    expect(container.ipJson(`link show type ${module}`)).toHaveLength(1);
    for (const one of [config, first]) expect(del(one, container)).toMatchObject({ status: 0 });
    expect(container.ipJson("link show")).toHaveLength(1);
  });
});
