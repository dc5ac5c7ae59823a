// What the CNI specification asks of a plugin at work, as a suite that each plugin runs in namespaces of its own: ADD,
// CHECK, DEL, GC and STATUS on real network namespaces, and nothing left over.

import { closeSync, openSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/cni/json.ts";
import type { OwnPlugin } from "../../src/cni/plugin.ts";
import { parseResult, type Result } from "../../src/cni/result.ts";
import { resultToJson } from "../../src/cni/result-json.ts";
import { SUPPORTED_VERSIONS } from "../../src/cni/versions.ts";
import { makeNetns, poll, requireNamespaces, run, type TestNetns } from "../support/netns.ts";
import { callPlugin, type Outcome, type Variables } from "./call.ts";

export interface Lifecycle {
  /** A configuration that is right, without `cniVersion`, `name` and `type`. Called for every test. */
  readonly config: () => Readonly<Record<string, unknown>>;
  /** CNI_PATH: where the plugins are that this one delegates to. */
  readonly path?: string;
  /** Whether ADD makes CNI_IFNAME in the container; it must then refuse to make it twice. */
  readonly makesInterface: boolean;
  /** Whether the plugin needs the container's namespace; an IPAM plugin never looks at it. */
  readonly entersNetns: boolean;
  /** The oldest version whose result can hold what ADD returns. 0.1.0 and 0.2.0 need an address. */
  readonly oldestVersion?: (typeof SUPPORTED_VERSIONS)[number];
  /**
   * For a chained plugin: does what the plugins before do, and returns their result. A veth pair between the node and the
   * container where this is absent.
   */
  readonly before?: (netns: TestNetns) => Result;
  /** Makes what the node must have before each test, unless it is there. */
  readonly prepare?: () => void;
  /** What there is of an attachment outside its container, as an independent witness tells it; empty when it is gone. */
  readonly leftovers: () => readonly string[];
  /** How many of these an attachment has while it lives: the witness must be able to see them. */
  readonly traces: number;
}

/** Registers the suite for one plugin. */
export function runLifecycle(plugin: OwnPlugin, lifecycle: Lifecycle): void {
  const context = new Context(plugin, lifecycle);
  describe(`${plugin.name} at work:`, () => {
    beforeEach(() => context.begin());
    afterEach(() => context.end());
    addCases(context);
    delCases(context);
    otherCases(context);
    if (plugin.kind === "chained") chainCases(context);
  });
}

let pairs = 0;

/** What a plugin before a chained one makes, as bridge and ptp do: a veth pair, with an address on the container's end. */
function makePair({ path, ...netns }: TestNetns): Result {
  const [mac, address] = ["0a:00:00:00:00:07", "198.18.0.2/24"];
  run(
    "ip",
    ..."link add up name".split(" "),
    `before${++pairs}`,
    ..."type veth peer name eth0 netns".split(" "),
    netns.name,
  );
  netns.ip(`link set eth0 address ${mac} up`);
  netns.ip(`address add ${address} dev eth0`);
  const interfaces = [{ name: `before${pairs}` }, { name: "eth0", mac, sandbox: path }];
  const ips = [{ address, gateway: "198.18.0.1", interface: 1 }];
  const json = { cniVersion: "1.1.0", interfaces, ips, dns: { nameservers: ["198.18.0.53"] } };
  return parseResult(json, "1.1.0", "before");
}

/** One attachment, between its ADD and its DEL. */
class Context {
  readonly plugin: OwnPlugin;
  readonly lifecycle: Lifecycle;
  netns: TestNetns | undefined;
  config: Readonly<Record<string, unknown>> = {};
  /** What the plugins before have returned; undefined where the plugin is not chained. */
  before: Result | undefined;

  constructor(plugin: OwnPlugin, lifecycle: Lifecycle) {
    this.plugin = plugin;
    this.lifecycle = lifecycle;
  }

  begin(): void {
    requireNamespaces();
    this.netns = makeNetns();
    const own = { cniVersion: "1.1.0", name: "conformance", type: this.plugin.name };
    this.config = { ...own, ...this.lifecycle.config() };
    // The kernel takes its time over a namespace that the test before removed, and the links in it.
    poll("nothing left of the test before", () => this.lifecycle.leftovers().length === 0);
    this.lifecycle.prepare?.();
    if (this.plugin.kind === "chained") this.before = (this.lifecycle.before ?? makePair)(this.netns);
  }

  end(): void {
    this.call("DEL");
    this.netns?.remove();
    this.netns = undefined;
  }

  get env(): Variables {
    return {
      CNI_CONTAINERID: "conformance",
      CNI_NETNS: this.netns?.path ?? "",
      CNI_IFNAME: "eth0",
      CNI_PATH: this.lifecycle.path ?? "/nonexistent",
    };
  }

  call(command: string, config: JsonObject = {}, env: Variables = {}, closedStdout = false): Outcome {
    const variables = { ...this.env, CNI_COMMAND: command, ...env };
    const given = { ...this.config, ...(command === "ADD" ? this.#chain(config["cniVersion"]) : {}), ...config };
    return callPlugin(this.plugin, variables, given, closedStdout);
  }

  /** What ADD gets of the plugins before, in the version that the configuration has. */
  #chain(version: unknown): JsonObject {
    if (this.before === undefined) return {};
    const cniVersion = SUPPORTED_VERSIONS.find((one) => one === version) ?? "1.1.0";
    return { prevResult: resultToJson(this.before, cniVersion) };
  }

  /** An ADD that must succeed; its result. */
  add(config: JsonObject = {}): JsonObject {
    const { status, json } = this.call("ADD", config);
    expect(json).not.toHaveProperty("msg");
    expect(status).toBe(0);
    expect(this.lifecycle.leftovers()).toHaveLength(this.lifecycle.traces);
    return json;
  }

  expectSuccess(outcome: Outcome): void {
    expect(outcome.json).toBeUndefined();
    expect(outcome.status).toBe(0);
  }
}

function addCases(context: Context): void {
  const { lifecycle } = context;
  const versions = SUPPORTED_VERSIONS.slice(SUPPORTED_VERSIONS.indexOf(lifecycle.oldestVersion ?? "0.1.0"));

  it.each(versions)("ADD prints a result of version %s", (cniVersion) => {
    const json = context.add({ cniVersion });
    expect(json["cniVersion"]).toBe(cniVersion);
    const { interfaces, ips } = parseResult(json, cniVersion, "result");
    for (const { interface: index } of ips) expect(index ?? 0).toBeLessThan(Math.max(1, interfaces.length));
    if (!lifecycle.makesInterface || interfaces.length === 0) return;
    expect(interfaces).toContainEqual(expect.objectContaining({ name: "eth0", sandbox: context.netns?.path }));
  });

  if (lifecycle.makesInterface) refusalCase(context);
  if (lifecycle.entersNetns) netnsCases(context);

  it("ADD leaves nothing when nobody reads its result", () => {
    expect(context.call("ADD", {}, {}, true).status).toBe(1);
    expect(lifecycle.leftovers()).toEqual([]);
    if (lifecycle.makesInterface) expect(context.netns?.ipJson("link show")).toHaveLength(1);
  });
}

function refusalCase(context: Context): void {
  const { lifecycle } = context;

  it("ADD makes the interface, and refuses to make it twice", () => {
    context.add();
    const links = context.netns?.ipJson("link show");
    expect(links.map((link: { ifname: string }) => link.ifname).sort()).toEqual(["eth0", "lo"]);
    const before = lifecycle.leftovers();
    expect(context.call("ADD", {}, { CNI_CONTAINERID: "another" })).toMatchObject({ status: 1 });
    expect(lifecycle.leftovers()).toEqual(before);
    expect(context.netns?.ipJson("link show")).toHaveLength(2);
  });
}

function netnsCases(context: Context): void {
  it.each([
    ["/nonexistent/netns", 3],
    ["/dev/null", 8],
    ["/proc/self/ns/mnt", 8],
  ])("ADD with the namespace %s fails with code %i and leaves nothing", (path, code) => {
    expect(context.call("ADD", {}, { CNI_NETNS: path }).json).toMatchObject({ code });
    expect(context.lifecycle.leftovers()).toEqual([]);
  });
}

function delCases(context: Context): void {
  const { lifecycle } = context;

  it("DEL removes everything, and succeeds when there is nothing to remove", () => {
    const prevResult = context.add();
    context.expectSuccess(context.call("DEL", { prevResult }));
    expect(lifecycle.leftovers()).toEqual([]);
    if (lifecycle.makesInterface) expect(context.netns?.ipJson("link show")).toHaveLength(1);
    context.expectSuccess(context.call("DEL", { prevResult }));
    context.expectSuccess(context.call("DEL"));
    context.expectSuccess(context.call("DEL", {}, { CNI_NETNS: "" }));
  });

  it("DEL removes everything without a prevResult, and with one that can't be read", () => {
    for (const config of [{}, { prevResult: { ips: 5 } }]) {
      context.add();
      context.expectSuccess(context.call("DEL", config));
      expect(lifecycle.leftovers()).toEqual([]);
    }
  });

  it("DEL removes everything when it isn't told the namespace, though the namespace lives on", () => {
    const prevResult = context.add();
    context.expectSuccess(context.call("DEL", { prevResult }, { CNI_NETNS: "" }));
    expect(lifecycle.leftovers().filter((line) => !line.startsWith("link "))).toEqual([]);
  });

  it("DEL removes everything when the namespace is gone", () => {
    const prevResult = context.add();
    const path = context.netns?.path ?? "";
    context.netns?.remove();
    context.netns = undefined;
    context.expectSuccess(context.call("DEL", { prevResult }, { CNI_NETNS: path }));
    expect(lifecycle.leftovers().filter((line) => !line.startsWith("link "))).toEqual([]);
    closeSync(openSync(path, "w")); // what an unmounted namespace leaves behind
    context.expectSuccess(context.call("DEL", { prevResult }, { CNI_NETNS: path }));
  });

  it("DEL of another attachment takes nothing away", () => {
    context.add();
    const before = lifecycle.leftovers();
    context.expectSuccess(context.call("DEL", {}, { CNI_CONTAINERID: "another", CNI_NETNS: "" }));
    context.expectSuccess(context.call("DEL", {}, { CNI_IFNAME: "eth9", CNI_NETNS: "" }));
    expect(lifecycle.leftovers()).toEqual(before);
  });
}

function otherCases(context: Context): void {
  const { lifecycle } = context;
  const valid = [{ containerID: "conformance", ifname: "eth0" }];

  it("CHECK is content right after ADD", () => {
    context.expectSuccess(context.call("CHECK", { prevResult: context.add() }));
  });

  it("GC keeps what is valid, under either name of the list", () => {
    const prevResult = context.add();
    for (const key of ["cni.dev/valid-attachments", "cni.dev/attachments"]) {
      context.expectSuccess(context.call("GC", { [key]: valid }));
      context.expectSuccess(context.call("CHECK", { prevResult }));
    }
  });

  it("GC removes what isn't valid any more", () => {
    context.add();
    context.netns?.remove(); // GC may assume that the namespace is gone
    context.netns = undefined;
    context.expectSuccess(context.call("GC", { "cni.dev/valid-attachments": [{ containerID: "x", ifname: "eth0" }] }));
    expect(lifecycle.leftovers().filter((line) => !line.startsWith("link "))).toEqual([]);
  });

  it("STATUS is content", () => {
    context.expectSuccess(context.call("STATUS"));
  });
}

/** What the plugins before have made in the container, as ip(8) tells it. */
function containerState(netns: TestNetns | undefined): unknown {
  const links: readonly { ifname: string; address: string; mtu: number; flags: readonly string[] }[] =
    netns?.ipJson("link show") ?? [];
  const rules: readonly object[] = netns?.ipJson("-4 rule show") ?? [];
  return {
    links: links.map(({ ifname, address, mtu, flags }) => [ifname, address, mtu, flags.includes("UP")]),
    addresses: netns?.ipJson("-4 address show"),
    routes: netns?.ipJson("-4 route show table all"),
    // The kernel makes the rule for VRFs with the first one of a namespace, and keeps it.
    rules: rules.filter((rule) => !("l3mdev" in rule)),
  };
}

function chainCases(context: Context): void {
  const { lifecycle } = context;

  it("ADD returns what the plugins before have made, besides what it has made", () => {
    const { interfaces, ips, dns } = parseResult(context.add(), "1.1.0", "result");
    const { before } = context;
    expect(interfaces.map(({ name }) => name)).toEqual(
      expect.arrayContaining(before?.interfaces.map(({ name }) => name) ?? []),
    );
    expect([ips, dns]).toEqual([before?.ips, before?.dns]);
  });

  it.each(["ADD", "CHECK"])("%s without the result of the plugins before fails and leaves nothing", (command) => {
    expect(context.call(command, { prevResult: null }).json).toMatchObject({ code: 7 });
    expect(lifecycle.leftovers()).toEqual([]);
  });

  it("DEL leaves the container as the plugins before have made it", () => {
    const before = containerState(context.netns);
    const prevResult = context.add();
    context.expectSuccess(context.call("DEL", { prevResult }));
    expect(containerState(context.netns)).toEqual(before);
  });

  it("ADD a second time, refused or not, changes nothing more", () => {
    context.add();
    const before = [containerState(context.netns), lifecycle.leftovers()];
    context.call("ADD");
    expect([containerState(context.netns), lifecycle.leftovers()]).toEqual(before);
  });
}
