import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import release from "../../package.json" with { type: "json" };
import { type CliOutcome, cli } from "../../test/support/cli.ts";
import { errno } from "../sys/errno.ts";
import { SyscallError } from "../sys/error.ts";
import { VERBS } from "./verbs.ts";

const failing = (code: "EPIPE" | "EIO") => (): never => {
  throw new SyscallError("write", errno(code), "write standard output");
};

describe("bauta", () => {
  it("tells how it is used, as an error, when it is not told what to do", () => {
    const { status, stdout, stderr } = cli([]);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: bauta COMMAND");
  });

  const mistakes: readonly (readonly [args: readonly string[], message: string])[] = [
    [["lst"], 'bauta: unknown command "lst", did you mean list?'],
    [["frobnicate"], 'bauta: unknown command "frobnicate"\n'],
    [["--jsn"], 'bauta: unknown option "--jsn"'],
    [["list", "--jsn"], "bauta: unknown option --jsn, did you mean --json?"],
    [["list", "--network", "a b"], 'bauta: --network "a b" is not a letter or digit'],
    [["list", "x"], 'bauta: unexpected argument "x"'],
    [["help", "lst"], 'bauta: unknown command "lst", did you mean list?'],
  ];
  for (const [args, message] of mistakes) {
    it(`ends with status 2 and a hint for ${args.join(" ")}`, () => {
      const { status, stdout, stderr } = cli(args);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(message);
      expect(stderr).toContain("bauta help lists the commands");
    });
  }

  it("prints the version", () => {
    for (const word of ["version", "--version", "-V"]) {
      const { status, stdout } = cli([word]);
      expect([status, stdout.split("\n")[0]]).toEqual([0, `bauta ${release.version}`]);
    }
  });

  it("prints the licences", () => {
    expect(cli(["licenses"])).toMatchObject({ status: 0, stdout: expect.stringContaining("Apache License 2.0") });
  });

  it("takes a reader that has gone for no error", () => {
    expect(cli(["version"], { write: failing("EPIPE") })).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("tells an error on standard error and ends with status 1", () => {
    const { status, stdout, stderr } = cli(["version"], { write: failing("EIO") });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("bauta: cannot write standard output: EIO");
  });
});

describe("docs/command.md", () => {
  const page = readFileSync("docs/command.md", "utf8");
  const having = (option: string): string[] =>
    VERBS.flatMap(({ name, options }) => (Object.hasOwn(options, option) ? [name] : [])).sort();

  it("has each command's JSON", () => {
    const [, table = ""] = /\| command \| prints \|\n(.*?)\n\n/s.exec(page) ?? [];
    const named = [...table.matchAll(/^\| `(\w+)(?: \w+)?` \|/gm)].map(([, name = ""]) => name);
    expect(named.filter((name) => name !== "cni").sort()).toEqual(having("json"));
  });

  it("names the commands that have --quiet", () => {
    const [, list = ""] = /remarks; what was asked for.*?stay\. (.*?) have it\./s.exec(page) ?? [];
    expect([...list.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name).sort()).toEqual(having("quiet"));
  });
});

describe("bauta help", () => {
  it("lists every command", () => {
    for (const word of ["help", "--help", "-h"]) {
      const { status, stdout } = cli([word]);
      expect(status).toBe(0);
      for (const { name, summary } of VERBS) expect(stdout).toMatch(new RegExp(`^  ${name} +${summary}$`, "m"));
    }
  });

  for (const { name } of VERBS) {
    it(`tells of ${name} what ${name} --help tells, in lines of at most 80 characters`, () => {
      const outcome: CliOutcome = cli(["help", name]);
      expect(cli([name, "--help"])).toEqual(outcome);
      expect(cli([name, "-h"])).toEqual(outcome);
      expect(outcome.status).toBe(0);
      expect(outcome.stdout).toMatch(new RegExp(`^Usage: bauta ${name}\\b`));
      expect(outcome.stdout).toContain("--help");
      expect(outcome.stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    });
  }
});

describe("bauta called by a container runtime", () => {
  const asPlugin = (variables: Readonly<Record<string, string>>, args: readonly string[]): CliOutcome =>
    cli([], { args, getenv: (name) => variables[name] });

  it("says in CNI's way that it is no plugin, and by which names it is one", () => {
    for (const command of ["ADD", "VERSION"]) {
      const { status, stdout, stderr } = asPlugin({ CNI_COMMAND: command }, ["/opt/cni/bin/brige"]);
      expect([status, stderr]).toEqual([1, ""]);
      expect(JSON.parse(stdout)).toEqual({
        cniVersion: "1.1.0",
        code: 4,
        msg: 'called by the name "brige", this executable is the bauta command, not a plugin',
        details: expect.stringMatching(/bridge, .*host-local.*\/opt\/cni\/bin\/brige/),
      });
    }
  });

  it("says so whatever it is called by", () => {
    expect(asPlugin({ CNI_COMMAND: "ADD" }, []).status).toBe(1);
  });

  it("is the command for a person who has CNI_COMMAND in the environment, and for an empty one", () => {
    expect(asPlugin({ CNI_COMMAND: "ADD" }, ["bauta", "version"]).stdout).toContain("bauta ");
    expect(asPlugin({ CNI_COMMAND: "" }, ["bauta"]).status).toBe(2);
  });
});
