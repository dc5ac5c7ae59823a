// GC: what isn't valid any more goes, and nothing else; the IPAM plugin is told, whosever it is.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { withoutNetfilter } from "../../support/interfere.ts";
import { run } from "../../support/netns.ts";
import { addressFiles, becomeNode, mapElements, PLUGINS } from "./node.ts";
import {
  type Attached,
  add,
  addressesOf,
  attach,
  callNetwork,
  check,
  containerFor,
  DUAL,
  networkOf,
  TYPES,
} from "./runtime.ts";

beforeAll(() => {
  becomeNode();
});

const OTHER = ["10.9.0.0/16", "fd09::/64"];

const entryOf = ({ container }: Attached, ifname = "eth0"): object => ({ containerID: container.name, ifname });

/** The elements of our sets and maps: `owners 198.18.0.2`. */
const masqueraded = (): string[] =>
  mapElements()
    .map(({ map, key }) => `${map} ${key}`)
    .sort();

/** Those that are there for these attachments to networks of these subnets. */
const elementsFor = (attached: readonly Attached[], subnets: readonly string[]): string[] => {
  const addresses = attached.flatMap(({ result }) => addressesOf(result));
  const own = addresses.flatMap((address) => ["owners", "policies", "members"].map((map) => `${map} ${address}`));
  return [...own, ...subnets.map((subnet) => `networks ${subnet}`)].sort();
};

describe.each(TYPES)("%s", (type) => {
  it.each(["cni.dev/valid-attachments", "cni.dev/attachments"])("removes exactly what is not in %s", (key) => {
    const config = networkOf(type);
    const attached = Array.from({ length: 4 }, () => attach(config));
    const bystander = attach(networkOf(type, OTHER));
    const [one, two, three, four] = attached;
    if (!one || !two || !three || !four) return;
    // An interface that isn't there, and the name of a container on another network, keep nothing alive.
    const valid = [entryOf(two), entryOf(four), entryOf(one, "eth1"), entryOf(bystander)];
    expect(callNetwork("GC", { ...config, [key]: valid })).toMatchObject({ status: 0, stdout: "" });
    expect(masqueraded()).toEqual(elementsFor([two, four, bystander], [...DUAL, ...OTHER]));
    const kept = [two, four, bystander].flatMap(({ result }) => addressesOf(result));
    expect(
      addressFiles()
        .map((path) => path.slice(path.lastIndexOf("/") + 1))
        .sort(),
    ).toEqual(kept.sort());
    for (const { container, result } of [two, four])
      expect(check(config, container, result)).toMatchObject({ status: 0 });
    expect(check(config, one.container, one.result)).toMatchObject({ status: 1 });
  });

  it("takes an attachment that either list calls valid for valid, and everything for stale where both are empty", () => {
    const config = networkOf(type);
    const [one, two] = [attach(config), attach(config)];
    const lists = { "cni.dev/valid-attachments": [entryOf(one)], "cni.dev/attachments": [entryOf(two)] };
    expect(callNetwork("GC", { ...config, ...lists })).toMatchObject({ status: 0 });
    expect(masqueraded()).toEqual(elementsFor([one, two], DUAL));
    expect(callNetwork("GC", { ...config, "cni.dev/valid-attachments": [] })).toMatchObject({ status: 0 });
    expect([masqueraded(), addressFiles(), existsSync("/run/bauta/masquerade")]).toEqual([[], [], true]);
    expect(run("nft", "list", "ruleset")).toBe("");
  });

  it("removes what its records no longer know, and leaves alone what other programs have", () => {
    const config = networkOf(type);
    const [one, two] = [attach(config), attach(config)];
    run(
      "nft",
      "add table ip other; add map ip other owners { type ipv4_addr : ipv6_addr; elements = { 198.18.0.2 : ::1 }; }",
    );
    const other = run("nft", "list", "table", "ip", "other");
    run("rm", "-r", "/run/bauta");
    expect(callNetwork("GC", { ...config, "cni.dev/valid-attachments": [entryOf(two)] })).toMatchObject({ status: 0 });
    expect(check(config, one.container, one.result)).toMatchObject({ status: 1 });
    expect(check(config, two.container, two.result)).toMatchObject({ status: 0 });
    expect(run("nft", "list", "table", "ip", "other")).toBe(other);
    run("nft", "delete table ip other");
  });

  it("passes GC on to an IPAM plugin that isn't ours, with the configuration as it came", () => {
    const config = networkOf(type, [], { ipam: { type: "notes-calls" } });
    const directory = foreignIpam("notes-calls");
    const path = `${PLUGINS}:${directory}`;
    const container = containerFor(config);
    const result = add(config, container, { path });
    const valid = {
      ...config,
      "cni.dev/valid-attachments": [entryOf({ container, result })],
      "cni.dev/attachments": [],
    };
    expect(callNetwork("GC", valid, { path })).toMatchObject({ status: 0, stdout: "" });
    expect(notesOf(directory)).toEqual(["ADD", "GC"]);
    expect(JSON.parse(readFileSync(`${directory}/stdin.GC`, "utf8"))).toEqual(valid);
    expect(check(config, container, result, { path })).toMatchObject({ status: 0 });
    expect(callNetwork("GC", { ...config, "cni.dev/valid-attachments": [] }, { path })).toMatchObject({ status: 0 });
    expect(masqueraded()).toEqual([]);
  });

  it("does the rest, and then fails, where the IPAM plugin does", () => {
    const config = networkOf(type, [], { ipam: { type: "fails-gc" } });
    const path = `${PLUGINS}:${foreignIpam("fails-gc", 'if [ "$CNI_COMMAND" = GC ]; then echo \'{"code":123,"msg":"no GC today"}\'; exit 1; fi')}`;
    add(config, containerFor(config), { path });
    expect(callNetwork("GC", { ...config, "cni.dev/valid-attachments": [] }, { path })).toMatchObject({
      status: 1,
      json: { code: 123, msg: "no GC today" },
    });
    expect(masqueraded()).toEqual([]);
  });

  it("passes on a kernel without nf_tables", () => {
    const config = { ...networkOf(type), "cni.dev/valid-attachments": [] };
    expect(callNetwork("GC", config, { through: withoutNetfilter() })).toMatchObject({ status: 0, stdout: "" });
  });
});

/** An IPAM plugin as a shell script: it gives the same addresses always, and keeps what it was told. */
function foreignIpam(name: string, first = ""): string {
  const directory = `/run/${name}-${performance.now()}`;
  mkdirSync(directory);
  const ips = DUAL.map((subnet) => {
    const [network = "", length] = subnet.split("/");
    const start = network.replace(/0$/, "").replace(/::$/, "::");
    return { address: `${start}77/${length}`, gateway: `${start}1` };
  });
  const result = JSON.stringify({ cniVersion: "1.1.0", ips, routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }] });
  const script = `#!/bin/sh
cat > ${directory}/stdin.$CNI_COMMAND
echo $CNI_COMMAND >> ${directory}/calls
${first}
[ $CNI_COMMAND != ADD ] || echo '${result}'
`;
  writeFileSync(`${directory}/${name}`, script);
  chmodSync(`${directory}/${name}`, 0o755);
  return directory;
}

function notesOf(directory: string): string[] {
  return readFileSync(`${directory}/calls`, "utf8").trim().split("\n");
}
