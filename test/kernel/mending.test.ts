// What somebody else does to bauta's tables: CHECK notices it and names `bauta restore`, which puts it right; an ADD of
// another attachment mends what its own transaction meets.

import { rmSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { checkMasquerade, setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { readOptions } from "../../src/masquerade/options/options.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => unshareNetns());
afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const dual = (n: number): Cidr[] =>
  [`10.1.0.${n}/16`, `fd00:1::${n}/64`].map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
const nft = (text: string): string => run("nft", text);
const options = readOptions({ exclude: ["192.0.2.0/24", "2001:db8::/32"], dropInvalid: true });

/** The name of the chain or set that begins so. */
function nameOf(beginning: string): string {
  const name = new RegExp(`(?:chain|set) (${beginning}\\S*)`).exec(
    run("nft", "list", "table", "ip", "bauta_masquerade"),
  );
  if (name?.[1] === undefined) throw new Error(`nothing begins with ${beginning}`);
  return name[1];
}

/** Replaces POLICY and LIST by the names that they have. */
const named = (text: string): string =>
  text.replaceAll("POLICY", nameOf("outside-")).replaceAll("LIST", nameOf("kept-"));

/** What is done, and whether the next ADD on the same network mends it. */
const CASES: readonly (readonly [string, string, boolean])[] = [
  ["the rule set is flushed", "flush ruleset", true],
  ["a table is deleted", "delete table ip bauta_masquerade", true],
  ["the base chain is flushed", "flush chain ip bauta_masquerade postrouting", true],
  ["a rule comes into the base chain", "insert rule ip bauta_masquerade postrouting counter accept", true],
  ["the policy's chain is flushed", "flush chain ip bauta_masquerade POLICY", false],
  ["a rule comes into the policy's chain", "insert rule ip bauta_masquerade POLICY accept", false],
  ["a prefix comes to a list", "add element ip bauta_masquerade LIST { 198.51.100.0/24 }", false],
  ["a list is flushed", "flush set ip bauta_masquerade LIST", false],
  ["a table is dormant", "add table ip bauta_masquerade { flags dormant; }", false],
  ["the chain of dropInvalid is flushed", "flush chain ip bauta_masquerade forward", false],
];

describe.each(CASES)("where %s", (_, command, isMended) => {
  beforeEach(() => {
    setUpMasquerade(at("c1"), dual(1), options);
    nft(named(command));
  });
  const check = (containerId: string, n: number): void => checkMasquerade(at(containerId), dual(n), options);

  it("CHECK fails and names bauta restore, which puts it right", () => {
    expect(() => check("c1", 1)).toThrow(/`bauta restore` puts it back$/);
    expect(cli(["restore"])).toMatchObject({ status: 0, stderr: "" });
    check("c1", 1);
    expect(cli(["restore"]).stdout).toBe("put back 0 addresses (1 live attachment)\n");
  });

  it(`an ADD on the same network ${isMended ? "mends it" : "goes through, and CHECK still says so"}`, () => {
    setUpMasquerade(at("c2"), dual(2), options);
    if (isMended) check("c2", 2);
    else expect(() => check("c2", 2)).toThrow("`bauta restore` puts it back");
    cli(["restore"]);
    for (const [containerId, n] of [
      ["c1", 1],
      ["c2", 2],
    ] as const)
      check(containerId, n);
    for (const containerId of ["c1", "c2"]) tearDownMasquerade(at(containerId), []);
    expect(run("nft", "list", "ruleset")).toBe("");
  });
});
