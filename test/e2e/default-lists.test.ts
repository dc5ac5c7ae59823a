// The lists that container runtimes bring along, from ADD to DEL with our executables, in either family and in both: nothing is
// left, also where a plugin fails at whatever link of the chain, and where DEL comes late.

import { chmodSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/cni/json.ts";
import { DEFAULT_LISTS, type DefaultList } from "../support/default-lists.ts";
import { makeNetns, poll, run, type TestNetns } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { stateOf } from "../support/whole-node.ts";
import { type CniOutcome, cni, listFile, succeeded } from "./attach.ts";
import { becomeNode, cleanNode, PLUGINS } from "./masquerade/node.ts";

// biome-ignore lint/suspicious/noExplicitAny: results of any version
type Json = any;

let container: TestNetns;
beforeAll(() => void becomeNode());
beforeEach(() => {
  container = makeNetns("container");
});
// Lists have bridges and addresses of the same names, and a test that failed is not held against the next.
afterEach(() => {
  container.remove();
  cleanNode(["/run/cni-ipam-state"]);
});

/** What others put before the names of plugins. */
const PREFIXES = ["cnv-", "buildkit-cni-"];

/** CNI_PATH with our plugins, by the names that others have for them, too, and with a plugin whose ADD fails. */
function pluginDirectory(): string {
  const directory = temporaryDirectory();
  for (const name of readdirSync(PLUGINS))
    for (const prefix of ["", ...PREFIXES]) symlinkSync(join(PLUGINS, name), join(directory, prefix + name));
  const error = '{"cniVersion": "0.4.0", "code": 100, "msg": "no more today"}';
  writeFileSync(join(directory, "failing"), `#!/bin/sh\n[ "$CNI_COMMAND" != ADD ] || { echo '${error}'; exit 1; }\n`);
  chmodSync(join(directory, "failing"), 0o755);
  return directory;
}

/** One attachment by a list. */
class Attachment {
  readonly list: string;
  readonly #path = pluginDirectory();
  readonly #words: readonly string[];

  constructor(list: JsonObject, { args, capabilityArgs }: DefaultList) {
    this.list = listFile(list);
    const said = args === "" ? [] : ["--args", args];
    this.#words = ["--container-id", "c1", ...said, "--cap-args", JSON.stringify(capabilityArgs)];
  }

  call(action: string, place: readonly string[] = ["--netns", container.path]): CniOutcome {
    return cni([action, this.list, ...place, ...this.#words], this.#path);
  }

  must(action: string, place?: readonly string[]): string {
    return succeeded(action, this.call(action, place));
  }
}

/** What there is of an attachment. Bridges, chains and directories that all of a network's share are there before. */
function state(): Json {
  const { prepared: _, ...rest } = stateOf(["container"]);
  // Those of iptables-legacy are not among nft's rules. Comments have the time.
  const saved = ["iptables", "ip6tables"].map((tool) => run(`${tool}-save`).replace(/^#.*\n/gm, ""));
  return { ...rest, saved };
}

/** The list has been in use before, so that what its attachments share is there. */
function warmUp(attachment: Attachment): void {
  attachment.must("add");
  attachment.must("del");
}

const NAMED = DEFAULT_LISTS.map((one) => [one.runtime, one] as const);
const FAMILIES: readonly (readonly [string, readonly (4 | 6)[]])[] = [
  ["IPv4", [4]],
  ["IPv6", [6]],
  ["both families", [4, 6]],
];

describe("a list with every chained plugin", () => {
  it.each(PREFIXES)("attaches, checks and detaches a container by the names %s…, and leaves nothing", (prefix) => {
    const k3s = DEFAULT_LISTS.find(({ runtime }) => runtime === "k3s");
    if (k3s === undefined) throw new Error("there is no list of k3s");
    const plain = k3s.list([4, 6]);
    const chained = [
      { type: "firewall", ingressPolicy: "same-bridge" },
      { type: "tuning", mtu: 1400 },
    ];
    const plugins = [...plain.plugins, ...chained].map((one) => ({ ...one, type: `${prefix}${one["type"]}` }));
    const attachment = new Attachment({ ...plain, plugins }, k3s);
    warmUp(attachment);
    const before = state();
    expect(JSON.parse(attachment.must("add")).ips).toHaveLength(2);
    const tables = run("nft", "list", "tables");
    for (const name of ["portmap", "firewall"]) expect(tables).toContain(`bauta_${name}`);
    expect(run("ip", "-br", "link", "show", "type", "ifb")).toMatch(/^bwp/);
    expect(container.ipJson("link show eth0")[0].mtu).toBe(1400);
    attachment.must("check");
    attachment.must("del");
    expect(state()).toEqual(before);
  });
});

describe.each(NAMED)("the list of %s", (_, one) => {
  it.each(FAMILIES)("attaches, checks and detaches a container in %s, and leaves nothing", (_families, families) => {
    const list = one.list(families);
    const attachment = new Attachment(list, one);
    warmUp(attachment);
    const before = state();
    const result = JSON.parse(attachment.must("add"));
    expect(result.ips).toHaveLength(families.length);
    expect(state()).not.toEqual(before);
    const { status, stderr } = attachment.call("check");
    // Version 0.3.1 has no CHECK.
    expect([status, stderr]).toEqual(list["cniVersion"] === "0.3.1" ? [1, expect.stringContaining("CHECK")] : [0, ""]);
    attachment.must("del");
    expect(state()).toEqual(before);
  });

  it("leaves nothing wherever in the list a plugin fails", () => {
    const list = one.list([4, 6]);
    warmUp(new Attachment(list, one));
    const before = state();
    for (let at = 0; at <= list.plugins.length; at++) {
      const failing = { ...list, plugins: list.plugins.toSpliced(at, 0, { type: "failing" }) };
      const { status, stderr } = new Attachment(failing, one).call("add");
      expect([at, status, stderr]).toEqual([at, 1, expect.stringContaining("no more today")]);
      expect([at, stderr]).toEqual([at, expect.stringContaining("has taken back what was made")]);
      expect([at, state()]).toEqual([at, before]);
    }
  });

  it("leaves nothing where DEL comes without a namespace and a result, and comes again", () => {
    const attachment = new Attachment(one.list([4, 6]), one);
    warmUp(attachment);
    const before = state();
    attachment.must("add");
    // As kubelet does after a restart: the namespace is gone, and so is what the runtime knew.
    container.remove();
    for (let n = 0; n < 3; n++) attachment.must("del", ["--netns", "/run/netns/gone", "--cache-dir", "/run/no-cache"]);
    attachment.must("del");
    container = makeNetns("container");
    // The kernel takes its time over a namespace and its links; the new one has links of other numbers.
    const names = ({ links }: Json): string[] => links.map(({ ifname }: Json) => ifname);
    poll("links of the namespace gone", () => names(state()).length === names(before).length);
    const { links: _links, ...rest } = state();
    const { links: __, ...restBefore } = before;
    expect(rest).toEqual(restBefore);
  });
});
