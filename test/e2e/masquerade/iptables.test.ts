// ipMasqBackend "iptables" as it is built: attachments that come and go at once, interfaces that share a chain, and
// upstream's plugins beside ours, in either form of iptables.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { IPTABLES_RECORDS } from "../../../src/masquerade/iptables/records.ts";
import { haveAll, haveOnly, type IptablesForm, isolateSbin, natRules } from "../../support/iptables-form.ts";
import { makeNetns, run, type TestNetns } from "../../support/netns.ts";
import { type PluginOutcome, start, succeed } from "../../support/plugin.ts";
import { addressFiles, becomeNode, NODE, PLUGINS, veths } from "./node.ts";
import { addressesOf, DUAL, type Json, networkOf } from "./runtime.ts";
import { seenOneWay, seenOutside } from "./traffic.ts";

const PEERS = process.env["BAUTA_PEER_DIR"];
let outside: TestNetns;

beforeAll(() => {
  if (PEERS === undefined) throw new Error("BAUTA_PEER_DIR is not set: npm test sets it by tools/peer-plugins.sh");
  outside = becomeNode();
  return isolateSbin();
});

/** What differs from call to call. */
interface Which {
  readonly container: TestNetns;
  readonly ifname?: string;
  /** Where the executable is: ours unless it is given. */
  readonly directory?: string;
}

function call(
  command: string,
  config: Json,
  { container, ifname = "eth0", directory = PLUGINS }: Which,
): Promise<PluginOutcome> {
  const attachment = { containerId: container.name, netns: container.path, ifname };
  return start(join(directory, config.type), { command, config, ...attachment });
}

/** All at once; their results. */
async function allSucceed(calls: readonly Promise<PluginOutcome>[]): Promise<Json[]> {
  return (await Promise.all(calls)).map(succeed);
}

const rules = (): string[] => ([4, 6] as const).flatMap((family) => natRules(run, family));
/** Chains and rules that are not there to begin with. */
const left = (): string[] => rules().filter((line) => !/^:[A-Z]+ ACCEPT/.test(line));
const records = (): string[] => (existsSync(IPTABLES_RECORDS) ? readdirSync(IPTABLES_RECORDS) : []);
const sourcesOfJumps = (): string[] =>
  left()
    .flatMap((line) => /^-A POSTROUTING -s (\S+)\/(?:32|128) /.exec(line)?.[1] ?? [])
    .sort();

const network = (type: "bridge" | "ptp", more: object = {}): Json =>
  networkOf(type, DUAL, { ipMasqBackend: "iptables", ...more });

describe.each<IptablesForm>(["nft", "legacy"])("where iptables is %s alone", (form) => {
  beforeEach(() => haveOnly(form));
  afterEach(() => haveAll());

  it("interfaces of one container, which share a chain, come and go at once", async () => {
    // The routes of one interface are in the way of the other's, so neither gets any but to its subnet.
    const ipam = { type: "host-local", ranges: DUAL.map((subnet) => [{ subnet }]) };
    const config = network("bridge", { isGateway: false, ipam });
    const container = makeNetns();
    const add = (ifname: string): Promise<PluginOutcome> => call("ADD", config, { container, ifname });
    const del = (ifname: string): Promise<PluginOutcome> => call("DEL", config, { container, ifname });
    const live = new Map<string, Json>();
    const step = async (come: readonly string[], go: readonly string[]): Promise<void> => {
      const results = await allSucceed([...come.map(add), ...go.map(del)]);
      for (const [i, ifname] of come.entries()) live.set(ifname, results[i]);
      for (const ifname of go) live.delete(ifname);
      expect(sourcesOfJumps()).toEqual([...live.values()].flatMap(addressesOf).sort());
      const checks = [...live].map(([ifname, prevResult]) =>
        call("CHECK", { ...config, prevResult }, { container, ifname }),
      );
      await allSucceed(checks);
      expect(left().filter((line) => line.startsWith(":"))).toHaveLength(live.size === 0 ? 0 : 2);
    };
    for (let round = 0; round < 8; round++) {
      await step(["eth0", "eth1"], []);
      await step(["eth2"], ["eth0", "eth1"]);
      await step(["eth0", "eth1"], ["eth2"]);
      await step([], ["eth0", "eth1"]);
      expect([left(), records()]).toEqual([[], []]);
    }
    container.remove();
    run("ip", "link", "delete", config.bridge);
  });

  it("many containers come and go at once beside upstream's, and are masqueraded", async () => {
    const config = network("ptp");
    const containers = Array.from({ length: 32 }, (_, i): Which => {
      return { container: makeNetns(), directory: i % 4 === 3 ? (PEERS ?? "") : PLUGINS };
    });
    const results = await allSucceed(containers.map((which) => call("ADD", config, which)));
    expect(sourcesOfJumps()).toEqual(results.flatMap(addressesOf).sort());
    expect(records()).toHaveLength(24);
    const withResult = (i: number): Json => ({ ...config, prevResult: results[i] });
    await allSucceed(containers.map((which, i) => call("CHECK", withResult(i), { ...which, directory: PLUGINS })));
    for (const [i, { container }] of containers.entries()) {
      for (const address of addressesOf(results[i]))
        expect(seenOneWay(container, address, outside)).toBe(NODE[address.includes(":") ? 6 : 4]);
    }
    const [first] = containers;
    const [address] = addressesOf(results[0]);
    expect(seenOutside(first?.container ?? outside, address ?? "", outside, "tcp")).toBe(NODE[4]);
    // Either's DEL ends what either's ADD has begun: half of them are the other's.
    await allSucceed(
      containers.map((which, i) =>
        call("DEL", withResult(i), { ...which, directory: i % 8 >= 6 ? (PEERS ?? "") : PLUGINS }),
      ),
    );
    expect([left(), addressFiles(), veths()]).toEqual([[], [], []]);
    // Upstream's DEL knows no records; another DEL of ours does away with them.
    expect(records()).toHaveLength(4);
    await allSucceed(containers.map(({ container }) => call("DEL", config, { container })));
    expect(records()).toEqual([]);
    for (const { container } of containers) container.remove();
  });
});
