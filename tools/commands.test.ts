// One convention for the commands of package.json: `tools/NAME.sh` gets what the command needs and builds, then the
// work is done by `tools/NAME/main.mjs`, or by vitest.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const commands = Object.keys(scripts)
  .filter((script) => script !== "build" && script !== "check")
  .map((script) => ({ script, name: script.replace("test:", "") }));

describe("the commands of package.json", () => {
  it.each(commands)("npm run $script is a script that prepares and a program that works", ({ script, name }) => {
    expect(scripts[script]).toBe(`bash tools/${name}.sh`);
    const shell = readFileSync(join(ROOT, `tools/${name}.sh`), "utf8");
    expect(shell).toMatch(new RegExp(`tools/setup\\.sh ${name}$`, "m"));
    expect(shell).toMatch(new RegExp(`node tools/${name}/main\\.mjs|vitest run`));
    if (!shell.includes("vitest run")) expect(existsSync(join(ROOT, `tools/${name}/main.mjs`))).toBe(true);
  });
});
