// The executable as it is built, and again with the address and undefined-behaviour sanitizers: the engine functions, and
// how a program ends that goes wrong in each way there is.

import { spawnSync } from "node:child_process";
import { closeSync, linkSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHECKS } from "./conformance/all.ts";
import { VALUE, VARIABLE } from "./conformance/check.ts";
import { buildExecutable, ROOT } from "./executable.mjs";
import { FLAVOURS, preferredFlavour } from "./toolchain.mjs";

/** TypeScript that fails, and what the `msg` of the error says. */
const FAILURES: Readonly<Record<string, readonly [program: string, message: RegExp]>> = {
  objects: ["const all: unknown[] = []; for (;;) all.push({ mask: all.length });", /^InternalError: out of memory$/],
  bytes: ["const all: unknown[] = []; for (;;) all.push(new Uint8Array(100_000));", /^InternalError: out of memory$/],
  map: ["const all = new Map(); for (let i = 0; ; i += 1) all.set(String(i), i);", /^InternalError: out of memory$/],
  closures: ["let f = () => 0; for (;;) { const g = f; f = () => g(); }", /^InternalError: out of memory$/],
  text: ['let text = "x"; for (;;) text += text + "é";', /^InternalError: (?:out of memory|string too long)$/],
  recursion: ["const f = (n: number): number => f(n + 1) + 1; f(0);", /^InternalError: stack overflow$/],
  "parse-arrays": ['JSON.parse("[".repeat(1e6));', /: stack overflow$/],
  "parse-objects": ["JSON.parse('{\"a\":'.repeat(1e6));", /: stack overflow$/],
  stringify: ["let a: unknown = 0; for (let i = 0; i < 1e5; i += 1) a = [a]; JSON.stringify(a);", /: stack overflow$/],
  regexp: [
    '/^(?:(a)|b)*$/.test("ab".repeat(3e6)); throw new Error("matched");',
    /^(?:Error: matched|InternalError: .*)$/,
  ],
  freed: [
    'let a: unknown = 0; for (let i = 0; i < 1e5; i += 1) a = [a]; a = 0; throw new Error("freed");',
    /^Error: freed$/,
  ],
  sort: ['[2, 1].sort(() => [2, 1].sort(() => { throw new Error("sorting"); }).length);', /^Error: sorting$/],
  "thrown-text": ['throw "bautà";', /^not an Error, but thrown: bautà$/],
  "thrown-null": ["throw null;", /^not an Error, but thrown: null$/],
  "thrown-nothing": ["throw undefined;", /^not an Error, but thrown: undefined$/],
  "thrown-symbol": ["throw Symbol();", /^not an Error, but thrown: a value that has no text$/],
  "thrown-trap": ["throw { toString() { throw 1; } };", /^not an Error, but thrown: a value that has no text$/],
  "message-trap": [
    'throw Object.defineProperty(new Error("x"), "message", { get() { throw 1; } });',
    /^Error: \(no message\)$/,
  ],
  "stack-trap": [
    'const e = new Error("x"); throw Object.defineProperty(e, "stack", { get: () => e.stack });',
    /^Error: x$/,
  ],
  "long-message": ['throw new Error("\\"é\\n\\\\\\\\\\\\".repeat(1e5));', /^Error: ("é\n\\\\\\){100000}$/],
  surrogate: ['throw new Error("\\ud83c-\\udfad");', /^Error: \ufffd-\ufffd$/],
  early: ["const f = () => late; f(); const late = 1;", /^ReferenceError: late is not initialized$/],
  unknown: ["declare const nowhere: number; nowhere + 1;", /^ReferenceError: 'nowhere' is not defined$/],
  "absent-global": ["(globalThis as never as { nowhere: () => void }).nowhere();", /^TypeError: not a function$/],
};

/** A program that imports, and then does something when it is run. */
const program = (name: string, body: string, ...imports: readonly string[]) => ({
  name,
  entry: `${imports.join("\n")}\nexport function main() {\n${body}\n}`,
});

const CHECK_LIST = 'import { markedStack, printChecks } from "./engine/conformance/all.ts";';
const OUTPUT = 'import { writeStdout } from "./src/sys/process.ts";';

const PROGRAMS = [
  program("bauta", "printChecks();", CHECK_LIST),
  program("stack", "writeStdout(markedStack());", CHECK_LIST, OUTPUT),
  program(
    "arguments",
    "writeStdout(JSON.stringify(engine.args));",
    'import { engine } from "./src/sys/engine.ts";',
    OUTPUT,
  ),
  program(
    "descriptors",
    'if (open("/dev/null") < 3) throw new Error("low");',
    'import { open } from "./engine/conformance/check.ts";',
  ),
  program("fall", 'fall({ name: "bauta" });', 'import { fall } from "./engine/conformance/failing.ts";'),
  program(
    "licences",
    "writeStdout(JSON.stringify(notices));",
    'import { notices } from "./src/cli/notices.ts";',
    OUTPUT,
  ),
  program("forever", "for (;;) continue;"),
  ...Object.entries(FAILURES).map(([name, [body]]) => program(name, body)),
];

const sanitizers = ["-fsanitize=undefined", "-fno-sanitize-recover=all"];
const smallMemory = "-DBAUTA_MEMORY_LIMIT=(32UL << 20)"; // so that running out is quick
const executables = [
  { flavour: await preferredFlavour(), flags: [smallMemory] },
  { flavour: FLAVOURS.sanitized, flags: [...sanitizers, smallMemory] },
];

describe.each(executables)("the executable, $flavour.name", ({ flavour, flags }) => {
  const directory = mkdtempSync(join(tmpdir(), "bauta-engine-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  beforeAll(async () => {
    const executable = join(directory, "bauta");
    await buildExecutable(flavour, PROGRAMS, executable, flags);
    for (const { name } of PROGRAMS) if (name !== "bauta") linkSync(executable, join(directory, name));
  });

  const run = (name: string, args: readonly string[] = [], command = join(directory, name)) =>
    spawnSync(command, args, {
      env: { [VARIABLE]: VALUE, PATH: process.env["PATH"] },
      encoding: "utf8",
      maxBuffer: 1 << 24,
    });

  /** Runs a program under a limit in the words of prlimit(1). */
  const limited = (name: string, limit: string, env: NodeJS.ProcessEnv = {}) =>
    spawnSync("prlimit", [limit, join(directory, name)], {
      env: { ...env, PATH: process.env["PATH"] },
      encoding: "utf8",
    });

  it("passes every check that the twin under Node passes", () => {
    const { stdout, stderr, status } = run("bauta");
    expect([stderr, status]).toEqual(["", 0]);
    expect(JSON.parse(stdout)).toEqual(CHECKS.map(({ name }) => [name, null]));
  });

  it("passes them under a name that is no program's", () => {
    linkSync(join(directory, "bauta"), join(directory, "other"));
    expect(JSON.parse(run("other").stdout)).toHaveLength(CHECKS.length);
  });

  it("is a program under each name that ends in the program's after a hyphen", () => {
    for (const name of ["my-arguments", "a-b-arguments"]) {
      linkSync(join(directory, "bauta"), join(directory, name));
      expect(JSON.parse(run(name).stdout)).toEqual([join(directory, name)]);
    }
  });

  it("gives the command line, the name it was called by first", () => {
    const { stdout } = run("arguments", ["--as", "bautà", ""]);
    expect(JSON.parse(stdout)).toEqual([join(directory, "arguments"), "--as", "bautà", ""]);
  });

  it("carries the licence notice of QuickJS, and of the C library that is in it", () => {
    const notices: { name: string; text: string }[] = JSON.parse(run("licences").stdout);
    expect(notices.map(({ name }) => name)).toEqual(
      flavour === FLAVOURS.sanitized ? ["QuickJS"] : ["QuickJS", flavour.name],
    );
    expect(notices[0]?.text).toMatch(/Copyright [^\n]* Fabrice Bellard\n.*THE SOFTWARE IS PROVIDED "AS IS"/s);
  });

  it("names the TypeScript line in a stack trace", () => {
    const line = lineOf("engine/conformance/all.ts", "// MARK");
    expect(run("stack").stdout).toContain(`    at markedStack (engine/conformance/all.ts:${line})\n`);
  });

  it("reports an error that nothing caught, its cause and both their TypeScript lines, and fails", () => {
    const { stdout, stderr, status } = run("fall");
    const source = "engine/conformance/failing.ts";
    expect([stderr, status]).toEqual(["", 1]);
    // The bundler gives the programs' functions a number each.
    expect(JSON.parse(stdout.replaceAll(/\bmain\d+ /g, "main "))).toEqual({
      cniVersion: "1.1.0",
      code: 999,
      msg: "TypeError: fell",
      details: [
        `    at fall (${source}:${lineOf(source, "// FALL")})`,
        "    at main (program:fall:3)",
        'caused by RangeError: "bauta"\n\\ \u0001 é 🎭',
        `    at fall (${source}:${lineOf(source, "// CAUSE")})`,
        "    at main (program:fall:3)\n",
      ].join("\n"),
    });
  });

  it.each(Object.entries(FAILURES))("ends %s with a CNI error", (name, [, message]) => {
    const { stdout, stderr, status, signal } = run(name);
    expect([stderr, status, signal]).toEqual(["", 1, null]);
    expect(JSON.parse(stdout)).toEqual({
      cniVersion: "1.1.0",
      code: 999,
      msg: expect.stringMatching(message),
      details: expect.any(String),
    });
  });

  it("ends a stack overflow with a CNI error on a small stack too", () => {
    for (const kilobytes of [512, 1024]) {
      const { stdout, status } = limited("recursion", `--stack=${kilobytes << 10}`);
      expect([status, JSON.parse(stdout).msg]).toEqual([1, "InternalError: stack overflow"]);
    }
  });

  // The address sanitizer needs terabytes of address space, and more stack.
  if (flavour.name !== "sanitized") {
    // Arguments and environment take up to a quarter of the stack, and up to 128 KiB of a smaller one.
    it.each([96, 128, 192, 256, 512, 900, 1024, 1216, 1300, 2048])(
      "ends a stack overflow with a CNI error on a stack of %i KiB, whatever the environment takes of it",
      (kilobytes) => {
        for (const taken of [0, 60, 100, 120, 200, 300, 400].filter((size) => size < Math.max(kilobytes / 4, 122))) {
          const outcome = limited("recursion", `--stack=${kilobytes << 10}`, environmentOf(taken));
          if (outcome.stderr.includes("Argument list too long")) continue; // the kernel does not start it
          expect([taken, outcome.signal, outcome.status]).toEqual([taken, null, 1]);
          expect(JSON.parse(outcome.stdout).msg).toMatch(/^InternalError: stack overflow$|raise RLIMIT_STACK/);
        }
      },
    );

    it.each(["objects", "map", "closures"])("ends %s with a CNI error where the system refuses memory", (name) => {
      // With less than its own size, the kernel kills a program before it runs.
      const own = statSync(join(directory, name)).size + (256 << 10);
      for (const limit of ["as", "data"]) {
        for (const more of [0, 64, 128, 300, 700, 1000, 1500, 2500, 5000]) {
          const { stdout, status, signal } = limited(name, `--${limit}=${own + (more << 10)}`);
          expect([limit, more, signal, status]).toEqual([limit, more, null, 1]);
          expect(JSON.parse(stdout).msg).toMatch(/out of memory$|raise RLIMIT_STACK/);
        }
      }
    });
  }

  it("ends with a CNI error where its processor time is used up", () => {
    const { stdout, status, signal } = limited("forever", "--cpu=1:10");
    expect([signal, status]).toEqual([null, 1]);
    expect(JSON.parse(stdout)).toMatchObject({ code: 999, msg: expect.stringContaining("raise RLIMIT_CPU") });
  });

  it("fails without a signal where its output would exceed the size of a file", () => {
    const file = openSync(join(directory, "output"), "w");
    const { status, signal } = spawnSync("prlimit", ["--fsize=0", join(directory, "long-message")], {
      stdio: ["ignore", file, "inherit"],
    });
    closeSync(file);
    expect([signal, status]).toEqual([null, 1]);
  });

  it("prints no more of a stack trace than helps", () => {
    expect(JSON.parse(run("recursion").stdout).details.split("\n").length).toBeLessThan(50);
  });

  it("takes no standard descriptor for its first file where they were closed", () => {
    const script = 'exec "$0" <&- >&- 2>&-';
    expect(run("", ["-c", script, join(directory, "descriptors")], "/bin/sh").status).toBe(0);
  });

  it("fails without a signal where nobody reads its error", () => {
    const script = '{ "$0"; echo $? >&2; } | exec true';
    expect(run("", ["-c", script, join(directory, "long-message")], "/bin/sh").stderr).toBe("1\n");
    expect(run("", ["-c", 'exec "$0" >&-', join(directory, "thrown-text")], "/bin/sh").status).toBe(1);
  });
});

describe("building an executable", () => {
  const directory = mkdtempSync(join(tmpdir(), "bauta-engine-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  it("runs module-level code, and says which line of it failed", async () => {
    const entry = 'const top = JSON.parse("{");\nexport const main = () => top;';
    await expect(
      buildExecutable(await preferredFlavour(), [{ name: "bauta", entry }], join(directory, "bauta")),
    ).rejects.toThrow(/SyntaxError: .*program:bauta:1/s);
  });

  it.each(['engine.getenv("HOME")', "engine.environ()", "engine.syscall(39)"])(
    "refuses module-level code that asks the system: %s",
    async (call) => {
      const entry = `import { engine } from "./src/sys/engine.ts";\nexport const main = () => top;\nconst top = ${call};`;
      await expect(
        buildExecutable(await preferredFlavour(), [{ name: "bauta", entry }], join(directory, "bauta")),
      ).rejects.toThrow(/module-level code can't ask the system.*program:bauta:3/s);
    },
  );
});

/** An environment of so many kilobytes. */
function environmentOf(kilobytes: number): NodeJS.ProcessEnv {
  const all = Array.from({ length: Math.ceil(kilobytes / 20) }, (_, i) => [`V${i}`, "x".repeat(20_000)]);
  return Object.fromEntries(all);
}

/** The number of the line that contains the text. */
function lineOf(file: string, text: string): number {
  return (
    readFileSync(join(ROOT, file), "utf8")
      .split("\n")
      .findIndex((line) => line.includes(text)) + 1
  );
}
