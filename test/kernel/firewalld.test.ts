// firewalld, as Debian has it, and a real bus: what containers can reach on a node where it rules.

import { rmSync } from "node:fs";
import { afterEach, beforeAll, expect, it } from "vitest";
import { records } from "../../src/firewall/records.ts";
import { plugin } from "../../src/plugins/firewall/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { type BridgedContainer, makeBridgedNode, OUTSIDE } from "../support/bridged-node.ts";
import { cli } from "../support/cli.ts";
import { startBus, startFirewalld } from "../support/firewalld.ts";
import { requireNamespaces } from "../support/netns.ts";
import { isAnswered } from "../support/outside.ts";
import { inProcess, type PluginOutcome, succeed } from "../support/plugin.ts";

beforeAll(() => requireNamespaces());
afterEach(() => rmSync(records.directory, { recursive: true, force: true }));

type Config = Readonly<Record<string, unknown>>;

function begin() {
  const world = makeBridgedNode();
  const call = world.on(inProcess(plugin));
  const verb =
    (command: string) =>
    (one: BridgedContainer, more: Config = {}): PluginOutcome => {
      const config = { cniVersion: "1.1.0", name: "net", type: "firewall", prevResult: one.prevResult, ...more };
      return call({ command, ...one.names, config });
    };
  return { ...world, call, add: verb("ADD"), check: verb("CHECK"), del: verb("DEL"), status: verb("STATUS") };
}

const getsOut = ({ netns }: BridgedContainer): boolean[] =>
  ([4, 6] as const).map((family) => isAnswered(netns, OUTSIDE[family]));

const sourcesOf = ({ 4: v4, 6: v6 }: BridgedContainer): string => `${v4}/32 ${v6}/128`;

it.each([undefined, "firewalld"])(
  "makes the container's addresses sources of a zone, with the back end %j",
  async (backend) => {
    const world = begin();
    const a = world.attach("br-a");
    await startBus();
    const firewalld = startFirewalld(world.node);
    const sources = (zone = "trusted"): string => firewalld.command(`--zone=${zone}`, "--list-sources");
    expect(getsOut(a)).toEqual([false, false]);
    expect(world.status(a, { backend }).status).toBe(0);
    expect(world.add(a, { backend })).toMatchObject({ status: 0, stderr: "" });
    expect([sources(), getsOut(a)]).toEqual([sourcesOf(a), [true, true]]);
    // Sources that are there are no error.
    succeed(world.add(a, { backend }));
    expect(world.check(a, { backend }).status).toBe(0);

    firewalld.command("--zone=trusted", `--remove-source=${a[4]}/32`);
    const { status, json } = world.check(a, { backend });
    expect([status, json.msg]).toEqual([1, expect.stringContaining(`${a[4]}/32 is no source of the zone trusted`)]);
    firewalld.command("--reload");
    expect([sources(), getsOut(a)]).toEqual(["", [false, false]]);
    inNetns(world.node.fd, () => cli(["restore"]));
    expect([sources(), getsOut(a)]).toEqual([sourcesOf(a), [true, true]]);
    expect(world.check(a, { backend }).status).toBe(0);

    succeed(world.del(a, { backend, prevResult: undefined }));
    expect([sources(), getsOut(a)]).toEqual(["", [false, false]]);
    succeed(world.del(a, { backend }));
    succeed(world.add(a, { backend, firewalldZone: "internal" }));
    expect([sources(), sources("internal")]).toEqual(["", sourcesOf(a)]);
    succeed(world.del(a, { backend: "nftables", firewalldZone: "trusted" }));
    expect(sources("internal")).toBe("");
  },
);

it("says what is missing where there is no bus, no firewalld and no such zone, and leaves nothing", async () => {
  const world = begin();
  const a = world.attach("br-a");
  const backend = "firewalld";
  const before = process.env["DBUS_SYSTEM_BUS_ADDRESS"];
  process.env["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/run/no-bus";
  try {
    const { status, json } = world.add(a, { backend });
    expect([status, json.msg]).toEqual([1, expect.stringContaining("connect to the system bus of D-Bus: ENOENT")]);
    expect(world.status(a, { backend }).json).toMatchObject({ code: 50, msg: expect.stringContaining("system bus") });
    succeed(world.del(a, { backend }));
  } finally {
    if (before === undefined) delete process.env["DBUS_SYSTEM_BUS_ADDRESS"];
    else process.env["DBUS_SYSTEM_BUS_ADDRESS"] = before;
  }
  await startBus();
  expect(world.add(a, { backend }).json.msg).toContain("firewalld does not run: nobody on the bus is called");
  expect(world.status(a, { backend }).json).toMatchObject({ code: 50 });
  const firewalld = startFirewalld(world.node);
  expect(world.add(a, { backend, firewalldZone: "nosuch" }).json.msg).toContain("INVALID_ZONE: nosuch");
  expect(world.node.exec("nft", "list", "tables")).not.toContain("bauta_");
  succeed(world.add(a, { backend }));
  await firewalld.program.stop();
  succeed(world.del(a, { backend }));
  expect(world.node.exec("nft", "list", "tables")).not.toContain("bauta_");
});
