// The bauta command as it is built, beside nft(8), in a namespace of its own.

import { spawnSync } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PATIENCE_MS, PATIENCE_S } from "../../engine/patience.mjs";
import type { Attachment } from "../../src/cni/attachment.ts";
import { setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { isInInitialPidNamespace } from "../../src/sys/pid-namespace.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { type Background, startBeside, until } from "../support/background.ts";
import { requireNamespaces, run } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const BAUTA = resolve("dist/bauta");

beforeAll(() => requireNamespaces());
beforeEach(() => unshareNetns());
afterEach(() => rmSync(RECORDS, { recursive: true, force: true }));

const at = (containerId: string, network = "dual"): Attachment => ({ network, containerId, ifname: "eth0" });
const cidrs = (...texts: readonly string[]): Cidr[] =>
  texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw new Error(text);
    return cidr;
  });
/** The addresses of container number `n`, and the policies that they have by their subnets. */
const V4 = (n: number): string => `198.18.0.${n}/17`;
const V6 = (n: number): string => `fd61:7465:6d65:1000::${n.toString(16)}/112`;
const dual = (n: number): Cidr[] => cidrs(V4(n), V6(n));
const POLICY = { V4: "outside-198.18.0.0/17", V6: "outside-fd61-7465-6d65-1000--/112" };

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function bauta(args: readonly string[], env: Record<string, string> = {}): Outcome {
  return spawnSync(BAUTA, args, { encoding: "utf8", env: { PATH: process.env["PATH"] ?? "", ...env } });
}

/** A shell line in which $BAUTA is the command; PIPESTATUS is printed behind what the line prints. */
function shell(line: string): string {
  return run("timeout", String(PATIENCE_S), "env", `BAUTA=${BAUTA}`, "bash", "-c", `${line}; echo "\${PIPESTATUS[*]}"`);
}

describe("bauta list", () => {
  it("shows whole names and the counts that nft shows", () => {
    const container = "0123456789abcdef".repeat(4);
    const network = "a-network-with-a-name-of-some-length";
    setUpMasquerade(at(container, network), dual(5));
    setUpMasquerade(at("c2"), dual(6));
    run("ip", "link", "set", "lo", "up");
    run("ip", "address", "add", "198.18.0.5/32", "dev", "lo");
    run("ping", "-q", "-c1", `-W${PATIENCE_S}`, "-I", "198.18.0.5", "127.0.0.1");
    const { status, stdout, stderr } = bauta(["list"]);
    expect([status, stderr]).toEqual([0, ""]);
    const [head, ...rows] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(head).toEqual(["NETWORK", "CONTAINER", "INTERFACE", "ADDRESS", "POLICY", "PACKETS", "BYTES"]);
    expect(rows.slice(0, 2)).toEqual([
      [network, container, "eth0", V4(5), POLICY.V4, "1", "84"],
      [network, container, "eth0", V6(5), POLICY.V6, "0", "0"],
    ]);
    expect(run("nft", "list", "set", "ip", "bauta_masquerade", "members")).toContain(
      "198.18.0.5 counter packets 1 bytes 84",
    );
  });

  it("prints the attachments of one network as JSON with --json and --network", () => {
    setUpMasquerade(at("c1", "other"), dual(5));
    setUpMasquerade(at("c2"), dual(6));
    const counted = { packets: 0, bytes: 0, state: "ok" };
    expect(JSON.parse(bauta(["list", "--json", "--network", "dual"]).stdout)).toEqual([
      {
        network: "dual",
        container: "c2",
        interface: "eth0",
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        state: "ok",
        addresses: [
          { address: V4(6), policy: POLICY.V4, ...counted },
          { address: V6(6), policy: POLICY.V6, ...counted },
        ],
      },
    ]);
  });

  it("ends without an error when its reader is gone, even a reader that has read nothing", () => {
    for (let n = 1; n <= 60; n++) setUpMasquerade(at(`c${n}-${"x".repeat(60)}`), dual(n));
    expect(shell('"$BAUTA" list 2>&1 | true')).toMatch(/^0 0\n$/);
    expect(shell('"$BAUTA" list 2>&1 | head -1')).toMatch(/^NETWORK .*\n0 0\n$/);
  });

  it("has no colours in a pipe, but colours and shortened container ids on a terminal", () => {
    setUpMasquerade(at("0123456789abcdef".repeat(4)), dual(5));
    expect(bauta(["list"], { TERM: "xterm" }).stdout).not.toContain("\x1b");
    const onTerminal = (environment: string): string =>
      run(
        "timeout",
        String(PATIENCE_S),
        "script",
        "-qec",
        `stty cols 120; ${environment} ${BAUTA} list`,
        "/dev/null",
      ).trimEnd();
    const coloured = onTerminal("TERM=xterm");
    expect(coloured).toContain("\x1b[1mNETWORK\x1b[22m");
    expect(coloured).toMatch(/ 0123456789abcd[0-9a-f]*… /);
    expect(onTerminal("TERM=xterm NO_COLOR=1")).not.toContain("\x1b");
  });

  it("says what to do without privileges", () => {
    const { status, stdout, stderr } = spawnSync(
      "setpriv",
      ["--bounding-set=-all", "--inh-caps=-all", "--", BAUTA, "list"],
      {
        encoding: "utf8",
      },
    );
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^bauta: cannot .*EPERM.*\nbauta: .*CAP_NET_ADMIN.*run it as root\n$/);
  });

  it("fails when what it prints cannot be written", () => {
    expect(shell('"$BAUTA" list >/dev/full')).toBe("1\n");
    expect(shell('"$BAUTA" list >&-')).toBe("1\n");
  });
});

/** Makes a table that says nothing, as a mark in what the listeners print, and waits until all have printed it. */
async function mark(name: string, listeners: readonly Background[]): Promise<void> {
  const table = `bauta_mark_${name}`;
  await until(name, () => {
    const missing = listeners.some(({ printed }) => !printed().includes(`delete table ip ${table}`));
    // Again and again, because at the beginning they may not listen yet.
    if (missing) run("nft", `add table ip ${table}; delete table ip ${table}`);
    return !missing;
  });
}

/** What the listeners print of what happens in between. */
async function eventsOf(listeners: readonly Background[], work: () => void): Promise<string[]> {
  await mark("a", listeners);
  work();
  await mark("z", listeners);
  return listeners.map(({ printed }) => {
    const lines = printed().split("\n");
    const from = lines.findLastIndex((line) => line.includes("table ip bauta_mark_a"));
    const to = lines.findIndex((line) => line.includes("table ip bauta_mark_z"));
    return lines.slice(from + 1, to).join("\n");
  });
}

/** What nft monitor says was changed. */
function changesOf(text: string): string[] {
  const lines = text.split("\n").filter((line) => /^(add|create|insert|delete) /.test(line));
  // nft calls a rule inserted where the kernel does not say where it has gone, as in 5.10.
  return lines.map((line) =>
    comparable(line.replace(/^create|^insert/, "add").replace(/^delete set (?!.* members$)/, "delete map ")),
  );
}

/**
 * Without what only nft shows (comments, counts, the types of maps, the handles of rules that are deleted) and what only
 * we do (whose an element is, the rules that are deleted, what is a map).
 */
function comparable(line: string): string {
  return line
    .replace(/ {2}# .*/, "")
    .replace(/ comment "[^"]*"/, "")
    .replace(/ counter packets \d+ bytes \d+(?= :| \})/, "")
    .replace(/ counter packets \d+ bytes \d+/, " counter")
    .replace(/^(add (map|set|object) \S+ \S+ \S+) \{.*/, "$1")
    .replace(/^(add chain .*?) ?\{ ?\}$/, "$1")
    .replace(/^(add table \S+ \S+) \{.*/, "$1")
    .replace(/^(add rule \S+ \S+ \S+) handle \d+/, "$1") // that of the rule it comes after
    .replace(/^(delete rule \S+ \S+ \S+) .*/, "$1");
}

/** What stands behind the kernel's process ids in this process-id namespace. */
const WHERE = isInInitialPidNamespace() ? "" : " on the host";

describe("bauta monitor", () => {
  it("prints what nft monitor prints, and names the attachment", async () => {
    const nft = startBeside("nft", ["monitor"]);
    const ours = startBeside(BAUTA, ["monitor"]);
    const [expected = "", found = ""] = await eventsOf([nft, ours], () => {
      setUpMasquerade(at("c1"), dual(5));
      setUpMasquerade(at("c2"), dual(6));
      tearDownMasquerade(at("c1"), []);
      tearDownMasquerade(at("c2"), []);
    });
    const changes = changesOf(expected);
    const lines = found.split("\n").filter((line) => line.startsWith("  "));
    expect(lines.map((line) => comparable(line.trim()))).toEqual(changes);
    expect(changes.length).toBeGreaterThan(30);
    const generations = [...expected.matchAll(/# new generation (\d+) by process (\d+) \((.*)\)/g)].map(
      ([, generation, pid, program]) => `generation ${generation} by ${program}, process ${pid}${WHERE}`,
    );
    // The mark before it has left its generation in nft's text only, and the mark behind it in ours only.
    expect(found.match(/^generation .*$/gm)?.slice(0, -1)).toEqual(generations.slice(1));
    const isNetwork = (line: string): boolean => line.includes(" networks {");
    for (const line of lines.filter((one) => one.includes(" element ") && !isNetwork(one))) {
      expect(line).toMatch(/\.5 |::5 /.test(line) ? / {2}# dual c1 eth0: outside / : / {2}# dual c2 eth0: outside /);
    }
    for (const line of lines.filter(isNetwork)) expect(line).toMatch(/ : goto \S+ \} {2}# outside /);
  });

  it("names the attachments of elements that were there before it was started, as JSON with --json", async () => {
    setUpMasquerade(at("c1"), dual(5));
    const ours = startBeside(BAUTA, ["monitor", "--json"]);
    await until("listening", () => {
      run("nft", "add table ip bauta_other; delete table ip bauta_other");
      return ours.printed() !== "";
    });
    tearDownMasquerade(at("c1"), []);
    const events = (): Record<string, unknown>[] =>
      ours
        .printed()
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    await until("deleted", () =>
      events().some(({ kind, family, table }) => kind === "table" && family === "ip6" && table === "bauta_masquerade"),
    );
    const elements = events().filter(({ kind }) => kind === "element");
    expect(new Set(elements.map(({ generation }) => generation)).size).toBe(1);
    expect(elements.map(({ change, family, set, key, container }) => [change, family, set, key, container])).toEqual([
      ["delete", "ip", "owners", "198.18.0.5", "c1"],
      ["delete", "ip", "policies", "198.18.0.5", "c1"],
      ["delete", "ip", "members", "198.18.0.5", "c1"],
      ["delete", "ip", "networks", "198.18.0.0/17", null],
      ["delete", "ip6", "owners", "fd61:7465:6d65:1000::5", "c1"],
      ["delete", "ip6", "policies", "fd61:7465:6d65:1000::5", "c1"],
      ["delete", "ip6", "members", "fd61:7465:6d65:1000::5", "c1"],
      ["delete", "ip6", "networks", "fd61:7465:6d65:1000::/112", null],
    ]);
  });

  it("shows all tables with --all, with nothing that nft does not print", async () => {
    const nft = startBeside("nft", ["monitor"]);
    const ours = startBeside(BAUTA, ["monitor", "--all"]);
    const rules = `
      add table inet other
      add set inet other hosts { type ipv4_addr . inet_service; }
      add element inet other hosts { 10.0.0.1 . 80 }
      add counter inet other seen
      add chain inet other input { type filter hook input priority filter; policy drop; }
      add rule inet other input meta l4proto tcp accept
      delete table inet other`;
    const [expected = "", found = ""] = await eventsOf([nft, ours], () => void run("nft", rules));
    const changes = changesOf(expected.replaceAll(/^(\w+) counter /gm, "$1 object "));
    const lines = found.split("\n").filter((line) => line.startsWith("  "));
    expect(lines.map((line) => comparable(line.trim()))).toEqual(
      changes.map((line) => line.replace("delete map inet", "delete set inet")),
    );
    expect(found).toContain("add element inet other hosts { 10.0.0.1 . 80 }");
  });

  it("says in a process-id namespace of its own that the process ids are those of the host", async () => {
    const ours = startBeside("unshare", ["--pid", "--fork", "--kill-child", "--mount-proc", BAUTA, "monitor", "--all"]);
    await mark("a", [ours]);
    const pids = [...ours.printed().matchAll(/^generation \d+ by nft, process (\d+) on the host$/gm)];
    expect(pids.length).toBeGreaterThan(0);
  });

  it("ends without an error when it is interrupted by Ctrl-C", async () => {
    const ours = startBeside(BAUTA, ["monitor"]);
    await mark("a", [ours]);
    const ended = ours.ends();
    ours.child.kill("SIGINT");
    expect(await ended).toBe("SIGINT");
  });

  it("ends without an error when its reader is gone, also when nothing happens any more", () => {
    const change = "nft 'add table ip bauta_other; delete table ip bauta_other'";
    const changes = `(while kill -0 $$ 2>/dev/null; do ${change}; done) & made=$!`;
    expect(shell(`${changes}; "$BAUTA" monitor 2>&1 | head -1; kill $made; true`)).toMatch(
      /^generation \d+ by nft.*\n0\n$/,
    );
    // Nothing happens any more: it is the pipe alone that tells.
    expect(shell('"$BAUTA" monitor 2>&1 | true')).toBe("0 0\n");
  });

  it("says what to do without privileges", () => {
    const command = ["--bounding-set=-all", "--inh-caps=-all", "--", BAUTA, "monitor"];
    const { status, stdout, stderr } = spawnSync("setpriv", command, { encoding: "utf8", timeout: PATIENCE_MS });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^bauta: cannot .*EPERM.*\nbauta: .*CAP_NET_ADMIN.*run it as root\n$/);
  });
});

describe("the executable under a name that is not the name of a plugin", () => {
  it("ends with a CNI error that quotes the name", () => {
    const link = join(temporaryDirectory(), "brige");
    symlinkSync(BAUTA, link);
    const { status, stdout } = spawnSync(link, [], { encoding: "utf8", env: { CNI_COMMAND: "ADD" } });
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code: 4, msg: expect.stringContaining('"brige"') });
  });
});

describe("bauta", () => {
  it("prints its version, and the licences of the software that it is built from", () => {
    expect(bauta(["version"]).stdout).toMatch(/^bauta \d+\.\d+\.\d+\nCNI .*1\.1\.0\nbuilt with QuickJS .*\n$/);
    expect(bauta(["licenses"]).stdout).toMatch(/QuickJS.*Permission is hereby granted/s);
  });

  it("refuses an unknown verb with status 2, and suggests the closest verb", () => {
    expect(bauta(["lst"])).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringContaining("did you mean list?"),
    });
  });
});
