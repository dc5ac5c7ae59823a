// `bauta apply` against the kernel: what is in the sets of containers that run.

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { checkMasquerade, setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { listKey } from "../../src/masquerade/nftables/policy.ts";
import { forgetList, readExcluded } from "../../src/masquerade/options/exclude-file.ts";
import { readOptions } from "../../src/masquerade/options/options.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { requireNamespaces, run } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => unshareNetns());
afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const dual = (n: number): Cidr[] =>
  [`10.${n}.0.5/16`, `fd00:${n}::5/64`].map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
const ruleset = (): string => run("nft", "list", "ruleset");

function write(file: string, ...prefixes: readonly string[]): void {
  writeFileSync(file, JSON.stringify({ nonMasqueradeCIDRs: prefixes, masqLinkLocal: true, masqLinkLocalIPv6: true }));
}

describe("bauta apply", () => {
  it("puts a changed file into force in both families for all that run, and says what changed", () => {
    const [file, other] = [join(temporaryDirectory(), "a"), join(temporaryDirectory(), "b")];
    write(file, "8.0.0.0/8", "9.0.0.0/8");
    write(other, "1.0.0.0/8");
    setUpMasquerade(at("c1"), dual(1), readOptions({ excludeFile: file }));
    setUpMasquerade(at("c2"), dual(2), readOptions({ excludeFile: file, exclude: ["172.16.0.0/12"] }));
    setUpMasquerade(at("c3"), dual(3), readOptions({ excludeFile: other }));
    setUpMasquerade(at("c4"), dual(4));
    write(file, "9.0.0.0/8", "11.0.0.0/8", "2001:db8::/32");
    write(other, "1.0.0.0/8", "2.0.0.0/8");
    const change = `${file}: 2 added, 1 removed\n  + 11.0.0.0/8\n  + 2001:db8::/32\n  - 8.0.0.0/8\n`;
    expect(cli(["apply", "--file", file])).toEqual({ status: 0, stdout: change + change, stderr: "" });
    expect(
      ruleset()
        .match(/elements = \{[^}]*\}/g)
        ?.map((text) => text.replaceAll(/\s+/g, " ")),
    ).toEqual(
      expect.arrayContaining([
        "elements = { 9.0.0.0/8, 11.0.0.0/8 }",
        "elements = { 9.0.0.0/8, 11.0.0.0/8, 172.16.0.0/12 }",
        "elements = { 1.0.0.0/8 }",
      ]),
    );
    expect(ruleset().match(/2001:db8::\/32/g)).toHaveLength(2);
    expect(JSON.parse(cli(["apply", "--json"]).stdout)).toContainEqual({
      file: other,
      added: ["2.0.0.0/8"],
      removed: [],
    });
    checkMasquerade(at("c1"), dual(1), readOptions({ excludeFile: file }));
    checkMasquerade(at("c3"), dual(3), readOptions({ excludeFile: other }));
  });

  it("has nothing to do where no container has such a file", () => {
    setUpMasquerade(at("c1"), dual(1));
    expect(cli(["apply"])).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("keeps the last good list while a file is not whole, applies the others, and says so", () => {
    const [file, other] = [join(temporaryDirectory(), "a"), join(temporaryDirectory(), "b")];
    write(file, "8.0.0.0/8");
    write(other, "1.0.0.0/8");
    setUpMasquerade(at("c1"), dual(1), readOptions({ excludeFile: file }));
    setUpMasquerade(at("c2"), dual(2), readOptions({ excludeFile: other }));
    writeFileSync(file, '{"nonMasqueradeCIDRs": ["7.0.');
    write(other, "3.0.0.0/8");
    const { status, stdout, stderr } = cli(["apply"]);
    expect([status, stdout]).toEqual([1, expect.stringContaining(`${other}: 1 added, 1 removed`)]);
    expect(stderr).toContain(`bauta: ${file}: `);
    expect(ruleset()).toContain("elements = { 8.0.0.0/8 }");
    expect(ruleset()).toContain("elements = { 3.0.0.0/8 }");
  });

  it("mends a set that somebody has altered", () => {
    const file = join(temporaryDirectory(), "a");
    write(file, "8.0.0.0/8");
    setUpMasquerade(at("c1"), dual(1), readOptions({ excludeFile: file }));
    const set = /set (kept-\w+)/.exec(ruleset())?.[1] ?? "";
    run("nft", "flush", "set", "ip", "bauta_masquerade", set);
    expect(cli(["apply"])).toMatchObject({ status: 0, stdout: `${file}: 0 added, 0 removed\n` });
    checkMasquerade(at("c1"), dual(1), readOptions({ excludeFile: file }));
  });
});

describe("what is remembered of a list", () => {
  const lists = (): string[] => readdirSync("/run/bauta/lists");

  it("goes with the last that uses it, in whichever family", () => {
    const [file, other] = [join(temporaryDirectory(), "a"), join(temporaryDirectory(), "b")];
    write(file, "8.0.0.0/8");
    write(other, "9.0.0.0/8");
    const [mine, theirs] = [readOptions({ excludeFile: file }), readOptions({ excludeFile: other })];
    setUpMasquerade(at("c1"), dual(1), mine);
    setUpMasquerade(at("c2"), dual(2).slice(1), readOptions({ excludeFile: file, ports: "1024-2047" }));
    setUpMasquerade(at("c3"), dual(3), theirs);
    expect(lists().sort()).toEqual([listKey(mine), listKey(theirs)].sort());
    tearDownMasquerade(at("c1"), []);
    expect(lists()).toHaveLength(2);
    tearDownMasquerade(at("c2"), []);
    expect(lists()).toEqual([listKey(theirs)]);
    tearDownMasquerade(at("c3"), []);
    expect(lists()).toEqual([]);
  });

  it("stays for one who comes to use it while the last one goes", () => {
    const file = join(temporaryDirectory(), "a");
    write(file, "8.0.0.0/8");
    const options = readOptions({ excludeFile: file });
    setUpMasquerade(at("c1"), dual(1), options);
    const before = readFileSync(`/run/bauta/lists/${listKey(options)}`, "utf8");
    const answers = [false, true];
    forgetList(options, () => answers.shift() ?? true);
    expect(readFileSync(`/run/bauta/lists/${listKey(options)}`, "utf8")).toBe(before);
    // Or it has read it before, and remembers it once its rules are there.
    const read = readExcluded(options);
    forgetList(options, () => false);
    expect(lists()).toEqual([]);
    read.remember();
    expect(readFileSync(`/run/bauta/lists/${listKey(options)}`, "utf8")).toBe(before);
  });
});
