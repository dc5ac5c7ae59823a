// The packages for npm, from a registry: of the executables npm takes the one for this machine, and no script runs.

import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBeside } from "../../support/background.ts";
import { run } from "../../support/netns.ts";
import { makePackages, packageNamed } from "../../support/packages.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const PACKAGES = makePackages();
const TARBALLS = [/^bauta-\d.*\.tgz$/, /^bauta-linux-.*\.tgz$/].map((pattern) => packageNamed(PACKAGES, pattern));
const execute = promisify(execFile);

let registry: Server;
let url = "";
beforeAll(async () => {
  const manifests = TARBALLS.map((file) =>
    JSON.parse(run("tar", "--extract", "--gzip", "--to-stdout", "--file", file, "package/package.json")),
  );
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
