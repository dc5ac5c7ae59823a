// `bauta gc` against the kernel: it removes what is provably gone, and nothing else.

import { existsSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { checkMasquerade, setUpMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { PLAIN } from "../../src/masquerade/options/options.ts";
import { attachmentId, idText } from "../../src/owned/id.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { withSyscalls } from "../support/intercept-syscalls.ts";
import { requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => unshareNetns());
afterEach(() => {
  for (const path of ["/run/bauta", "/var/lib/cni/networks", "/var/lib/cni/results", "/run/gone"]) {
    rmSync(path, { recursive: true, force: true });
  }
});

const GONE = "/run/netns/long-gone";
const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const dual = (n: number): Cidr[] =>
  [`10.1.0.${n}/16`, `fd00:1::${n}/64`].map((text) => parseCidr(text)).filter((cidr) => cidr !== undefined);

/** An attachment whose record is an hour old. */
function attach(containerId: string, n: number, netns: string | undefined, isOld = true): void {
  setUpMasquerade(at(containerId), dual(n), PLAIN, netns);
  const hourAgo = Date.now() / 1000 - 3600;
  if (isOld) utimesSync(join(RECORDS, idText(attachmentId(at(containerId)))), hourAgo, hourAgo);
}

function reserve(ip: string, record: string): string {
  mkdirSync("/var/lib/cni/networks/net", { recursive: true });
  const path = `/var/lib/cni/networks/net/${ip}`;
  writeFileSync("/var/lib/cni/networks/net/lock", "");
  writeFileSync(path, record);
  return path;
}

describe("bauta gc", () => {
  it.each(["EACCES", "EIO", "ENOMEM"] as const)(
    "takes a namespace that the kernel does not show for no proof: %s",
    (code) => {
      mkdirSync("/run/gone");
      writeFileSync("/run/gone/lives", "");
      attach("c1", 1, "/run/gone/lives");
      const before = run("nft", "list", "ruleset");
      const refuse = (name: string, args: readonly unknown[]) =>
        name === "statx" && args[1] === "/run/gone/lives" ? code : undefined;
      const { status, stderr } = withSyscalls(refuse, () => cli(["gc"]));
      expect([status, stderr]).toEqual([1, expect.stringContaining(`cannot look at /run/gone/lives: ${code}`)]);
      expect(run("nft", "list", "ruleset")).toBe(before);
      checkMasquerade(at("c1"), dual(1), PLAIN);
    },
  );

  it("shows, then removes, what is gone, with its addresses in host-local's store", () => {
    attach("c1", 1, GONE);
    attach("c2", 2, GONE);
    const [own, others] = [reserve("10.1.0.1", "c1\r\neth0"), reserve("10.1.0.2", "c9\r\neth0")];
    const lines = `net c1 eth0 10.1.0.1/16 fd00:1::1/64: ${GONE} is gone; host-local keeps 10.1.0.1/16
net c2 eth0 10.1.0.2/16 fd00:1::2/64: ${GONE} is gone
`;
    const sorted = (text: string): string[] => text.split("\n").sort();
    const before = run("nft", "list", "ruleset");
    const shown = cli(["gc", "--dry-run"]);
    expect([shown.status, shown.stderr]).toEqual([0, ""]);
    expect(sorted(shown.stdout)).toEqual(sorted(`${lines}would remove 2 attachments\n`));
    expect([run("nft", "list", "ruleset"), existsSync(own)]).toEqual([before, true]);
    expect(sorted(cli(["gc"]).stdout)).toEqual(sorted(`${lines}removed 2 attachments\n`));
    expect([run("nft", "list", "ruleset"), existsSync(own), existsSync(others)]).toEqual(["", false, true]);
    expect(cli(["gc"])).toEqual({ status: 0, stdout: "removed 0 attachments\n", stderr: "" });
  });

  it("keeps whatever is there, younger, known to a runtime, or without a network namespace in its record", () => {
    attach("alive", 1, "/proc/self/ns/net");
    attach("young", 2, GONE, false);
    attach("cached", 3, GONE);
    attach("unknown", 4, undefined);
    mkdirSync("/var/lib/cni/results", { recursive: true });
    writeFileSync("/var/lib/cni/results/net-cached-eth0", "{}");
    expect(cli(["gc"])).toEqual({
      status: 0,
      stdout: "removed 0 attachments\n",
      stderr: "bauta: 1 attachment kept without a look: no network namespace recorded\n",
    });
    for (const [n, name] of ["alive", "young", "cached", "unknown"].entries()) checkMasquerade(at(name), dual(n + 1));
  });

  it("goes by the grace period", () => {
    attach("c1", 1, GONE);
    expect(cli(["gc", "--grace", "2h"]).stdout).toBe("removed 0 attachments\n");
    expect(cli(["gc", "--grace", "30m"]).stdout).toContain("removed 1 attachment\n");
    attach("c1", 1, GONE, false);
    expect(cli(["gc", "--grace", "0"]).stdout).toContain("removed 1 attachment\n");
  });

  it("refuses a grace period that is none", () => {
    expect(cli(["gc", "--grace", "soon"])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("no time such"),
    });
  });
});
