import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { FLOORS, floorRules, VIEWER_FLOORS } from "./floors.mjs";

const ROOT = join(import.meta.dirname, "..");
const ROOMS = Object.keys(FLOORS);

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } };
  }[];
}

function writeConfig(tree: string): void {
  const config = JSON.parse(readFileSync(join(ROOT, "biome.json"), "utf8"));
  writeFileSync(join(tree, "biome.json"), JSON.stringify({ ...config, $schema: undefined, vcs: undefined }));
}

/** The imports in this directory of the tree that are refused. */
function lint(tree: string, directory: string): Report["diagnostics"] {
  const args = ["lint", "--reporter=json", "--max-diagnostics=none", directory];
  const { stdout, stderr } = spawnSync(join(ROOT, "node_modules/.bin/biome"), args, { cwd: tree, encoding: "utf8" });
  if (!stdout.includes("{")) throw new Error(`biome says ${stdout}${stderr}`);
  const report: Report = JSON.parse(stdout.slice(stdout.indexOf("{")));
  return report.diagnostics.filter(({ category }) => category === "lint/style/noRestrictedImports");
}

/** Every room's imports that the linter refuses, in a tree in which every room imports every other. */
function refusals(): ReadonlyMap<string, readonly string[]> {
  const tree = temporaryDirectory();
  writeConfig(tree);
  for (const room of ROOMS) {
    mkdirSync(join(tree, "src", room), { recursive: true });
    writeFileSync(join(tree, "src", room, "file.ts"), ROOMS.map((other) => `import "../${other}/file.ts";\n`).join(""));
  }
  const rule = lint(tree, "src");
  return new Map(
    ROOMS.map((room) => {
      const own = rule.filter(({ location }) => location.path === `src/${room}/file.ts`);
      return [room, own.map(({ location }) => ROOMS[location.start.line - 1] ?? "?").sort()];
    }),
  );
}

describe("the floors", () => {
  it("are what biome.json says: `node tools/floors.mjs` writes it", () => {
    expect(JSON.parse(readFileSync(join(ROOT, "biome.json"), "utf8")).overrides).toEqual(floorRules());
  });

  it("have every room of src", () => {
    const folders = readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect([...ROOMS].sort()).toEqual(folders.map(({ name }) => name).sort());
    expect(existsSync(join(ROOT, "src/main.ts"))).toBe(true);
  });

  it("let a room import what is below it and refuse the rest", () => {
    const above = (room: string): string[] =>
      ROOMS.filter((other) => other !== room && !(FLOORS[room] ?? []).includes(other));
    expect([...refusals()]).toEqual(ROOMS.map((room) => [room, above(room).sort()]));
  });

  it("have every room of the viewer, and let none import one that stands above it", () => {
    const folders = readdirSync(join(ROOT, "viewer"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(Object.keys(VIEWER_FLOORS).sort()).toEqual(folders.map(({ name }) => name).sort());
    const tree = temporaryDirectory();
    writeConfig(tree);
    const rooms = Object.keys(VIEWER_FLOORS);
    const others = [...rooms.map((room) => `../${room}`), "../../src/sys", "../../src/wire"];
    for (const room of rooms) {
      mkdirSync(join(tree, "viewer", room), { recursive: true });
      writeFileSync(join(tree, "viewer", room, "file.ts"), others.map((to) => `import "${to}/file.ts";\n`).join(""));
    }
    const refused = lint(tree, "viewer").map(({ location }) => `${location.path} ${others[location.start.line - 1]}`);
    const wrong = rooms.flatMap((room) => {
      const allowed = [room, ...(VIEWER_FLOORS[room] ?? [])].map((to) => `../${to}`);
      return others
        .filter((to) => !allowed.includes(to) && to !== "../../src/wire")
        .map((to) => `viewer/${room}/file.ts ${to}`);
    });
    expect(refused.sort()).toEqual(wrong.sort());
  });

  it("have no circle", () => {
    const reaches = (from: string, seen: ReadonlySet<string> = new Set()): boolean =>
      seen.has(from) || (FLOORS[from] ?? []).some((below) => reaches(below, new Set([...seen, from])));
    expect(ROOMS.filter((room) => reaches(room))).toEqual([]);
  });
});
