// Two network namespaces of a node that share /run in one mount namespace, as nested nodes and several runtimes have them:
// neither sees, restores or removes what the other's attachments own.

import { createHash } from "node:crypto";
import { readdirSync, rmSync, utimesSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { iptables } from "../../src/masquerade/iptables/backend.ts";
import { nftables } from "../../src/masquerade/nftables/backend.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { PLAIN } from "../../src/masquerade/options/options.ts";
import { withNftables } from "../../src/owned/commit.ts";
import { attachmentId, idText } from "../../src/owned/id.ts";
import { close, O, open } from "../../src/sys/fd.ts";
import { inNetns, OWN_NETNS, unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => requireNamespaces());

const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const addresses = (n: number): Cidr[] => [parseCidr(`10.1.0.${n}/16`)].filter((cidr) => cidr !== undefined);
const ruleset = (): string => run("nft", "list", "ruleset");
const GONE = "/run/netns/long-gone";

const BACKENDS = { nftables, iptables } as const;
type Name = keyof typeof BACKENDS;

/** The other namespace; this thread is in the first. */
let other = -1;
const there = <T>(use: () => T): T => inNetns(other, use);

function attach(name: Name, containerId: string, n: number): void {
  BACKENDS[name].setUp(at(containerId), { addresses: addresses(n), options: PLAIN }, GONE);
}

describe.each(Object.keys(BACKENDS) as Name[])("beside another namespace, by %s", (name) => {
  beforeEach(() => {
    unshareNetns();
    other = open(OWN_NETNS, O.RDONLY);
    unshareNetns();
    attach(name, "here", 1);
    there(() => attach(name, "there", 2));
  });
  afterEach(() => {
    close(other);
    rmSync("/run/bauta", { recursive: true, force: true });
  });

  const listed = (): string[] => cli(["list"]).stdout.match(/\b(here|there)\b/g) ?? [];

  it("list shows the attachments of its own", () => {
    expect([listed(), there(listed)]).toEqual([["here"], ["there"]]);
    expect(cli(["list"]).stdout).not.toContain("missing");
  });

  it("restore puts back its own rules, and no others", () => {
    const [own, theirs] = [ruleset(), there(ruleset)];
    run("nft", "flush", "ruleset");
    expect(cli(["restore"]).stdout).toContain("put back 1 address (1 live attachment)");
    expect(cli(["restore"]).stdout).toContain("put back 0 addresses (1 live attachment)");
    expect([listed(), there(listed)]).toEqual([["here"], ["there"]]);
    expect(there(ruleset)).toBe(theirs);
    expect(ruleset().includes("10.1.0.2")).toBe(false);
    expect(ruleset().includes("10.1.0.1")).toBe(own.includes("10.1.0.1"));
  });

  it("gc of the command and of the plugin remove its own, and leave the others' records", () => {
    for (const file of readdirSync(`/run/bauta`)) {
      if (file === "tried-out") continue;
      for (const record of readdirSync(`/run/bauta/${file}`)) utimesSync(`/run/bauta/${file}/${record}`, 1, 1);
    }
    expect(cli(["gc", "--dry-run"]).stdout).toContain("would remove 1 attachment");
    BACKENDS[name].collect("net", []);
    expect([listed(), there(listed)]).toEqual([[], ["there"]]);
    expect(cli(["gc"]).stdout).toContain("removed 0 attachments");
    expect(there(() => cli(["gc"])).stdout).toContain("removed 1 attachment");
    expect([listed(), there(listed), there(ruleset).includes("10.1.0.2")]).toEqual([[], [], false]);
  });

  it("a DEL of the other's attachment leaves record and rules", () => {
    const theirs = there(ruleset);
    BACKENDS[name].tearDown(at("there"), addresses(2));
    expect([there(listed), there(ruleset)]).toEqual([["there"], theirs]);
    there(() => BACKENDS[name].tearDown(at("there"), []));
    expect([listed(), there(listed)]).toEqual([["here"], []]);
  });
});

/** As upstream's plugins name networks and attachments in comments. */
const digits = (text: string): string => createHash("sha512").update(text).digest("hex").slice(0, 16);

describe("adopt", () => {
  beforeEach(() => {
    unshareNetns();
    other = open(OWN_NETNS, O.RDONLY);
    unshareNetns();
  });
  afterEach(() => close(other));

  it("puts nothing of the other's into its own tables", () => {
    there(() => attach("nftables", "there", 2));
    const comment = `${digits("net")}-${digits("eth0:here")}, net: net, if: eth0, id: here`;
    const rule = `ip saddr 10.1.0.1 ip daddr != 10.1.0.0/16 masquerade comment "${comment}"`;
    run(
      "nft",
      `add table inet cni_plugins_masquerade
       add chain inet cni_plugins_masquerade masq_checks
       add chain inet cni_plugins_masquerade postrouting { type nat hook postrouting priority srcnat; }
       add rule inet cni_plugins_masquerade masq_checks ${rule}`,
    );
    expect(cli(["adopt"]).stdout).toContain("adopted 1 attachment");
    expect(ruleset()).not.toContain("10.1.0.2");
    expect(readdirSync(RECORDS)).toContain(idText(attachmentId(at("there"))));
    expect(withNftables((nft) => nftables.inventory(nft)).attachments.map(({ name }) => name.containerId)).toEqual([
      "here",
    ]);
  });
});
