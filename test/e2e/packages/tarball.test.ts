// The tarball and the sums, as somebody uses them who has downloaded them.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PLUGIN_NAMES } from "../../../src/plugins/all.ts";
import { run } from "../../support/netns.ts";
import { ended, makePackages, packageNamed } from "../../support/packages.ts";
import { executable } from "../../support/plugin.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const PACKAGES = makePackages();

it("have sums that sha256sum finds to be right, of every package", () => {
  const lines = run("sh", "-c", 'cd "$1" && sha256sum --strict --check SHA256SUMS', "sh", PACKAGES).trim().split("\n");
  const others = readdirSync(PACKAGES).filter((name) => name !== "SHA256SUMS");
  expect(lines.sort()).toEqual(others.map((name) => `${name}: OK`).sort());
  expect(others.length).toBeGreaterThan(5);
});

it("installs from where it was unpacked, and takes itself off again", () => {
  const directory = temporaryDirectory();
  run(
    "tar",
    "--extract",
    "--gzip",
    "--file",
    packageNamed(PACKAGES, new RegExp(`-${process.arch}\\.tar\\.gz$`)),
    "--directory",
    directory,
  );
  const [name = ""] = readdirSync(directory);
  expect(readdirSync(join(directory, name))).toEqual(
    expect.arrayContaining(["LICENSE", "NOTICES", "README.md", "bauta", "bauta.cdx.json", "systemd"]),
  );
  const bauta = join(directory, name, "bauta");
  const bin = join(directory, "opt/cni/bin");
  expect(ended(bauta, "install", "--bin-dir", bin)).toMatchObject({ status: 0, stderr: "" });
  for (const plugin of PLUGIN_NAMES) {
    const outcome = executable(join(bin, plugin))({ command: "VERSION", config: { cniVersion: "1.0.0" } });
    expect(outcome.json?.supportedVersions).toContain("1.1.0");
  }
  expect(ended(join(bin, "bauta"), "uninstall", "--bin-dir", bin)).toMatchObject({ status: 0, stderr: "" });
  expect(readdirSync(bin)).toEqual([]);
});
