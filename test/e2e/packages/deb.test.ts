// The package for Debian, by dpkg, in a directory that has a dpkg database of its own: alone, and beside the one of
// containernetworking/plugins.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { OWN_MACHINE } from "../../../engine/machines.mjs";
import { PLUGIN_NAMES } from "../../../src/plugins/all.ts";
import { run } from "../../support/netns.ts";
import { type Ended, ended, makePackages, packageNamed, runOnMachine } from "../../support/packages.ts";
import { executable } from "../../support/plugin.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const PACKAGES = makePackages();
const PEER = "containernetworking-plugins";

/** A machine that has nothing but dpkg's database. */
class Machine {
  readonly root: string = temporaryDirectory();

  constructor() {
    const database = join(this.root, "var/lib/dpkg");
    for (const name of ["info", "updates"]) mkdirSync(join(database, name), { recursive: true });
    writeFileSync(join(database, "status"), "");
  }

  dpkg(...args: readonly string[]): string {
    return runOnMachine("dpkg", `--root=${this.root}`, "--force-not-root", ...args);
  }

  install(): void {
    this.dpkg("--install", packageNamed(PACKAGES, new RegExp(`_${OWN_MACHINE.debian}\\.deb$`)));
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** The command, as it is installed, for the directory of the other package. */
  bauta(verb: "install" | "uninstall"): Ended {
    return ended(this.path("usr/bin/bauta"), verb, "--bin-dir", this.path("usr/lib/cni"));
  }

  /** All that is there, but for dpkg's own files. */
  files(): string[] {
    const names = readdirSync(this.root, { recursive: true, encoding: "utf8" });
    return names.filter((name) => !/^var(\/|$)/.test(name)).sort();
  }
}

const versionsOf = (path: string): unknown =>
  executable(path)({ command: "VERSION", config: { cniVersion: "1.0.0" } }).json?.supportedVersions;

/** Upstream's executable. */
function upstreams(name: string): Buffer {
  const peers = process.env["BAUTA_PEER_DIR"];
  if (peers === undefined) throw new Error("BAUTA_PEER_DIR is not set: tools/peer-plugins.sh prints it");
  return readFileSync(join(peers, name));
}

/** A package with upstream's executables where Debian's package has them. */
function peerPackage(version: string): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, "DEBIAN"));
  mkdirSync(join(directory, "usr/lib/cni"), { recursive: true });
  for (const name of ["bridge", "host-local", "loopback"]) {
    writeFileSync(join(directory, "usr/lib/cni", name), upstreams(name), { mode: 0o755 });
  }
  const control = `Package: ${PEER}\nVersion: ${version}\nArchitecture: amd64\nMaintainer: nobody\nDescription: the peer\n`;
  writeFileSync(join(directory, "DEBIAN/control"), control);
  const deb = `${directory}/${PEER}.deb`;
  runOnMachine("dpkg-deb", "--root-owner-group", "-Znone", "--build", directory, deb);
  return deb;
}

const isUpstreams = (path: string): boolean => readFileSync(path).equals(upstreams(basename(path)));

describe("the package for Debian", () => {
  it("brings the command and each plugin, and leaves nothing when it is removed", () => {
    const machine = new Machine();
    machine.install();
    expect(machine.dpkg("--verify", "bauta")).toBe("");
    expect(run(machine.path("usr/bin/bauta"), "version")).toBe(run("dist/bauta", "version"));
    for (const name of PLUGIN_NAMES) {
      expect(versionsOf(machine.path(`usr/lib/bauta/cni/${name}`))).toContain("1.1.0");
    }
    expect(readFileSync(machine.path("usr/share/doc/bauta/copyright"), "utf8")).toContain("QuickJS");
    machine.dpkg("--remove", "bauta");
    expect(machine.files()).toEqual([]);
    machine.dpkg("--purge", "bauta");
    expect(machine.dpkg("--get-selections")).toBe("");
  });

  it("shares no file with containernetworking-plugins: both are installed, in either order", () => {
    for (const isFirst of [true, false]) {
      const machine = new Machine();
      if (isFirst) machine.install();
      machine.dpkg("--install", peerPackage("1.9.1"));
      if (!isFirst) machine.install();
      expect(isUpstreams(machine.path("usr/lib/cni/bridge"))).toBe(true);
      expect(isUpstreams(machine.path("usr/lib/bauta/cni/bridge"))).toBe(false);
    }
  });

  // The reason why /usr/lib/bauta/cni is what a runtime should be told: docs/adr/0023-packages.md
  it("does not keep dpkg from putting upstream's files over what bauta install has put into their directory", () => {
    const machine = new Machine();
    machine.dpkg("--install", peerPackage("1.9.1"));
    machine.install();
    expect(machine.bauta("install")).toMatchObject({ status: 0, stderr: "" });
    const bridge = machine.path("usr/lib/cni/bridge");
    expect(versionsOf(bridge)).toContain("1.1.0");
    expect(isUpstreams(bridge)).toBe(false);

    machine.dpkg("--install", peerPackage("1.9.2"));
    expect(isUpstreams(bridge)).toBe(true);
    expect(machine.bauta("install")).toMatchObject({ status: 0, stderr: "" });
    expect(isUpstreams(bridge)).toBe(false);

    expect(machine.bauta("uninstall")).toMatchObject({ status: 0, stderr: "" });
    expect(isUpstreams(bridge)).toBe(true);
    machine.dpkg("--remove", PEER, "bauta");
    expect(machine.files()).toEqual([]);
  });

  it("may be removed while bauta install's copy is in use, which goes on and can still be taken off", () => {
    const machine = new Machine();
    machine.install();
    expect(machine.bauta("install")).toMatchObject({ status: 0 });
    machine.dpkg("--purge", "bauta");
    expect(existsSync(machine.path("usr/bin/bauta"))).toBe(false);
    const [bin, bridge] = [machine.path("usr/lib/cni"), machine.path("usr/lib/cni/bridge")];
    expect(versionsOf(bridge)).toContain("1.1.0");
    expect(ended(join(bin, "bauta"), "uninstall", "--bin-dir", bin)).toMatchObject({ status: 0, stderr: "" });
    expect(readdirSync(bin)).toEqual([]);
  });
});
