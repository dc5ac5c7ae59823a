// Names of links, chains, tables and attachments that a terminal would obey: nothing of them reaches one, by any verb.

import { rmSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { VERBS } from "../../src/cli/verbs.ts";
import { setUpMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { Connection } from "../../src/netlink/connection.ts";
import { NETLINK } from "../../src/netlink/uapi.ts";
import { addChain } from "../../src/nftables/chain.ts";
import { Nftables } from "../../src/nftables/nftables.ts";
import { addTable } from "../../src/nftables/table.ts";
import { NF_INET, NFPROTO } from "../../src/nftables/uapi.ts";
import { addLink } from "../../src/rtnetlink/link.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { parseCidr } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => unshareNetns());
afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

// ESC and BEL, C1 controls in UTF-8, a line end, an override of the direction of writing, a separator of lines.
const NAMES = ["\x1b]0;t\x07", "\u009b2J\u0085", "\x1b[2J", "x\u202ey", "z\u2028", "\x01\x7f"];
// The kernel takes no white space in the name of a link, and "\n" and U+0085 (c2 85) are some to its isspace().
const LINKS = ["\x1b[2J", "\x01\x07\x7f", "x\u202ey"];

/** A node on which all that can have a name has a hostile one. */
function makeNode(): void {
  const links = Connection.open(NETLINK.ROUTE);
  for (const name of LINKS) links.execute(addLink({ name, info: { kind: "bridge" } }));
  links.close();
  for (const [i, name] of NAMES.entries()) {
    const cidr = parseCidr(`198.18.0.${5 + i}/17`);
    if (cidr !== undefined) setUpMasquerade({ network: name, containerId: `c${name}\n`, ifname: name }, [cidr]);
  }
  const nft = Nftables.open();
  for (const name of NAMES) {
    nft.commit([
      addTable({ family: NFPROTO.IPV4, name }),
      addChain({
        family: NFPROTO.IPV4,
        table: name,
        name,
        type: "nat",
        hook: NF_INET.POST_ROUTING,
        priority: 100,
      }),
    ]);
  }
  nft.close();
  run("ip", "link", "set", "lo", "up");
  run("ip", "address", "add", "192.0.2.1/24", "dev", LINKS[0] ?? "");
  run("ip", "link", "set", LINKS[0] ?? "", "up");
}

const WANTED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  list: [[], ["--json"]],
  explain: [
    ["--from", "198.18.0.5", "--to", "192.0.2.9", "--port", "80"],
    ["--from", "198.18.0.5", "--to", "192.0.2.9", "--json"],
  ],
  doctor: [[], ["--json"], ["--conf-dir", "/no\x1b[2J\u009b", "--bin-dir", "/no\x1b[2J"]],
  metrics: [[], ["--conf-dir", "/no\x1b[2J\u009b"]],
  node: [[], ["--json"]],
  serve: [["--port", "\x1b[2J\u009b"]],
  graph: [["--network", "\x1b[2J\u009b"]],
  restore: [[], ["--json"]],
  adopt: [["--dry-run"]],
  apply: [[], ["--json"], ["--file", "/no\x1b[2J"]],
  gc: [["--dry-run", "--grace", "0s"]],
  cni: [
    ["\x1b[2J\u009b"],
    ["add", "/no\x1b[2J\u009b", "--netns", "\x1b[2J"],
    ["del", "\x1b[2J", "--netns", "/no\x1b[2J", "--container-id", "\x1b[2J\u009b"],
  ],
  install: [
    ["--bin-dir", "/no\x1b[2J\u009b", "--dry-run"],
    ["--only", "\x1b[2J\u009b"],
  ],
  uninstall: [["--bin-dir", "/no\x1b[2J\u009b"]],
  schema: [["\x1b[2J\u009b"]],
  completion: [["bash"], ["\x1b[2J\u009b"]],
  manual: [[], ["\x1b[2J\u009b"]],
  help: [["\x1b[2J\u009b"]],
  version: [["\x1b[2J\u009b"]],
  licenses: [["--\x1b[2J\u009b"]],
  monitor: [["\x1b[2J\u009b"]],
};

describe.each(VERBS.map(({ name }) => name))("bauta %s", (name) => {
  it("prints nothing of names that a terminal would obey", () => {
    makeNode();
    const calls = WANTED[name];
    if (calls === undefined) throw new Error(`${name} is not called here yet`);
    for (const args of calls) {
      const { stdout, stderr } = cli([name, ...args]);
      if (name !== "apply") expect(stdout + stderr).not.toBe("");
      for (const line of (stdout + stderr).split("\n")) {
        expect([name, args, line]).not.toEqual([name, args, expect.stringMatching(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)]);
      }
    }
  });
});
