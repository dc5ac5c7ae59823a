// Who builds a release again gets the release: in another directory, at another time, as somebody with other habits.

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, utimesSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { expect, it } from "vitest";
import { makePackages, packageInto } from "../../support/packages.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const ROOT = resolve(".");
const PACKAGES = makePackages();

/** What a clone has, of what a build reads. */
const SOURCES = ["src", "engine", "tools", "systemd", "package.json", "package-lock.json"];
SOURCES.push(...readdirSync(ROOT).filter((name) => /^[A-Z]+(\.md)?$/.test(name)));
/** Packages of npm that no build looks at, half a gigabyte. */
const UNUSED =
  /^node_modules\/(@biomejs|@rollup|@typescript|echarts|knip|rollup|typescript|vite|vitest|zod|zrender)(\/|$)/;

/** A clone in a directory of its own, deeper than this one, whose files are older. Nothing has been built there. */
function otherClone(): string {
  const clone = join(temporaryDirectory(), "some where/else");
  mkdirSync(clone, { recursive: true });
  for (const name of [...SOURCES, "node_modules"]) {
    cpSync(join(ROOT, name), join(clone, name), {
      recursive: true,
      filter: (from) => !UNUSED.test(relative(ROOT, from)),
    });
  }
  const old = new Date("2001-02-03");
  for (const name of readdirSync(join(clone, "src"), { recursive: true, encoding: "utf8" })) {
    utimesSync(join(clone, "src", name), old, old);
  }
  return clone;
}

it("makes the same bytes in another directory at another time, with the release's notes", () => {
  const clone = otherClone();
  const notes = readdirSync(PACKAGES).filter((name) => name.endsWith(".notes"));
  expect(notes).toHaveLength(1);
  for (const name of notes) cpSync(join(PACKAGES, name), join(clone, "build/training", name));
  const env = {
    ...process.env,
    BAUTA_QUICKJS: process.env["BAUTA_QUICKJS"] ?? quickjs(),
    TZ: "Pacific/Kiritimati",
    LC_ALL: "C.UTF-8",
    USER: "somebody",
    TMPDIR: join(clone, "tmp"),
  };
  mkdirSync(env.TMPDIR);
  // The other machine's musl, which else comes through apt.
  cpSync(join(ROOT, "build/sysroot"), join(clone, "build/sysroot"), { recursive: true, verbatimSymlinks: true });
  for (const machine of ["x64", "arm64"]) {
    const command = ["-c", 'umask 027; exec node "$1/engine/build.mjs" --machine "$2"', "sh", clone, machine];
    expect(spawnSync("sh", command, { cwd: "/", encoding: "utf8", env })).toMatchObject({ status: 0, stderr: "" });
  }
  const other = join(clone, "packages");
  packageInto(clone, other, env);
  const sums = (directory: string): string[] => readFileSync(join(directory, "SHA256SUMS"), "utf8").trim().split("\n");
  expect(sums(other)).toEqual(sums(PACKAGES));
});

/** The source that this clone's own build has been made of. */
function quickjs(): string {
  const [name = ""] = readdirSync(join(ROOT, "build")).filter((one) => /^quickjs-[\d.]+$/.test(one));
  return realpathSync(join(ROOT, "build", name));
}
