// The packages for the machine that this one is not: the same files as in those for this machine, around its own executable.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { MACHINES, OWN_MACHINE } from "../../../engine/machines.mjs";
import { sha256 } from "../../../tools/package/sums.mjs";
import { EMULATED, OTHER_MACHINE, runs } from "../../support/emulated.ts";
import { run } from "../../support/netns.ts";
import { makePackages, packageNamed, runOnMachine } from "../../support/packages.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const PACKAGES = makePackages();
const EXECUTABLE = sha256(readFileSync(EMULATED));

/** The paths of all that is in a directory. */
const namesIn = (directory: string): string[] => readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();

it("is a tarball, whose executable runs there", () => {
  const unpacked = [OTHER_MACHINE, OWN_MACHINE].map(({ node }) => {
    const directory = temporaryDirectory();
    const tarball = packageNamed(PACKAGES, new RegExp(`-${node}\\.tar\\.gz$`));
    run("tar", "--extract", "--gzip", "--strip-components=1", "--file", tarball, "--directory", directory);
    return directory;
  });
  const [theirs = "", ours = ""] = unpacked;
  expect(namesIn(theirs)).toEqual(namesIn(ours));
  expect(sha256(readFileSync(join(theirs, "bauta")))).toBe(EXECUTABLE);
  const command: [string, string[]] = [OTHER_MACHINE.emulator, [join(theirs, "bauta"), "version"]];
  expect(runs(command)).toEqual({ status: 0, stdout: run("dist/bauta", "version"), stderr: "" });
});

it("is a package for Debian, of the machine's architecture", () => {
  const unpacked = [OTHER_MACHINE, OWN_MACHINE].map(({ debian }) => {
    const deb = packageNamed(PACKAGES, new RegExp(`_${debian}\\.deb$`));
    const directory = temporaryDirectory();
    runOnMachine("dpkg-deb", "--extract", deb, directory);
    return { directory, architecture: runOnMachine("dpkg-deb", "--field", deb, "Architecture").trim() };
  });
  const [theirs, ours] = unpacked;
  expect([theirs?.architecture, ours?.architecture]).toEqual([OTHER_MACHINE.debian, OWN_MACHINE.debian]);
  expect(namesIn(theirs?.directory ?? "")).toEqual(namesIn(ours?.directory ?? ""));
  expect(sha256(readFileSync(join(theirs?.directory ?? "", "usr/bin/bauta")))).toBe(EXECUTABLE);
});

it("is a package for npm, which has the executable", () => {
  const directory = temporaryDirectory();
  const tarball = packageNamed(PACKAGES, new RegExp(`^bauta-linux-${OTHER_MACHINE.node}-.*\\.tgz$`));
  run("tar", "--extract", "--gzip", "--file", tarball, "--directory", directory);
  expect(sha256(readFileSync(join(directory, "package/bauta")))).toBe(EXECUTABLE);
});

describe("the image", () => {
  interface Descriptor {
    readonly mediaType: string;
    readonly digest: string;
    readonly size: number;
    readonly platform?: { readonly architecture: string; readonly os: string };
  }

  it("is one index for all machines, and each has its executable", () => {
    const layout = temporaryDirectory();
    run("tar", "--extract", "--file", packageNamed(PACKAGES, /\.oci\.tar$/), "--directory", layout);
    const blob = ({ digest, size }: Descriptor): Buffer => {
      const bytes = readFileSync(join(layout, "blobs", digest.replace(":", "/")));
      expect([`sha256:${sha256(bytes)}`, bytes.length]).toEqual([digest, size]);
      return bytes;
    };
    const json = (descriptor: Descriptor) => JSON.parse(blob(descriptor).toString());
    const { manifests: named } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
    expect(named).toHaveLength(1);
    const { manifests }: { manifests: readonly Descriptor[] } = json(named[0]);
    const all = Object.values(MACHINES).map(({ oci }) => ({ architecture: oci, os: "linux" }));
    expect(manifests.map(({ platform }) => platform)).toEqual(expect.arrayContaining(all));
    expect(manifests).toHaveLength(all.length);
    for (const one of manifests) {
      const { config, layers } = json(one);
      expect(json(config)).toMatchObject({ ...one.platform, config: { Entrypoint: ["/bauta", "install"] } });
      const layer = gunzipSync(blob(layers[0]));
      expect(json(config).rootfs.diff_ids).toEqual([`sha256:${sha256(layer)}`]);
      const directory = temporaryDirectory();
      writeFileSync(join(directory, "layer.tar"), layer);
      run("tar", "--extract", "--file", join(directory, "layer.tar"), "--directory", directory);
      const isOther = one.platform?.architecture === OTHER_MACHINE.oci;
      expect(sha256(readFileSync(join(directory, "bauta")))).toBe(
        isOther ? EXECUTABLE : sha256(readFileSync("dist/bauta")),
      );
    }
  });
});
