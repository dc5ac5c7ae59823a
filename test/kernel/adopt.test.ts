// `bauta adopt` against rules as upstream's nftables back end makes them, put there by nft(8). What upstream's executables
// make of themselves is adopted in test/e2e/switching.test.ts.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { checkMasquerade, setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, formatCidr, formatIp, networkOf, parseCidr } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => unshareNetns());
afterEach(() => {
  for (const path of ["/run/bauta", "/var/lib/cni/networks", "/var/lib/cni/results"]) {
    rmSync(path, { recursive: true, force: true });
  }
});

const at = (containerId: string, network = "net"): Attachment => ({ network, containerId, ifname: "eth0" });
const cidrs = (...texts: readonly string[]): Cidr[] =>
  texts.map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);
const dual = (n: number): Cidr[] => cidrs(`10.1.0.${n}/20`, `fd00:1::${n.toString(16)}/64`);
const nft = (...words: readonly string[]): string => run("nft", ...words);
const digits = (text: string): string => createHash("sha512").update(text).digest("hex").slice(0, 16);

function commentOf({ network, ifname, containerId }: Attachment): string {
  const hashes = `${digits(network)}-${digits(`${ifname}:${containerId}`)}`;
  return `${hashes}, net: ${network}, if: ${ifname}, id: ${containerId}`.slice(0, 128);
}

function upstream(attachment: Attachment, addresses: readonly Cidr[]): void {
  const rules = addresses.map((cidr) => {
    const family = cidr.ip.length === 4 ? "ip" : "ip6";
    const match = `${family} saddr ${formatIp(cidr.ip)} ${family} daddr != ${formatCidr(networkOf(cidr))}`;
    return `add rule inet cni_plugins_masquerade masq_checks ${match} masquerade comment "${commentOf(attachment)}"`;
  });
  nft(`add table inet cni_plugins_masquerade
    add chain inet cni_plugins_masquerade masq_checks
    add chain inet cni_plugins_masquerade postrouting { type nat hook postrouting priority srcnat; }
    ${rules.join("\n")}`);
}

const long = (digit: string): string => digit.repeat(64);
const LONG_NAME = "a-network-with-a-long-name";

describe("bauta adopt", () => {
  it("moves all rules into our maps in one transaction, and removes upstream's table", () => {
    upstream(at("c1"), dual(1));
    upstream(at("c2"), dual(2));
    upstream(at("c3", "other"), cidrs("10.9.0.3/23", "10.10.0.3/16"));
    expect(cli(["adopt", "--dry-run"])).toEqual({
      status: 0,
      stdout: `net c1 eth0 10.1.0.1/20 fd00:1::1/64
net c2 eth0 10.1.0.2/20 fd00:1::2/64
other c3 eth0 10.9.0.3/23 10.10.0.3/16
would adopt 3 attachments
`,
      stderr: "",
    });
    expect(nft("list", "tables")).toBe("table inet cni_plugins_masquerade\n");
    expect(cli(["adopt"])).toMatchObject({ status: 0, stdout: expect.stringMatching(/adopted 3 attachments\n$/) });
    expect(nft("list", "tables")).toBe("table ip bauta_masquerade\ntable ip6 bauta_masquerade\n");
    checkMasquerade(at("c1"), dual(1));
    checkMasquerade(at("c2"), dual(2));
    checkMasquerade(at("c3", "other"), cidrs("10.9.0.3/23", "10.10.0.3/16"));
    for (const one of [at("c1"), at("c2"), at("c3", "other")]) tearDownMasquerade(one, []);
    expect([nft("list", "ruleset"), readdirSync(RECORDS)]).toEqual(["", []]);
  });

  it("has nothing to do where upstream has left nothing", () => {
    expect(cli(["adopt"])).toEqual({ status: 0, stdout: "adopted 0 attachments\n", stderr: "" });
    expect(nft("list", "ruleset")).toBe("");
  });

  it("finds the container of a comment that was cut, in host-local's files or a runtime's record", () => {
    const [a, b, c] = [at(long("a"), LONG_NAME), at(`${long("z")}1`, LONG_NAME), at(`${long("y")}1`, LONG_NAME)];
    mkdirSync(`/var/lib/cni/networks/${LONG_NAME}`, { recursive: true });
    writeFileSync(`/var/lib/cni/networks/${LONG_NAME}/10.1.0.1`, `${a.containerId}\r\neth0`);
    writeFileSync(`/var/lib/cni/networks/${LONG_NAME}/10.1.0.2`, `${b.containerId}\r\neth0`);
    mkdirSync("/var/lib/cni/results", { recursive: true });
    writeFileSync(`/var/lib/cni/results/${LONG_NAME}-${long("y")}2-eth0`, "{}");
    writeFileSync(`/var/lib/cni/results/${LONG_NAME}-${c.containerId}-eth0`, "{}");
    for (const [i, one] of [a, b, c].entries()) upstream(one, dual(i + 1));
    expect(cli(["adopt"])).toMatchObject({ status: 0, stderr: "" });
    for (const [i, one] of [a, b, c].entries()) checkMasquerade(one, dual(i + 1));
  });

  it("leaves a rule whose container nobody can tell, says so, and moves the rest", () => {
    const unknown = at(`${long("z")}1`, LONG_NAME);
    mkdirSync(`/var/lib/cni/networks/${LONG_NAME}`, { recursive: true });
    // The address is another container's by now, whose id begins alike.
    writeFileSync(`/var/lib/cni/networks/${LONG_NAME}/10.1.0.1`, `${long("z")}2\r\neth0`);
    upstream(unknown, dual(1));
    upstream(at("c2"), dual(2));
    nft("add rule inet cni_plugins_masquerade masq_checks ip saddr 10.7.0.1 accept");
    const { status, stdout, stderr } = cli(["adopt"]);
    expect([status, stdout]).toEqual([1, expect.stringMatching(/adopted 1 attachment\n$/)]);
    expect(stderr.match(/its comment is cut \(z+…\)/g)).toHaveLength(2);
    expect(stderr).toContain("it is not as upstream's plugins make it");
    const rules = nft("list", "chain", "inet", "cni_plugins_masquerade", "masq_checks");
    expect(rules.match(/saddr \S+/g)).toEqual(["saddr 10.1.0.1", "saddr fd00:1::1", "saddr 10.7.0.1"]);
    checkMasquerade(at("c2"), dual(2));
  });

  it("keeps somebody else's chain in upstream's table", () => {
    upstream(at("c1"), dual(1));
    nft("add chain inet cni_plugins_masquerade theirs");
    cli(["adopt"]);
    expect(nft("list", "table", "inet", "cni_plugins_masquerade")).toMatch(/chain theirs/);
    expect(nft("list", "table", "inet", "cni_plugins_masquerade")).not.toMatch(/saddr/);
    checkMasquerade(at("c1"), dual(1));
  });

  it("gives an address with two rules to the later, and back to the other when that goes", () => {
    upstream(at("old"), dual(1));
    upstream(at("new", "two"), dual(1));
    expect(cli(["adopt"]).status).toBe(0);
    checkMasquerade(at("new", "two"), dual(1));
    tearDownMasquerade(at("new", "two"), []);
    checkMasquerade(at("old"), dual(1));
  });

  it("joins what is ours already", () => {
    setUpMasquerade(at("c1"), dual(1));
    setUpMasquerade(at("c2"), cidrs("10.1.0.2/20"));
    upstream(at("c1"), dual(1));
    upstream(at("c2"), dual(2));
    upstream(at("c3"), dual(3));
    expect(cli(["adopt"]).status).toBe(0);
    for (const n of [1, 2, 3]) checkMasquerade(at(`c${n}`), dual(n));
    for (const n of [1, 2, 3]) tearDownMasquerade(at(`c${n}`), []);
    expect([nft("list", "ruleset"), readdirSync(RECORDS)]).toEqual(["", []]);
  });
});
