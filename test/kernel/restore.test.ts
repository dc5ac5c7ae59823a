// `bauta restore` against the kernel, with nft(8) to take things away, and as the witness that they are back.

import { rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { checkMasquerade, setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { readOptions } from "../../src/masquerade/options/options.ts";
import { Nftables } from "../../src/nftables/nftables.ts";
import { attachmentId, idText } from "../../src/owned/id.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { type CliOutcome, cli } from "../support/cli.ts";
import { requireNamespaces, run } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => unshareNetns());
afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

const at = (containerId: string, network = "net"): Attachment => ({ network, containerId, ifname: "eth0" });
const cidrs = (...texts: readonly string[]): Cidr[] =>
  texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
const dual = (n: number): Cidr[] => cidrs(`10.1.0.${n}/16`, `fd00:1::${n.toString(16)}/64`);
const nft = (...words: readonly string[]): string => run("nft", ...words);
const recordOf = (attachment: Attachment): string => join(RECORDS, idText(attachmentId(attachment)));

/** The rule set with what has no order in order, and without counts. */
function ruleset(): unknown {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    }
    if (typeof value !== "object" || value === null) return value;
    const fields = Object.entries(value).filter(([key]) => !["handle", "packets", "bytes", "metainfo"].includes(key));
    return Object.fromEntries(fields.map(([key, one]) => [key, sorted(one)]));
  };
  return sorted(JSON.parse(nft("-j", "list", "ruleset")));
}

const generation = (): number => {
  const socket = Nftables.open();
  try {
    return socket.generation();
  } finally {
    socket.close();
  }
};

function restored(told = ""): Record<string, unknown> {
  const { status, stdout, stderr } = cli(["restore", "--json"]);
  expect([status, stderr]).toEqual([0, told]);
  return JSON.parse(stdout);
}

const options = { exclude: ["private"], dropInvalid: true, outInterfaces: ["eth0", "eth1"], ports: "1024-65535" };

describe("bauta restore", () => {
  it("puts everything back after the rule set has been flushed, in one transaction", () => {
    for (let n = 1; n <= 5; n++) setUpMasquerade(at(`c${n}`), dual(n));
    for (let n = 1; n <= 3; n++) setUpMasquerade(at(`o${n}`, "other"), dual(100 + n), readOptions(options));
    setUpMasquerade(at("far", "third"), cidrs("10.9.0.4/24"), readOptions(options));
    const before = ruleset();
    nft("flush", "ruleset");
    expect(() => checkMasquerade(at("c1"), dual(1))).toThrow("is missing; `bauta restore` puts it back");
    const from = generation();
    expect(restored()).toMatchObject({ attachments: 9, addresses: 17, problems: [] });
    expect(generation()).toBe(from + 1);
    expect(ruleset()).toEqual(before);
    for (let n = 1; n <= 5; n++) checkMasquerade(at(`c${n}`), dual(n));
    for (let n = 1; n <= 3; n++) tearDownMasquerade(at(`o${n}`, "other"), []);
    for (let n = 1; n <= 5; n++) tearDownMasquerade(at(`c${n}`), []);
    tearDownMasquerade(at("far", "third"), []);
    expect(nft("list", "ruleset")).toBe("");
  });

  it("touches nothing where nothing is missing", () => {
    setUpMasquerade(at("c1"), dual(1));
    setUpMasquerade(at("c2"), dual(2), readOptions(options));
    const from = generation();
    expect(restored()).toEqual({ attachments: 2, addresses: 0, mended: [], problems: [] });
    expect(generation()).toBe(from);
    expect(cli(["restore"]).stdout).toBe("put back 0 addresses (2 live attachments)\n");
  });

  it("has nothing to do where nothing is attached", () => {
    expect(restored()).toEqual({ attachments: 0, addresses: 0, mended: [], problems: [] });
    expect(nft("list", "ruleset")).toBe("");
  });

  const table = "ip bauta_masquerade";
  const damages: readonly (readonly [what: string, commands: string, addresses: number, mended: RegExp])[] = [
    ["an address out of owners", `delete element ${table} owners { 10.1.0.1 }`, 1, /^$/],
    ["an address out of policies", `delete element ${table} policies { 10.1.0.2 }`, 1, /^$/],
    ["an address out of strict", `delete element ${table} strict { 10.1.0.2 }`, 1, /^$/],
    ["all owners", `flush map ${table} owners`, 2, /^$/],
    ["the rules of postrouting", `flush chain ${table} postrouting`, 0, /^chain postrouting .* altered$/],
    ["a rule more", `insert rule ${table} outside-10.1.0.0/16 accept`, 0, /^chain outside-10.1.0.0\/16 .* altered$/],
    ["one family's table", "delete table ip6 bauta_masquerade", 2, /^table ip6 bauta_masquerade is missing$/],
    [
      "another verdict",
      `delete element ${table} policies { 10.1.0.1 }; add element ${table} policies { 10.1.0.1 : accept }`,
      1,
      /^$/,
    ],
    [
      "an unknown owner",
      `delete element ${table} owners { 10.1.0.1 }; add element ${table} owners { 10.1.0.1 : ::1 }`,
      1,
      /^$/,
    ],
    ["the table asleep", `add table ${table} { flags dormant; }`, 0, /is dormant$/],
  ];
  for (const [what, commands, addresses, mended] of damages) {
    it(`puts right: ${what}`, () => {
      setUpMasquerade(at("c1"), dual(1));
      setUpMasquerade(at("c2"), dual(2), readOptions(options));
      const before = ruleset();
      nft(commands);
      expect(ruleset()).not.toEqual(before);
      const done = restored();
      expect(done).toMatchObject({ addresses, problems: [] });
      expect((done["mended"] as string[]).join("; ")).toMatch(mended);
      expect(ruleset()).toEqual(before);
    });
  }

  it("puts back a set of excluded destinations that two policies share, once", () => {
    const shared = readOptions({ exclude: ["10.0.0.0/8"] });
    setUpMasquerade(at("c1"), cidrs("10.1.0.1/16"), shared);
    setUpMasquerade(at("c2"), cidrs("10.2.0.1/16"), shared);
    const before = ruleset();
    const set = /set (kept-[0-9a-f]+)/.exec(nft("list", "ruleset"))?.[1] ?? "";
    nft("flush", "set", "ip", "bauta_masquerade", set);
    expect(restored()).toMatchObject({ mended: [`set ${set} of table ip bauta_masquerade has been altered`] });
    expect(ruleset()).toEqual(before);
    nft("flush", "ruleset");
    restored();
    expect(ruleset()).toEqual(before);
  });

  it("gives an address that two claim to the one that came last, and it goes back at its DEL", () => {
    setUpMasquerade(at("old"), dual(1));
    setUpMasquerade(at("new", "two"), dual(1));
    utimesSync(recordOf(at("new", "two")), 1, 1); // whom it has displaced counts for more than the time
    nft("flush", "ruleset");
    expect(restored()).toMatchObject({ attachments: 2, addresses: 2 });
    checkMasquerade(at("new", "two"), dual(1));
    expect(restored()).toMatchObject({ addresses: 0 });
    tearDownMasquerade(at("new", "two"), []);
    checkMasquerade(at("old"), dual(1));
  });

  it("goes by the time of the records where neither knows of the other", () => {
    setUpMasquerade(at("a"), dual(1));
    nft("flush", "ruleset");
    setUpMasquerade(at("b", "two"), dual(1));
    utimesSync(recordOf(at("a")), 1, 1);
    nft("flush", "ruleset");
    restored();
    checkMasquerade(at("b", "two"), dual(1));
  });

  it("leaves an address to a live attachment that holds it, whatever the records say", () => {
    setUpMasquerade(at("a"), dual(1));
    nft("flush", "ruleset");
    setUpMasquerade(at("b", "two"), dual(1));
    utimesSync(recordOf(at("b", "two")), 1, 1);
    expect(restored()).toMatchObject({ addresses: 0 });
    checkMasquerade(at("b", "two"), dual(1));
  });

  it("does not bring back an attachment whose removal has begun, nor what is no record", () => {
    setUpMasquerade(at("c1"), dual(1));
    setUpMasquerade(at("c2"), dual(2));
    const file = recordOf(at("c1"));
    run("mv", file, `${file}.del`);
    writeFileSync(join(RECORDS, "0".repeat(32)), '{"attach');
    nft("flush", "ruleset");
    const told = `bauta: warning: ${join(RECORDS, "0".repeat(32))} is not a record of bauta's\n`;
    expect(restored(told)).toMatchObject({ attachments: 1, addresses: 2 });
    expect(nft("list", "ruleset")).not.toContain("10.1.0.1 ");
  });

  it("says what it cannot put back, and puts back the rest", () => {
    const file = join(temporaryDirectory(), "list");
    writeFileSync(file, "nonMasqueradeCIDRs: [8.0.0.0/8]\n");
    setUpMasquerade(at("c1"), dual(1), readOptions({ excludeFile: file }));
    setUpMasquerade(at("c2"), dual(2));
    nft("flush", "ruleset");
    rmSync(file);
    rmSync("/run/bauta/lists", { recursive: true });
    const { status, stdout, stderr }: CliOutcome = cli(["restore"]);
    expect([status, stdout]).toEqual([1, expect.stringContaining("put back 2 addresses (2 live attachments)\n")]);
    expect(stderr).toMatch(/^bauta: c1 eth0 on net: ipMasqOptions.excludeFile: .*\nbauta: not everything/);
    checkMasquerade(at("c2"), dual(2));
  });

  it("leaves other programs' rules alone", () => {
    nft("add table inet theirs; add chain inet theirs input { type filter hook input priority 0; }");
    setUpMasquerade(at("c1"), dual(1));
    nft("delete", "table", "ip", "bauta_masquerade");
    restored();
    expect(nft("list", "table", "inet", "theirs")).toContain("chain input");
    checkMasquerade(at("c1"), dual(1));
  });
});
