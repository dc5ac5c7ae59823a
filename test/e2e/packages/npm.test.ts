// The packages for npm, from a registry: of the executables npm takes the one for this machine, and no script runs.

import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBeside } from "../../support/background.ts";
import { run } from "../../support/netns.ts";
import { ended, makePackages, packageNamed } from "../../support/packages.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const PACKAGES = makePackages();
const TARBALLS = readdirSync(PACKAGES)
  .filter((name) => name.endsWith(".tgz"))
  .map((name) => join(PACKAGES, name));
const execute = promisify(execFile);

/** A file out of a package. */
const extracted = (tarball: string, name: string): string =>
  run("tar", "--extract", "--gzip", "--to-stdout", "--file", tarball, `package/${name}`);

const manifests = TARBALLS.map((file) => JSON.parse(extracted(file, "package.json")));

let registry: Server;
let url = "";
beforeAll(async () => {
  registry = createServer(({ url: path = "" }, response) => {
    const tarball = TARBALLS.find((file) => path === `/${basename(file)}`);
    const index = manifests.findIndex(({ name }) => decodeURIComponent(path) === `/${name}`);
    if (tarball !== undefined) response.end(readFileSync(tarball));
    else if (index >= 0) response.end(JSON.stringify(documentOf(manifests[index], TARBALLS[index] ?? "")));
    else response.writeHead(404).end("{}");
  });
  await new Promise<void>((done) => registry.listen(0, "127.0.0.1", done));
  const { port } = registry.address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;
});
afterAll(() => registry.close());

/** What a registry tells of a package that has one version. */
function documentOf(manifest: { name: string; version: string }, tarball: string): object {
  const { name, version } = manifest;
  const dist = { tarball: `${url}/${basename(tarball)}` };
  return { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
}

/** A directory of somebody who has nothing of bauta's. */
function project(): { directory: string; env: NodeJS.ProcessEnv } {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "package.json"), '{ "private": true }');
  const settings = {
    registry: url,
    cache: join(directory, "cache"),
    audit: "false",
    fund: "false",
    update_notifier: "false",
  };
  const env: NodeJS.ProcessEnv = { PATH: process.env["PATH"], HOME: directory };
  for (const [name, value] of Object.entries(settings)) env[`npm_config_${name}`] = value;
  return { directory, env };
}

async function runs(
  program: string,
  args: readonly string[],
  { directory, env }: ReturnType<typeof project>,
): Promise<{ status: number; stdout: string; stderr: string }> {
  try {
    return { status: 0, ...(await execute(program, args, { cwd: directory, env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

describe("the packages for npm", () => {
  it("are one that chooses, and one for each machine, which says where it belongs", () => {
    const [chooser] = manifests.filter(({ name }) => name === "bauta");
    const others = manifests.filter(({ name }) => name !== "bauta");
    expect(Object.keys(chooser.optionalDependencies).sort()).toEqual(others.map(({ name }) => name).sort());
    expect(others.map(({ name, os, cpu, version }) => [name, os, cpu, version]).sort()).toEqual([
      ["@bauta/linux-arm64", ["linux"], ["arm64"], chooser.version],
      ["@bauta/linux-x64", ["linux"], ["x64"], chooser.version],
    ]);
  });

  it("bring doctor to a machine without a registry, from files", async () => {
    const own = project();
    const files = [
      packageNamed(PACKAGES, /^bauta-\d.*\.tgz$/),
      packageNamed(PACKAGES, new RegExp(`-${process.arch}-.*\\.tgz$`)),
    ];
    const env = { ...own.env, npm_config_registry: "http://127.0.0.1:1" };
    const installed = await runs("npm", ["install", "--offline", ...files], { ...own, env });
    expect(installed).toMatchObject({ status: 0 });
    const node = (...args: readonly string[]) => runs("npx", ["--no-install", "bauta", ...args], { ...own, env });
    expect(await node("version")).toEqual({ status: 0, stdout: run("dist/bauta", "version"), stderr: "" });
    const [theirs, ours] = [await node("doctor", "--json"), ended("dist/bauta", "doctor", "--json")];
    expect({ ...theirs }).toEqual({ ...ours });
    expect(JSON.parse(theirs.stdout).checks).toContain("kernel");
  });

  it("bring the command, which npx runs, with its standard output and its exit status", async () => {
    const own = project();
    expect(await runs("npm", ["install", "--ignore-scripts", "bauta"], own)).toMatchObject({ status: 0 });
    const version = run("dist/bauta", "version");
    expect(await runs("npx", ["--no-install", "bauta", "version"], own)).toEqual({
      status: 0,
      stdout: version,
      stderr: "",
    });
    const wrong = await runs("npx", ["--no-install", "bauta", "no-such-command"], own);
    expect(wrong).toMatchObject({ status: 2, stdout: "" });
    expect(wrong.stderr).toContain("no-such-command");
  });

  it("run by npx in a directory that has nothing installed", async () => {
    const outcome = await runs("npx", ["--yes", "bauta", "help", "install"], project());
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout).toContain("bauta install");
  });

  it("say what is missing where the executable was left out", async () => {
    const own = project();
    await runs("npm", ["install", "--omit=optional", "bauta"], own);
    const { status, stderr } = await runs("npx", ["--no-install", "bauta", "version"], own);
    expect(status).toBe(1);
    expect(stderr).toMatch(/@bauta\/linux-\w+ is not installed: install bauta again, without --omit=optional/);
  });

  it("pass a signal on to the command, which ends", async () => {
    const own = project();
    await runs("npm", ["install", "bauta"], own);
    const shim = join(own.directory, "node_modules/bauta/bin/bauta.mjs");
    const monitor = startBeside("node", [shim, "monitor", "--all"], { env: own.env });
    // Until it is there to see it.
    const change = (): void => {
      for (const how of ["add", "delete"]) run("nft", how, "table", "ip", "changed");
    };
    const changes = setInterval(change, 50);
    await monitor.prints(/changed/);
    clearInterval(changes);
    monitor.child.kill("SIGTERM");
    expect(await monitor.ends()).toBe(128 + 15);
  });
});
