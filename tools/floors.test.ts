import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../test/support/temporary-directory.ts";
import { FLOORS, floorRules } from "./floors.mjs";

const ROOT = join(import.meta.dirname, "..");
const ROOMS = Object.keys(FLOORS);

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } };
  }[];
}

/** Every room's imports that the linter refuses, in a tree in which every room imports every other. */
function refusals(): ReadonlyMap<string, readonly string[]> {
  const tree = temporaryDirectory();
  const config = JSON.parse(readFileSync(join(ROOT, "biome.json"), "utf8"));
  writeFileSync(join(tree, "biome.json"), JSON.stringify({ ...config, $schema: undefined, vcs: undefined }));
  for (const room of ROOMS) {
    mkdirSync(join(tree, "src", room), { recursive: true });
    writeFileSync(join(tree, "src", room, "file.ts"), ROOMS.map((other) => `import "../${other}/file.ts";\n`).join(""));
  }
  const args = ["lint", "--reporter=json", "--max-diagnostics=none", "src"];
  const { stdout, stderr } = spawnSync(join(ROOT, "node_modules/.bin/biome"), args, { cwd: tree, encoding: "utf8" });
  if (!stdout.includes("{")) throw new Error(`biome says ${stdout}${stderr}`);
  const report: Report = JSON.parse(stdout.slice(stdout.indexOf("{")));
  const rule = report.diagnostics.filter(({ category }) => category === "lint/style/noRestrictedImports");
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

  it("have no circle", () => {
    const reaches = (from: string, seen: ReadonlySet<string> = new Set()): boolean =>
      seen.has(from) || (FLOORS[from] ?? []).some((below) => reaches(below, new Set([...seen, from])));
    expect(ROOMS.filter((room) => reaches(room))).toEqual([]);
  });
});
