// A node at work: containers come, are checked and go all the time, stale ones are collected in between, and other programs
// commit nf_tables transactions without a pause, as kube-proxy does at its worst.
//
//   BAUTA_SOAK_ROUNDS  how many containers come and go on each of the 64 attachments that there are at once (16: 1,024)

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type Background, startBeside } from "../../support/background.ts";
import type { TestNetns } from "../../support/netns.ts";
import { start, succeed } from "../../support/plugin.ts";
import { addressFiles, becomeNode, leftovers, mapElements, PLUGINS, veths } from "./node.ts";
import { addressesOf, containerFor, type Json, networkOf, startCall } from "./runtime.ts";

const ROUNDS = Number(process.env["BAUTA_SOAK_ROUNDS"] ?? 3);
const AT_ONCE = 64;

beforeAll(() => {
  becomeNode();
});

/** Commits without a pause until the test ends: some 5,000 transactions a second, of a table that comes and goes. */
function commitInLine(): Background {
  return startBeside("sh", ["-c", "yes 'add table inet line; delete table inet line' | nft -i >/dev/null"]);
}

/** Commits as kube-proxy does, a file at a time: a table of its own with chains, rules and a map. */
function commitFiles(): Background {
  const file = "/run/proxy.nft";
  const lines = [
    "add table ip proxy",
    "delete table ip proxy",
    "add table ip proxy",
    "add map ip proxy services { type ipv4_addr . inet_proto . inet_service : verdict; }",
    "add chain ip proxy nat { type nat hook prerouting priority -100; }",
    "add rule ip proxy nat ip daddr . meta l4proto . th dport vmap @services",
  ];
  for (let n = 1; n <= 100; n++) {
    lines.push(`add chain ip proxy service-${n}`, `add rule ip proxy service-${n} counter accept`);
    lines.push(`add element ip proxy services { 203.0.113.${n} . tcp . 80 : goto service-${n} }`);
  }
  writeFileSync(file, `${lines.join("\n")}\n`);
  return startBeside("sh", ["-c", `while nft -f ${file}; do echo; done`]);
}

/** The attachments on one network as a runtime knows them, and what each call must leave true. */
class Runtime {
  readonly config: Json;
  readonly #inUse = new Map<string, string>();
  /** Those that GC must leave alone: also one that is added while it runs. */
  readonly #valid: readonly string[];

  constructor(config: Json, valid: readonly string[]) {
    this.config = config;
    this.#valid = valid;
  }

  /** Attaches, checks and detaches the container under a name of its own. */
  async lifecycle(container: TestNetns, containerId: string): Promise<void> {
    const result = await this.#call("ADD", container, containerId);
    const addresses = addressesOf(result);
    expect(addresses).toHaveLength(2);
    for (const address of addresses) {
      expect(`${address}: ${this.#inUse.get(address)}`).toBe(`${address}: undefined`);
      this.#inUse.set(address, containerId);
    }
    await this.#call("CHECK", container, containerId, result);
    for (const address of addresses) this.#inUse.delete(address);
    await this.#call("DEL", container, containerId, result);
  }

  async gc(): Promise<void> {
    const attachments = this.#valid.map((containerID) => ({ containerID, ifname: "eth0" }));
    const config = { ...this.config, "cni.dev/valid-attachments": attachments };
    succeed(await start(join(PLUGINS, config.type), { command: "GC", config }));
  }

  async #call(command: string, container: TestNetns, containerId: string, prevResult?: Json): Promise<Json> {
    const config = prevResult === undefined ? this.config : { ...this.config, prevResult };
    return succeed(await startCall(command, config, container, { containerId }));
  }
}

describe("a node at work while others commit", () => {
  it(`loses and leaves nothing of ${AT_ONCE * ROUNDS} containers, ${AT_ONCE} at once`, async () => {
    const nameOf = (i: number, round: number): string => `w${i}-${round}`;
    const valid = Array.from({ length: AT_ONCE * ROUNDS }, (_, n) => nameOf(n % AT_ONCE, Math.floor(n / AT_ONCE)));
    const runtime = new Runtime(networkOf("bridge", undefined, { macspoofchk: true }), valid);
    const containers = Array.from({ length: AT_ONCE }, () => containerFor(runtime.config));
    const committers = [commitFiles(), commitFiles()];
    let left = AT_ONCE;
    const work = containers.map(async (container, i) => {
      for (let round = 0; round < ROUNDS; round++) await runtime.lifecycle(container, nameOf(i, round));
      left--;
    });
    // A container that nobody has said goodbye for, again and again.
    const collect = async (): Promise<void> => {
      const lost = containerFor(runtime.config);
      for (let n = 0; left > 0; n++) {
        succeed(await startCall("ADD", runtime.config, lost, { containerId: `lost${n}` }));
        lost.ip("link delete eth0");
        await runtime.gc();
      }
    };
    await Promise.all([...work, collect()]);
    for (const one of committers) await one.stop();
    expect([mapElements(), veths(), addressFiles()]).toEqual([[], [], []]);
    expect(leftovers().filter((one) => !one.includes("table ip proxy"))).toEqual([]);
  });

  it("makes and removes its tables with the first and last container, while others commit", async () => {
    const runtime = new Runtime(networkOf("bridge", undefined, { macspoofchk: true }), []);
    const containers = Array.from({ length: 3 }, () => containerFor(runtime.config));
    const committers = [commitInLine()];
    await Promise.all(
      containers.map(async (container, i) => {
        for (let round = 0; round < 10 * ROUNDS; round++) await runtime.lifecycle(container, `f${i}-${round}`);
      }),
    );
    for (const one of committers) await one.stop();
    expect([mapElements(), veths(), addressFiles()]).toEqual([[], [], []]);
    expect(leftovers().filter((one) => !/table (ip|inet) (proxy|line)/.test(one))).toEqual([]);
  });
});
