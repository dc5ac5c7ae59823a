// The walks of the `bauta` command: what changes the node on a bad day, and what a second run makes of a first that came to nothing.

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PLUGINS, veths } from "../e2e/masquerade/node.ts";
import { makeNetns, poll, run } from "../support/netns.ts";
import { succeed } from "../support/plugin.ts";
import { stateOf, wholeStateOf } from "../support/whole-node.ts";
import { callProgram, runProgram, shell } from "./program.ts";
import { FAULT, type Outcome, type Walk } from "./walk.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results are whatever plugins take and print
type Json = any;

const BAUTA = join(PLUGINS, "../bauta");

function bauta(args: readonly string[], through: readonly string[] = []): Outcome {
  return runProgram([...through, BAUTA, ...args], process.env);
}

function succeedAs(args: readonly string[]): void {
  const { status, stdout, stderr } = bauta(args);
  if (status !== 0) throw new Error(`bauta ${args.join(" ")}: ${stdout}${stderr}`);
}

/** A line for people that names what the kernel has said. */
function judge({ status, stdout, stderr }: Outcome, mishap: string): void {
  if (status !== 1) throw new Error(`ended with status ${status}: ${stdout}${stderr}`);
  const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("interfere: "));
  if (lines.length === 0 || FAULT.test(stderr)) throw new Error(`no clear error: ${stderr}`);
  if (mishap !== "short" && !stderr.includes(mishap))
    throw new Error(`the error does not tell of ${mishap}: ${stderr}`);
}

const LIST = "/run/lists/excluded";

/** What a container has: an interface, ports of the node and limits. */
const PLUGIN_LIST: readonly Json[] = [
  {
    type: "ptp",
    ipMasq: true,
    ipMasqBackend: "nftables",
    ipMasqOptions: { excludeFile: LIST },
    ipam: { type: "host-local", ranges: [[{ subnet: "198.18.2.0/24" }], [{ subnet: "fd61:7465:6d67::/112" }]] },
  },
  { type: "firewall" },
  { type: "portmap", runtimeConfig: { portMappings: [{ hostPort: 8081, containerPort: 80, protocol: "tcp" }] } },
  { type: "bandwidth", ingressRate: 8e6, ingressBurst: 8e5, egressRate: 8e6, egressBurst: 8e5 },
  { type: "tuning", mtu: 1400 },
];

/** Calls the plugins of a list for a container, each with the result of the one before. */
function callList(command: "ADD" | "CHECK" | "DEL", name: string, given?: Json): Json {
  let result = given;
  const plugins = command === "DEL" ? PLUGIN_LIST.toReversed() : PLUGIN_LIST;
  for (const plugin of plugins) {
    const prevResult = result === undefined ? {} : { prevResult: result };
    const config = { cniVersion: "1.1.0", name: "listed", ...plugin, ...prevResult };
    const call = { command, containerId: name, netns: `/run/netns/${name}`, ifname: "eth0", config };
    const json = succeed(callProgram(join(PLUGINS, plugin.type), call));
    if (command === "ADD") result = json;
  }
  return result;
}

function writeList(...prefixes: readonly string[]): void {
  mkdirSync(join(LIST, ".."), { recursive: true });
  writeFileSync(LIST, JSON.stringify({ nonMasqueradeCIDRs: prefixes, masqLinkLocal: true, masqLinkLocalIPv6: true }));
  // The record of a list has the file's time, which must be the same in each attempt, and another for another list.
  utimesSync(LIST, 1_700_000_000 + prefixes.length, 1_700_000_000 + prefixes.length);
}

const RUNNING = "running";

/** The node of these walks, with a container that runs. */
export class Commanded {
  readonly #result: Json;

  constructor() {
    writeList("192.0.2.0/24");
    makeNetns(RUNNING);
    this.#result = callList("ADD", RUNNING);
    run("ip", "link", "add", "taken", "type", "bridge"); // what the first container to go leaves of indexes
    run("ip", "link", "delete", "taken");
  }

  check(): void {
    callList("CHECK", RUNNING, this.#result);
  }

  state(): unknown {
    return stateOf([RUNNING], shell);
  }

  whole(): unknown {
    return wholeStateOf([RUNNING], shell);
  }
}

/** Takes all tables of ours away, as `nft flush ruleset` would with everybody else's. */
function loseTables(): void {
  const tables = run("nft", "list", "tables").split("\n");
  const own = tables.filter((line) => / bauta_/.test(line));
  for (const line of own) run("nft", "delete", ...line.trim().split(" "));
}

/** A container that has gone without its DEL. */
function loseContainer(): void {
  const netns = makeNetns("gone");
  const before = veths().length;
  callList("ADD", "gone");
  netns.remove();
  poll("the links of the container that has gone to go", () => veths().length === before);
}

const ADOPTED = ["first", "second"] as const;

/** Rules as upstream's ptp makes them. */
function makeUpstream(): void {
  for (const containerId of ADOPTED) {
    const config = { cniVersion: "1.1.0", name: "theirs", type: "ptp", ipMasq: true };
    succeed(callProgram(join(PLUGINS, "ptp"), { command: "DEL", containerId, ifname: "eth0", netns: "", config }));
  }
  const comment = (id: string): string => `0123456789abcdef-0123456789abcdef, net: theirs, if: eth0, id: ${id}`;
  const rules = ADOPTED.map(
    (id, n) =>
      `add rule inet cni_plugins_masquerade masq_checks ip saddr 10.96.0.${n + 2} ip daddr != 10.96.0.0/24 masquerade comment "${comment(id)}"`,
  );
  run(
    "nft",
    `add table inet cni_plugins_masquerade
delete table inet cni_plugins_masquerade
add table inet cni_plugins_masquerade
add chain inet cni_plugins_masquerade masq_checks
add chain inet cni_plugins_masquerade postrouting { type nat hook postrouting priority srcnat; }
${rules.join("\n")}`,
  );
}

const BIN = "/run/installed";

/** A directory as upstream's package leaves it, with another program in it. */
function makeDirectory(): void {
  rmSync(BIN, { recursive: true, force: true });
  mkdirSync(BIN);
  for (const name of ["bridge", "host-local", "flannel"]) {
    writeFileSync(join(BIN, name), `#!/bin/sh\necho upstream ${name}\n`, { mode: 0o755 });
  }
  chmodSync(join(BIN, "bridge"), 0o700);
  symlinkSync("../somewhere/ptp", join(BIN, "ptp"));
}

/** All names below the directory, with what they are. */
function installed(): unknown {
  if (!existsSync(BIN)) return {};
  const names = readdirSync(BIN, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    names.map((name) => {
      const status = lstatSync(join(BIN, name));
      if (status.isSymbolicLink()) return [name, readlinkSync(join(BIN, name))];
      return [name, status.isDirectory() ? "directory" : `${(status.mode & 0o7777).toString(8)} ${status.size}`];
    }),
  );
}

/** Whatever has happened: by each name that there was a program answers, the old one or the new one. */
function requireAnswers(): void {
  for (const name of ["bridge", "host-local", "flannel"]) {
    const { status, stdout } = callProgram(join(BIN, name), { command: "VERSION", config: {} });
    if (status === 0 && (stdout.includes("supportedVersions") || stdout === `upstream ${name}\n`)) continue;
    throw new Error(`${name} does not answer: ${stdout}`);
  }
}

const INSTALL = ["install", "--bin-dir", BIN, "--only", "bridge,host-local,static"];
const UNINSTALL = ["uninstall", "--bin-dir", BIN];

export function commandWalks(commanded: () => Commanded): readonly Walk[] {
  const nothing = (): void => {};
  const again = (args: readonly string[]) => ({
    name: `bauta ${args[0]}`,
    judge,
    call: (through: readonly string[]) => bauta(args, through),
    tidy: () => succeedAs(args),
    undoes: false,
    prove: () => commanded().check(),
    state: () => commanded().state(),
    whole: () => commanded().whole(),
  });
  return [
    { ...again(["restore"]), prepare: loseTables },
    {
      ...again(["apply"]),
      prepare() {
        writeList("192.0.2.0/24");
        succeedAs(["apply"]);
        writeList("192.0.2.0/25", "2001:db8::/32");
      },
    },
    { ...again(["adopt"]), prepare: makeUpstream },
    { ...again(["gc", "--grace", "0"]), prepare: loseContainer },
    {
      ...again(INSTALL),
      prepare: makeDirectory,
      tidy() {
        requireAnswers();
        succeedAs(INSTALL);
      },
      prove: () => succeedAs(UNINSTALL),
      state: installed,
      whole: installed,
    },
    {
      ...again(UNINSTALL),
      prepare() {
        makeDirectory();
        succeedAs(INSTALL);
      },
      tidy() {
        requireAnswers();
        if (existsSync(join(BIN, ".bauta"))) succeedAs(UNINSTALL);
      },
      prove: nothing,
      state: installed,
      whole: installed,
    },
  ];
}
