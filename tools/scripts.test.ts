// The shell scripts of this repository: what becomes of a command that fails, and which programs they find.

import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const directory = mkdtempSync(join(tmpdir(), "bauta-scripts-"));
afterAll(() => rmSync(directory, { recursive: true }));

const filesOf = (folders: readonly string[], name: RegExp): string[] =>
  folders
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)),
    )
    .filter((file) => name.test(file));

/** Those that are sourced after strict.sh, and the first process of a guest, which must go on: its report tells the rest. */
const NO_SCRIPTS = ["tools/strict.sh", "tools/programs.sh", "tools/kernels/guest/init.sh", "tools/arm64/guest.sh"];
const SCRIPTS = [".ci/run", ...filesOf(["tools", "test", "engine"], /\.sh$/)].filter(
  (file) => !NO_SCRIPTS.includes(file),
);

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
}

/** Runs these lines as a script whose first line is that of the others. */
function runScript(lines: readonly string[], env: NodeJS.ProcessEnv = process.env): Ended {
  const script = join(directory, "script.sh");
  writeFileSync(script, [`. '${ROOT}/tools/strict.sh'`, ...lines, ""].join("\n"));
  return spawnSync("bash", [script], { encoding: "utf8", cwd: ROOT, env });
}

describe("every script", () => {
  it.each(SCRIPTS)("%s ends at the first command that fails, and says which", (file) => {
    const [first] = readFileSync(join(ROOT, file), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    expect(first).toMatch(/^\. \S*("\$\(dirname "\$0"\)\/[./a-z]*strict\.sh"|tools\/strict\.sh)$/);
  });

  it.each([
    ["by itself", "false", '"false"'],
    ["in a pipeline, before its end", "sed p /nowhere | sort >/dev/null", "sort"],
    ["in a substitution", "x=$(false)", '"false"'],
    ["in a function", "f() { false; }; f", '"false"'],
    ["that is not there", "bauta-no-such-program --option", "bauta-no-such-program --option"],
  ])("tells of a command that fails %s", (_, line, command) => {
    const { status, stderr } = runScript(["true", line, "echo went on >&2"]);
    expect(status).not.toBe(0);
    expect(stderr).toContain("script.sh, line 3: ");
    expect(stderr).toContain(command);
    expect(stderr).toMatch(/ended with status [1-9]/);
    expect(stderr).not.toContain("went on");
  });
});

describe("the table of programs", () => {
  const TABLE = readFileSync(join(ROOT, "tools/programs.txt"), "utf8");
  const rows = TABLE.split("\n").filter((line) => /^[^#\s]+ +[^ ]+$/.test(line) && !/^\w+: /.test(line));
  const names = rows.flatMap((row) => row.split(" ")[0]?.split("|") ?? []);
  const sources = [
    ...filesOf(["tools", "test", "engine"], /\.(sh|mjs|ts)$/),
    ...filesOf(["src"], /\.ts$/),
    "package.json",
  ].map((file) => readFileSync(join(ROOT, file), "utf8"));

  /** gcc runs these. */
  const INDIRECT = ["as", "ld", "x86_64-linux-gnu-gcc", "aarch64-linux-gnu-gcc"];

  it.each([...new Set(names)].filter((name) => !INDIRECT.includes(name)))(
    "has %s because something uses it",
    (name) => {
      const word = new RegExp(`(?<![\\w-])${name.replace(/[.+]/g, "\\$&")}(?![\\w-])`);
      const isHeader = name.startsWith("/usr/include/");
      expect(isHeader || sources.some((text) => word.test(text))).toBe(true);
    },
  );

  it("has every program that is executed by a path", () => {
    const paths = sources.flatMap((text) => [...text.matchAll(/["'` ](?:\/usr)?\/s?bin\/([a-z][\w-]*)(?=["'` ])/g)]);
    const used = [...new Set(paths.map(([, name = ""]) => name))];
    expect(used.filter((name) => !names.includes(name))).toEqual([]);
  });

  it.each(SCRIPTS.filter((file) => /^\. tools\/setup\.sh /m.test(readFileSync(join(ROOT, file), "utf8"))))(
    "is what %s begins with, before it runs a program",
    (file) => {
      const lines = readFileSync(join(ROOT, file), "utf8")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"));
      const before = lines.slice(
        0,
        lines.findIndex((line) => line.startsWith(". tools/setup.sh ")),
      );
      expect(before.slice(1).filter((line) => !/^cd "\$\(dirname "\$0"\)/.test(line))).toEqual([]);
    },
  );

  it("leads a script that another script has started to the machine's programs", () => {
    const nothing = join(directory, "nothing");
    const { status, stderr } = runScript([
      ". tools/setup.sh build",
      `PATH='${nothing}'`,
      ". tools/setup.sh build",
      "node --version",
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("is all that a script finds in its PATH", () => {
    const bin = join(directory, "bin");
    mkdirSync(bin);
    for (const name of ["declared", "undeclared"]) {
      writeFileSync(join(bin, name), "#!/bin/sh\n");
      chmodSync(join(bin, name), 0o755);
    }
    const table = join(directory, "programs.txt");
    writeFileSync(table, "one:\ndeclared some-package\nabsent|declared other\n\ntwo: one\nabsent missing-package\n");
    const path = join(directory, "path");
    const find = (kind: string): Ended =>
      runScript(
        [
          `. tools/programs.sh`,
          `make_path '${table}' ${kind} '${path}' >&2`,
          `PATH='${path}'`,
          "declared",
          "undeclared",
        ],
        { ...process.env, PATH: `${bin}:${process.env["PATH"]}` },
      );
    expect(find("one").stderr).toMatch(/^\S*script\.sh: line 6: undeclared: command not found$/m);
    expect(find("two").stderr).toMatch(/^missing-package$/m);
  });
});
