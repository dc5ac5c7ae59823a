import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { findProgram, IptablesError, iptablesMissing, restoreNat, saveNat } from "./program.ts";

const { PATH } = process.env;
let directory = "";

beforeEach(() => {
  directory = temporaryDirectory();
  process.env["PATH"] = `relative::${directory}:${PATH}`;
});
afterEach(() => {
  process.env["PATH"] = PATH;
});

function program(name: string, script: string): string {
  const path = join(directory, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe("findProgram", () => {
  it("takes the first along PATH, and the plain name before others", () => {
    const nft = program("iptables-nft-restore", "");
    // Nodes on which these tests run may have iptables of their own: the plain name is then found there.
    const found = findProgram(4, "restore") ?? "";
    expect(found === nft || (found.endsWith("/iptables-restore") && !found.startsWith(directory))).toBe(true);
    const plain = program("iptables-restore", "");
    expect(findProgram(4, "restore")).toBe(plain);
    const legacy = program("ip6tables-legacy-save", "");
    program("ip6tables-save", "");
    expect(findProgram(6, "save", "legacy")).toBe(legacy);
  });

  it("passes over directories of that name", () => {
    mkdirSync(join(directory, "iptables-restore"));
    expect(findProgram(4, "restore")).not.toBe(join(directory, "iptables-restore"));
  });
});

describe("restoreNat", () => {
  it("gives the lines between *nat and COMMIT, and touches nothing else", () => {
    const seen = join(directory, "seen");
    program("iptables-restore", `echo "$@" > ${seen}; cat >> ${seen}`);
    restoreNat(4, ["-N x", "-A x -j ACCEPT"]);
    expect(readFileSync(seen, "utf8")).toBe("--noflush --wait=30\n*nat\n-N x\n-A x -j ACCEPT\nCOMMIT\n");
  });

  it.each([
    ['ended with status 2; the back end "nftables" needs no iptables', "exit 2"],
    ["ended with status 3: no such thing; the back end", "echo '  no such thing' >&2; exit 3"],
    ["ended with status 4: locked; if another program holds its lock, `fuser", "echo locked >&2; exit 4"],
    ["was killed by signal 9", "kill -9 $$"],
  ])("throws where it %s", (message, script) => {
    const path = program("ip6tables-restore", `cat >/dev/null; ${script}`);
    expect(() => restoreNat(6, [])).toThrow(IptablesError);
    expect(() => restoreNat(6, [])).toThrow(
      `cannot change the nat table of ip6tables: ${path} --noflush --wait=30 ${message}`,
    );
  });

  it.each([
    ["iptables-restore: line 3 failed: Chain already exists.", "; line 3 is `-N b`"],
    ["v1.8.9: unknown option\nError occurred at line: 2\nTry `iptables-restore -h'", "; line 2 is `-N a`"],
    ["there is no line 99", "; the back end"],
  ])("quotes the line that was refused: %s", (said, expected) => {
    program("iptables-restore", `cat >/dev/null; cat >&2 <<'EOF'\n${said}\nEOF\nexit 1`);
    const [first = ""] = said.split("\n");
    expect(() => restoreNat(4, ["-N a", "-N b"])).toThrow(first);
    expect(() => restoreNat(4, ["-N a", "-N b"])).toThrow(expected);
    expect(() => restoreNat(4, ["-N a", "-N b"])).not.toThrow("Try ");
  });
});

it("saveNat returns what is printed of the nat table", () => {
  program("iptables-save", 'echo "$@"');
  expect(saveNat(4)).toBe("-t nat\n");
});

it("iptablesMissing has nothing to say where both families can be served", () => {
  for (const name of ["iptables-restore", "ip6tables-restore"]) program(name, "");
  expect(iptablesMissing()).toBeUndefined();
});
