// A node changes from containernetworking/plugins' iptables back end to ours, to our maps, and back, containers running.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { PATIENCE_MS } from "../../engine/patience.mjs";
import { startBeside } from "../support/background.ts";
import { haveAll, haveOnly, type IptablesForm, isolateSbin, natRules } from "../support/iptables-form.ts";
import { makeNetns, poll, run, type TestNetns } from "../support/netns.ts";
import { executable, start, succeed } from "../support/plugin.ts";
import { becomeNode, leftovers, NODE, PLUGINS } from "./masquerade/node.ts";
import { addressesOf, type Json, networkOf } from "./masquerade/runtime.ts";
import { startStream } from "./masquerade/stream.ts";
import { seenOneWay } from "./masquerade/traffic.ts";

const BAUTA = resolve("dist/bauta");
const PEERS = process.env["BAUTA_PEER_DIR"] ?? "";
/** Containers of a test: many where something is done to all at once. */
const MANY = 32;
const FEW = 12;
const SENDERS = 4;
let outside: TestNetns;

beforeAll(() => {
  if (PEERS === "") throw new Error("BAUTA_PEER_DIR is not set: npm test sets it by tools/peer-plugins.sh");
  outside = becomeNode();
  return isolateSbin();
});

interface Attached {
  readonly container: TestNetns;
  readonly result: Json;
}

const attachmentOf = (container: TestNetns) => ({
  ...{ containerId: container.name, netns: container.path, ifname: "eth0" },
});

/** Side by side, because upstream's waits two seconds for the kernel to be done with the IPv6 address. */
async function attachAll(directory: string, config: Json, count: number): Promise<Attached[]> {
  const containers = Array.from({ length: count }, () => makeNetns());
  onTestFinished(() => {
    for (const container of containers.filter(({ path }) => existsSync(path))) {
      executable(join(PLUGINS, config.type))({ command: "DEL", config, ...attachmentOf(container) });
      container.remove();
    }
  });
  const attached = await Promise.all(
    containers.map(async (container) => {
      const call = { command: "ADD", config, ...attachmentOf(container) };
      return { container, result: succeed(await start(join(directory, config.type), call)) };
    }),
  );
  // Upstream's doesn't wait for those of the node's ends; until then nobody learns of them.
  poll("addresses of the node", () => run("ip", "-6", "address", "show", "tentative") === "");
  return attached;
}

function call(directory: string, command: string, config: Json, { container }: Attached): void {
  succeed(executable(join(directory, config.type))({ command, config, ...attachmentOf(container) }));
}

const bauta = (...args: readonly string[]) => spawnSync(BAUTA, args, { encoding: "utf8", timeout: PATIENCE_MS });

/** The sources of new flows of the container that are seen outside. */
const sourcesOf = ({ container, result }: Attached): string[] =>
  addressesOf(result).map((address) => seenOneWay(container, address, outside));

/** Jumps of upstream's kind in either family. */
const jumps = (): string[] =>
  ([4, 6] as const).flatMap((family) => natRules(run, family).filter((line) => / -j CNI-[0-9a-f]{24}$/.test(line)));

/** What attachments have left; iptables' own chains stay, empty, where iptables is nf_tables. */
function left(): string[] {
  const rules = ([4, 6] as const).flatMap((family) =>
    natRules(run, family).filter((line) => !/^:[A-Z]+ ACCEPT/.test(line)),
  );
  return [...rules, ...leftovers().filter((one) => !/^table ip6? nat \{/.test(one) && !/\/xtables\.lock/.test(one))];
}

/** Runs the command while new flows begin all the time, before, meanwhile and after; returns the sources seen outside. */
async function seenMeanwhile(attached: readonly Attached[], ...args: readonly string[]): Promise<string[]> {
  const senders = attached.slice(0, SENDERS).map(({ container }) => container);
  const { hundreds, sources, stop } = await startStream(senders, outside);
  await hundreds(2);
  expect(await startBeside(BAUTA, args).ends()).toBe(0);
  await hundreds(4);
  await stop();
  for (const one of attached) expect(sourcesOf(one)).toEqual([NODE[4], NODE[6]]);
  return sources();
}

describe.each<IptablesForm>(["nft", "legacy"])("a node whose iptables is %s alone", (form) => {
  beforeEach(() => haveOnly(form));
  afterEach(() => haveAll());

  const network = (): Json => networkOf("ptp", undefined, { ipMasqBackend: "iptables" });

  it("moves upstream's containers into our maps while they run, and changes back", async () => {
    const config = network();
    const attached = await attachAll(PEERS, config, MANY);
    expect(jumps()).toHaveLength(2 * MANY);
    expect(await seenMeanwhile(attached, "adopt")).toEqual([NODE[4], NODE[6]]);
    expect(jumps()).toEqual([]);
    const listed: Json[] = JSON.parse(bauta("list", "--json").stdout);
    expect(listed.map(({ state }) => state)).toEqual(Array.from({ length: MANY }, () => "ok"));
    // Whichever back end the configuration names.
    const other = { ...config, ipMasqBackend: "nftables" };
    for (const [i, one] of attached.entries())
      call(PLUGINS, "CHECK", { ...(i % 2 === 0 ? config : other), prevResult: one.result }, one);
    for (const [i, one] of attached.entries()) {
      call(PLUGINS, "DEL", i % 2 === 0 ? config : other, one);
      one.container.remove();
    }
    expect(left()).toEqual([]);
  });

  it("has our plugins in the place of upstream's without moving anything", async () => {
    const config = network();
    const attached = await attachAll(PEERS, config, FEW);
    for (const one of attached) {
      call(PLUGINS, "CHECK", { ...config, prevResult: one.result }, one);
      expect(sourcesOf(one)).toEqual([NODE[4], NODE[6]]);
    }
    for (const [i, one] of attached.entries()) {
      call(PLUGINS, "DEL", { ...config, ...(i % 2 === 0 ? { prevResult: one.result } : {}) }, one);
      one.container.remove();
    }
    expect(left()).toEqual([]);
  });

  it("changes back: upstream's DEL removes what ours has made, and bauta gc the records", async () => {
    const config = network();
    const attached = await attachAll(PLUGINS, config, FEW);
    for (const one of attached) expect(sourcesOf(one)).toEqual([NODE[4], NODE[6]]);
    for (const one of attached) {
      call(PEERS, "DEL", { ...config, prevResult: one.result }, one);
      one.container.remove();
    }
    expect(jumps()).toEqual([]);
    expect(left().every((one) => one.startsWith("/run/bauta/iptables/"))).toBe(true);
    expect(bauta("gc", "--grace", "0").stdout).toContain(`removed ${FEW} attachments\n`);
    expect(left()).toEqual([]);
  });

  it("gets its rules back from bauta restore, at once, after iptables -t nat -F", async () => {
    const config = network();
    const attached = await attachAll(PLUGINS, config, MANY);
    const before = jumps();
    for (const program of ["iptables", "ip6tables"]) run(program, "-t", "nat", "-F");
    const [first] = attached;
    expect(first === undefined ? [] : sourcesOf(first)).toEqual(addressesOf(first?.result));
    expect(bauta("restore").stdout).toBe(`put back ${2 * MANY} addresses (${MANY} live attachments)\n`);
    expect(jumps().sort()).toEqual(before.sort());
    for (const one of attached) {
      expect(sourcesOf(one)).toEqual([NODE[4], NODE[6]]);
      call(PLUGINS, "CHECK", { ...config, prevResult: one.result }, one);
    }
    // Restored all the time, they still go for good.
    const loop = `until test -e /run/enough; do "${BAUTA}" restore || exit; done`;
    const restoring = startBeside("sh", ["-c", loop]);
    const ended = await Promise.all(
      attached.map(({ container }) =>
        start(join(PLUGINS, config.type), { command: "DEL", config, ...attachmentOf(container) }),
      ),
    );
    run("touch", "/run/enough");
    expect(await restoring.ends()).toBe(0);
    run("rm", "/run/enough");
    expect(ended.filter(({ status }) => status !== 0)).toEqual([]);
    for (const { container } of attached) container.remove();
    expect(bauta("restore").stdout).toBe("put back 0 addresses (0 live attachments)\n");
    expect(left()).toEqual([]);
  });
});
