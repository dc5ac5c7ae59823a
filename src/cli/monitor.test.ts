// Made-up transactions. That the kernel reports them in this way is tested by test/kernel/cli.test.ts.

import { describe, expect, it } from "vitest";
import { type CliOutcome, cli } from "../../test/support/cli.ts";
import type { Answer } from "../../test/support/fake-kernel.ts";
import { textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import {
  ADD,
  DELETE,
  elements,
  id,
  inTable,
  ip,
  MAPS,
  map,
  objectMessage,
  owner,
  policy,
  TABLE,
  transaction,
} from "../../test/support/masquerade-events.ts";
import { type Maps, mapsKernel, nftablesWith } from "../../test/support/nftables-maps.ts";
import type { Chain } from "../nftables/chain.ts";
import { TYPE } from "../nftables/datatype.ts";
import type { NftEvent, Transaction } from "../nftables/monitor.ts";
import { counter, ipSaddrVmap, masquerade } from "../nftables/statement.ts";
import { NFT_MSG } from "../nftables/uapi.ts";
import { errno } from "../sys/errno.ts";
import { SyscallError } from "../sys/error.ts";
import { formatIp } from "../wire/ip.ts";
import type { CliIo } from "./io.ts";

interface Surroundings extends Partial<CliIo> {
  /** What is in the maps each time that they are read; the last counts for all that follow. */
  readonly maps?: readonly Maps[];
}

/** `bauta monitor` sees these transactions, then its output is closed; no attachment has a record. */
function monitor(
  args: readonly string[],
  transactions: readonly (Transaction | "lost")[],
  surroundings: Surroundings = {},
): CliOutcome {
  const { maps = [{}], ...io } = surroundings;
  const waiting = [...transactions];
  const readings = maps.map((one): Answer => mapsKernel(one, MAPS));
  const openEvents = (): ReturnType<CliIo["openEvents"]> => ({ next: () => waiting.shift(), close: () => {} });
  const openNftables = (): ReturnType<CliIo["openNftables"]> =>
    nftablesWith((readings.length > 1 ? readings.shift() : readings[0]) ?? (() => []));
  return withSyscalls(
    (name, call) => (name === "openat" && textOf(call[1]).startsWith("/run/bauta") ? "ENOENT" : undefined),
    () => cli(["monitor", ...args], { openEvents, openNftables, ...io }),
  );
}

describe("bauta monitor", () => {
  it("prints each transaction with the program that committed it, and each element with its attachment", () => {
    const { status, stdout, stderr } = monitor([], [transaction(7, ADD), transaction(8, DELETE)]);
    const owned = formatIp(id("web"));
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(`generation 7 by bridge, process 4711
  add element ip bauta_masquerade owners { 10.0.0.5 : ${owned} }  # dual web eth0
  add element ip bauta_masquerade policies { 10.0.0.5 : goto outside }  # dual web eth0
generation 8 by bridge, process 4711
  delete element ip bauta_masquerade owners { 10.0.0.5 : ${owned} }  # dual web eth0
  delete element ip bauta_masquerade policies { 10.0.0.5 : goto outside }  # dual web eth0
`);
  });

  it("says in a container that the process id is that of the host", () => {
    const transactions = [transaction(7, ADD), { ...transaction(8, DELETE), processId: undefined }];
    const heads = monitor([], transactions, { isInHostPids: () => false }).stdout.match(/^generation.*$/gm);
    expect(heads).toEqual(["generation 7 by bridge, process 4711 on the host", "generation 8 by bridge"]);
  });

  it("names the attachments of elements that were there before bauta monitor was started", () => {
    const maps = [{ "2 owners": [owner("10.0.0.5", "web")], "2 policies": [policy("10.0.0.5")] }];
    const { stdout } = monitor([], [transaction(8, DELETE)], { maps });
    expect(stdout.match(/# dual web eth0/g)).toHaveLength(2);
  });

  it("names no attachment for an element that it does not know", () => {
    const { stdout } = monitor([], [transaction(8, DELETE)]);
    expect(stdout).not.toContain("#");
  });

  it("names the old attachment, then the new one, when an address is taken over", () => {
    const taken = [
      ...DELETE,
      elements("new", "owners", owner("10.0.0.5", "db")),
      elements("new", "policies", policy("10.0.0.5")),
    ];
    const { stdout } = monitor([], [transaction(7, ADD), transaction(8, taken)]);
    expect(stdout.match(/(?<=# dual )\w+/g)).toEqual(["web", "web", "web", "web", "db", "db"]);
  });

  it("prints a whole transaction at once, before it waits for the next one", () => {
    const written: string[] = [];
    monitor([], [transaction(7, ADD), transaction(8, DELETE)], { write: (text) => written.push(text) });
    expect(written.map((text) => text.split("\n")[0])).toEqual([
      "generation 7 by bridge, process 4711",
      "generation 8 by bridge, process 4711",
    ]);
  });

  it("prints tables, chains, rules and maps in the words of nft", () => {
    const base: Chain = {
      ...inTable,
      name: "postrouting",
      type: "nat",
      hook: 4,
      priority: 100,
      policy: 1,
      handle: 1n,
      use: 0,
      flags: 0,
    };
    const regular: Chain = { ...inTable, name: "outside", handle: 2n, use: 0, flags: 0 };
    const rule = { ...inTable, handle: 3n, comment: undefined };
    const { stdout } = monitor(
      [],
      [
        transaction(1, [
          {
            kind: "table",
            change: "new",
            table: { family: 2, name: TABLE, handle: 1n, flags: 0, use: 0, owner: undefined, comment: undefined },
          },
          { kind: "set", change: "new", set: { ...map("owners", TYPE.IP6ADDR) } },
          { kind: "chain", change: "new", chain: base },
          { kind: "chain", change: "new", chain: regular },
          {
            kind: "rule",
            change: "new",
            rule: { ...rule, chain: "postrouting", expressions: ipSaddrVmap(4, "policies") },
          },
          {
            kind: "rule",
            change: "delete",
            rule: { ...rule, chain: "outside", expressions: [...counter(), ...masquerade()] },
          },
          { kind: "chain", change: "delete", chain: base },
          { kind: "set", change: "delete", set: { ...map("owners", 0), flags: 0, dataType: undefined } },
        ]),
      ],
    );
    expect(stdout.split("\n").slice(1, -1)).toEqual([
      "  add table ip bauta_masquerade",
      "  add map ip bauta_masquerade owners",
      "  add chain ip bauta_masquerade postrouting { type nat hook postrouting priority srcnat; policy accept; }",
      "  add chain ip bauta_masquerade outside",
      "  add rule ip bauta_masquerade postrouting ip saddr vmap @policies",
      "  delete rule ip bauta_masquerade outside counter masquerade",
      "  delete chain ip bauta_masquerade postrouting",
      "  delete map ip bauta_masquerade owners",
    ]);
  });

  const foreign: readonly NftEvent[] = [
    {
      kind: "elements",
      change: "new",
      elements: {
        family: 1,
        table: "other",
        set: "s",
        elements: [{ key: ip("10.0.0.5"), comment: "dual eth0 10.0.0.5/24 web" }],
      },
    },
    { kind: "other", message: objectMessage(NFT_MSG.NEWOBJ, "other", "quota-1") },
    { kind: "other", message: objectMessage(NFT_MSG.DELFLOWTABLE, "other", "fast") },
    { kind: "other", message: objectMessage(99, "other", "x") },
    { kind: "other", message: { type: 0xa12, flags: 0, sequence: 0, portId: 0, payload: Uint8Array.of(2) } },
  ];

  it("shows only the tables of bauta without --all", () => {
    expect(monitor([], [transaction(7, foreign)]).stdout).toBe("");
    expect(monitor([], [transaction(7, [...foreign, ...ADD])]).stdout.split("\n")).toHaveLength(4);
    expect(
      monitor(["--all"], [transaction(7, foreign)])
        .stdout.split("\n")
        .slice(1, -1),
    ).toEqual([
      "  add element inet other s { 0x0a000005 }",
      "  add object ip other quota-1",
      "  delete flowtable ip other fast",
      "  unknown event of type 99",
      "  unknown event of type 18",
    ]);
  });

  it("prints a JSON object for each change with --json", () => {
    const { stdout } = monitor(["--json"], [transaction(7, ADD)]);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))[1],
    ).toEqual({
      generation: 7,
      program: "bridge",
      pid: 4711,
      change: "add",
      kind: "element",
      family: "ip",
      table: TABLE,
      set: "policies",
      key: "10.0.0.5",
      value: "goto outside",
      network: "dual",
      container: "web",
      interface: "eth0",
      policy: null,
      text: "add element ip bauta_masquerade policies { 10.0.0.5 : goto outside }",
    });
    const [gone] = monitor(["--json"], [transaction(8, DELETE)]).stdout.split("\n");
    expect(JSON.parse(gone ?? "")).toMatchObject({ change: "delete", network: null, container: null, interface: null });
    const [other] = monitor(
      ["--json", "--all"],
      [{ ...transaction(8, foreign), processId: undefined, processName: undefined }],
    ).stdout.split("\n");
    expect(JSON.parse(other ?? "")).toEqual({
      generation: 8,
      program: null,
      pid: null,
      change: "add",
      kind: "element",
      family: "inet",
      table: "other",
      set: "s",
      key: "0x0a000005",
      text: "add element inet other s { 0x0a000005 }",
    });
  });

  it("says that events were lost, and reads the attachments again", () => {
    const maps: readonly Maps[] = [{}, { "2 owners": [owner("10.0.0.5", "web")], "2 policies": [policy("10.0.0.5")] }];
    const text = monitor([], [transaction(7, []), "lost", transaction(9, DELETE)], { maps }).stdout;
    expect(text).toMatch(/^events were lost: .*\ngeneration 9 by bridge/);
    expect(text).toContain("# dual web eth0");
    expect(monitor(["--json"], ["lost"], { maps }).stdout).toBe('{"change":"lost"}\n');
  });

  it("ends without an error when its output is closed", () => {
    const write = (): never => {
      throw new SyscallError("write", errno("EPIPE"), "write standard output");
    };
    expect(monitor([], [transaction(7, ADD)], { write })).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("says what to do when the kernel does not let it listen", () => {
    const openEvents = (): never => {
      throw new SyscallError("setsockopt", errno("EPERM"), "listen to the events of nf_tables");
    };
    const { status, stderr } = monitor([], [], { openEvents });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/EPERM.*\n.*run it as root/)]);
  });

  it("has colours on a terminal, and makes the control characters of names visible", () => {
    const evil = { ...owner("10.0.0.5", "web"), comment: "dual \u009b2J 10.0.0.5/24 web" };
    const { stdout } = monitor([], [transaction(7, [elements("new", "owners", evil)])], { isTerminal: () => true });
    expect(stdout).toContain("\x1b[1mgeneration 7 by bridge, process 4711\x1b[22m");
    expect(stdout).toContain("\x1b[32madd element");
    expect(stdout).toContain("\\x9b2J");
  });
});
