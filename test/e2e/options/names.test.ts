// Names in the kernel's tables are made of hashes: the executable and Node must agree on them, or neither would know what the
// other has made.

import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { destinationSetName, policyFor } from "../../../src/masquerade/nftables/policy.ts";
import { baseOf } from "../../../src/masquerade/nftables/policy-name.ts";
import { readOptions } from "../../../src/masquerade/options/options.ts";
import { unshareNetns } from "../../../src/sys/netns.ts";
import { parseCidr } from "../../../src/wire/ip.ts";
import { requireNamespaces, run } from "../../support/netns.ts";

const PLUGINS = `${process.cwd()}/dist/cni`;

beforeAll(() => {
  requireNamespaces();
  unshareNetns();
  run("ip", "netns", "add", "names");
});
afterAll(() => {
  run("ip", "netns", "delete", "names");
  rmSync("/run/bauta", { recursive: true, force: true });
});

it.each([1, 7, 30, 200])("are the same in the executable and under Node: a list of %i prefixes", (count) => {
  const ipMasqOptions = { exclude: Array.from({ length: count }, (_, i) => `198.18.${i}.0/24`), ports: "1024-2047" };
  const config = {
    ...{ cniVersion: "1.1.0", name: `names-${count}`, type: "bridge", bridge: "names0", ipMasq: true },
    ipMasqOptions,
    ipam: { type: "static", addresses: [{ address: "10.1.0.5/16" }] },
  };
  const env = {
    ...{ CNI_COMMAND: "ADD", CNI_CONTAINERID: "names", CNI_NETNS: "/run/netns/names", CNI_IFNAME: `e${count}` },
    CNI_PATH: PLUGINS,
  };
  execFileSync(`${PLUGINS}/bridge`, { input: JSON.stringify({ ...config, ipMasqBackend: "nftables" }), env });
  const options = readOptions(ipMasqOptions);
  const address = parseCidr("10.1.0.5/16");
  if (address === undefined) throw new Error("no address");
  const ruleset = run("nft", "list", "ruleset");
  expect(ruleset).toContain(`set ${destinationSetName(options)} {`);
  const chains = [...ruleset.matchAll(/\tchain (\S+) \{/g)].map(([, name = ""]) => name);
  // The first of them has the network, which they share.
  expect(chains.map(baseOf)).toContain(policyFor(address, options).chain);
});
