// Many of our host-local and of upstream's at once, on one network, as when a node starts all its containers.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { peerDirectory } from "../support/differential.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const OURS = resolve("dist/cni/host-local");
const COUNT = 60;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
}

function start(executable: string, command: string, containerId: string, config: unknown): Promise<Outcome> {
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_IFNAME: "eth0",
    CNI_NETNS: "/run/netns/none",
    CNI_PATH: "/nowhere",
  };
  return new Promise((done, fail) => {
    const child = spawn(executable, { env, stdio: ["pipe", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.on("data", (data) => {
      stdout += data;
    });
    child.on("error", fail);
    child.on("close", (status) => done({ status, stdout }));
    child.stdin.end(JSON.stringify(config));
  });
}

describe("host-local, many at once", () => {
  it.each<[string, (n: number) => string]>([
    ["of ours alone", () => OURS],
    ["of ours and of upstream's", (n) => (n % 2 === 0 ? OURS : `${peerDirectory()}/host-local`)],
  ])("%s: every container gets addresses of its own, and gives them back", async (_, executable) => {
    const dataDir = temporaryDirectory();
    const ranges = [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00::/64" }]];
    const config = { cniVersion: "1.0.0", name: "net", type: "any", ipam: { type: "host-local", dataDir, ranges } };
    const all = (command: string, executableOf: (n: number) => string): Promise<readonly Outcome[]> =>
      Promise.all(Array.from({ length: COUNT }, (__, n) => start(executableOf(n), command, `c${n}`, config)));
    const files = (): string[] => readdirSync(`${dataDir}/net`).filter((name) => /^(10|fd)/.test(name));

    const added = await all("ADD", executable);
    expect(added.filter(({ status }) => status !== 0)).toEqual([]);
    const addresses = added.map(({ stdout }): string[] =>
      JSON.parse(stdout).ips.map(({ address }: { address: string }) => address.replace(/\/.*/, "")),
    );
    expect(new Set(addresses.flat()).size).toBe(2 * COUNT);
    for (const [n, own] of addresses.entries()) {
      for (const address of own) expect(readFileSync(`${dataDir}/net/${address}`, "utf8")).toBe(`c${n}\r\neth0`);
    }

    // CHECKs and DELs in between of one another, each by the other implementation.
    const other = (n: number): string => executable(n + 1);
    const half = Array.from({ length: COUNT }, (__, n) =>
      start(other(n), n % 3 === 0 ? "DEL" : "CHECK", `c${n}`, config),
    );
    expect((await Promise.all(half)).filter(({ status }) => status !== 0)).toEqual([]);
    expect(files()).toHaveLength((2 * COUNT * 2) / 3);

    expect((await all("DEL", other)).filter(({ status }) => status !== 0)).toEqual([]);
    // Where upstream's were the last, our index is still there, though it counts for nothing: the next of ours removes it.
    expect((await start(OURS, "DEL", "c0", config)).status).toBe(0);
    expect(readdirSync(`${dataDir}/net`).sort()).toEqual(["last_reserved_ip.0", "last_reserved_ip.1", "lock"]);
  });
});
