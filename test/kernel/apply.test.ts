// `bauta apply` against the kernel: what is in the sets of containers that run.

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { checkMasquerade, setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
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

/** What can become of a file that one network names. */
const BAD: readonly (readonly [string, (file: string) => void, RegExp])[] = [
  ["is gone", (file) => rmSync(file), /ENOENT/],
  ["is a FIFO", (file) => void run("sh", "-c", `rm ${file} && mkfifo ${file}`), /it is not a regular file/],
  ["is a device", (file) => void run("sh", "-c", `rm ${file} && ln -s /dev/zero ${file}`), /it is not a regular file/],
  ["is too large", (file) => void run("truncate", "-s", "5M", file), /is larger than 4194304 bytes/],
  ["is no list", (file) => writeFileSync(file, "root:secret:0"), /line 1 is neither/],
  ["is not whole", (file) => writeFileSync(file, '{"secret'), /it is not whole JSON/],
  ["contradicts the options", (file) => write(file, "9.9.0.0/16"), /excludeFile: prefix 1 of the file is not possible/],
];

describe.each(BAD)("where a list of one network %s", (_, spoil, reason) => {
  it("bauta apply and bauta restore name that list, tell nothing of what is in it, and do all else", () => {
    const [bad, good] = [join(temporaryDirectory(), "bad"), join(temporaryDirectory(), "good")];
    write(bad, "8.0.0.0/8");
    write(good, "1.0.0.0/8");
    const [spoilt, fine] = [{ excludeFile: bad, excludeExceptions: ["9.9.0.0/16"] }, { excludeFile: good }];
    setUpMasquerade(at("c1"), dual(1), readOptions(spoilt));
    setUpMasquerade(at("c2"), dual(2), readOptions(fine));
    spoil(bad);
    write(good, "2.0.0.0/8");
    const applied = cli(["apply"]);
    expect(applied).toMatchObject({ status: 1, stdout: expect.stringContaining(`${good}: 1 added, 1 removed`) });
    expect(applied.stderr).toMatch(reason);
    checkMasquerade(at("c1"), dual(1), readOptions(spoilt)); // the last good list
    checkMasquerade(at("c2"), dual(2), readOptions(fine));
    // Without a last good list there is none for that network.
    run("nft", "flush", "ruleset");
    rmSync("/run/bauta/lists", { recursive: true });
    const restored = cli(["restore"]);
    expect(restored).toMatchObject({ status: 1, stdout: expect.stringContaining("put back 2 addresses") });
    expect(restored.stderr).toMatch(/^bauta: c1 eth0 on net: /);
    expect(restored.stderr).toMatch(reason);
    checkMasquerade(at("c2"), dual(2), readOptions(fine));
    expect(applied.stderr + restored.stderr).not.toMatch(/secret|9\.9\.0\.0/);
    for (const c of ["c1", "c2"]) tearDownMasquerade(at(c), []);
    expect(ruleset()).toBe("");
  });
});

describe("an address that goes back to an attachment whose list is bad", () => {
  it("is given up, which stops no DEL", () => {
    const bad = join(temporaryDirectory(), "bad");
    write(bad, "8.0.0.0/8");
    setUpMasquerade(at("old"), dual(1), readOptions({ excludeFile: bad }));
    setUpMasquerade(at("new"), dual(1));
    writeFileSync(bad, "no list");
    rmSync("/run/bauta/lists", { recursive: true });
    tearDownMasquerade(at("new"), []);
    expect(ruleset()).not.toContain("10.1.0.5");
    write(bad, "8.0.0.0/8");
    expect(cli(["restore"])).toMatchObject({ status: 0, stdout: expect.stringContaining("put back 2 addresses") });
    checkMasquerade(at("old"), dual(1), readOptions({ excludeFile: bad }));
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
    expect(lists().sort()).toEqual([mine.listKey, theirs.listKey].sort());
    tearDownMasquerade(at("c1"), []);
    expect(lists()).toHaveLength(2);
    tearDownMasquerade(at("c2"), []);
    expect(lists()).toEqual([theirs.listKey]);
    tearDownMasquerade(at("c3"), []);
    expect(lists()).toEqual([]);
  });

  it("stays for one who comes to use it while the last one goes", () => {
    const file = join(temporaryDirectory(), "a");
    write(file, "8.0.0.0/8");
    const options = readOptions({ excludeFile: file });
    setUpMasquerade(at("c1"), dual(1), options);
    const before = readFileSync(`/run/bauta/lists/${options.listKey}`, "utf8");
    const answers = [false, true];
    forgetList(options, () => answers.shift() ?? true);
    expect(readFileSync(`/run/bauta/lists/${options.listKey}`, "utf8")).toBe(before);
    // Or it has read it before, and remembers it once its rules are there.
    const read = readExcluded(options);
    forgetList(options, () => false);
    expect(lists()).toEqual([]);
    read.remember();
    expect(readFileSync(`/run/bauta/lists/${options.listKey}`, "utf8")).toBe(before);
  });
});
