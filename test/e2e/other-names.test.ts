// The executable under the names that others install it by: KubeVirt has cnv-bridge, BuildKit and nerdctl have
// buildkit-cni-bridge and buildkit-cni-host-local.

import { copyFileSync, linkSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { builtPlugin, executableNode } from "../support/differential.ts";
import { executable, succeed } from "../support/plugin.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const WAYS = { "a symbolic link": symlinkSync, "a hard link": linkSync, "a copy": copyFileSync };
const NAMES = [
  ["cnv-bridge", "host-local"],
  ["buildkit-cni-bridge", "buildkit-cni-host-local"],
  ["my-ptp", "my-own-static"],
] as const;

it.each(Object.entries(WAYS).flatMap(([way, make]) => NAMES.map(([type, ipam]) => [way, type, ipam, make] as const)))(
  "serves every verb as %s by the name %s with %s",
  (_way, type, ipam, make) => {
    // Beside dist/cni, since a hard link cannot lead to another file system.
    const directory = temporaryDirectory(join(builtPlugin("bridge"), "../.."));
    const cni = join(directory, "cni");
    mkdirSync(cni);
    for (const name of [type, ipam]) make(builtPlugin("bridge"), join(cni, name));
    const node = executableNode(join(cni, type));
    const addresses = ipam.endsWith("static")
      ? { addresses: [{ address: "10.1.2.3/24", gateway: "10.1.2.1" }] }
      : { dataDir: node.dataDir, subnet: "10.1.2.0/24", rangeStart: "10.1.2.3" };
    const config = { cniVersion: "1.1.0", name: "net1", type, isGateway: true, ipam: { type: ipam, ...addresses } };
    expect(succeed(node.call({ command: "VERSION", config })).supportedVersions).toContain("1.1.0");
    const prevResult = succeed(node.call({ command: "ADD", config }));
    expect(prevResult.ips).toMatchObject([{ address: "10.1.2.3/24" }]);
    for (const command of ["CHECK", "STATUS"]) succeed(node.call({ command, config: { ...config, prevResult } }));
    const kept = [{ containerID: "container-1", ifname: "eth0" }];
    succeed(node.call({ command: "GC", config: { ...config, "cni.dev/valid-attachments": kept } }));
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
    expect(node.node.ipJson("link show type veth")).toEqual([]);
  },
);

it.each(["constructor", "__proto__", "toString"])("takes the word %j for no subcommand", (word) => {
  const dhcp = builtPlugin("dhcp");
  const call = executable(dhcp, [dhcp, word]);
  expect(succeed(call({ command: "VERSION", config: {} })).supportedVersions).toContain("1.1.0");
});

it("says which names it serves where it has another", () => {
  const directory = temporaryDirectory();
  for (const name of ["mybridge", "bridge-1"]) {
    copyFileSync(builtPlugin("bridge"), join(directory, name));
    const { status, json } = executableNode(join(directory, name)).call({ command: "ADD", config: {} });
    expect([status, json.code, json.msg]).toEqual([1, 4, expect.stringContaining(`called by the name "${name}"`)]);
  }
});
