// Each limit that the caller of a plugin may have set on its process: setrlimit(2). The call works, or it ends with a CNI
// error and has left nothing; it never ends by a signal, which tells nobody anything.

import { statSync } from "node:fs";
import { expect, it } from "vitest";
import { inNetns } from "../../src/sys/netns.ts";
import { builtNode, builtPlugin } from "../support/differential.ts";
import { executable, succeed } from "../support/plugin.ts";

/** Megabytes more than the executable has. */
const more = (megabytes: readonly number[]): number[] =>
  megabytes.map((one) => Math.round(statSync(builtPlugin("bridge")).size + one * 2 ** 20));

/** In the words of prlimit(1). With less memory than the first the kernel itself cannot begin to run the executable. */
const LIMITS: Readonly<Record<string, readonly number[]>> = {
  as: more([0.25, 0.5, 0.75, 1, 1.5, 2, 3, 7]),
  data: more([-0.5, -0.25, 0, 0.25, 0.75, 1.25, 2.25, 7]), // the code is not counted
  stack: [96, 128, 160, 192, 256, 512].map((kilobytes) => kilobytes * 2 ** 10),
  fsize: [0, 10, 100, 4096],
  nofile: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12],
  nproc: [0],
  memlock: [0],
  sigpending: [0],
  core: [0],
  cpu: [1],
};

it.each(Object.entries(LIMITS))("works or says why not, whatever the limit of %s", (resource, values) => {
  const node = builtNode("bridge");
  const ipam = { type: "host-local", dataDir: node.dataDir, subnet: "10.1.0.0/24" };
  const config = { cniVersion: "1.1.0", name: "net1", type: "bridge", isGateway: true, ipMasq: true, ipam };
  const attachment = { containerId: "container-1", netns: node.container.path, ifname: "eth0" };
  for (const value of values) {
    const limited = executable(builtPlugin("bridge"), ["prlimit", `--${resource}=${value}`]);
    const outcome = inNetns(node.node.fd, () => limited({ ...attachment, command: "ADD", config }));
    expect([value, outcome.status]).toEqual([value, expect.toBeOneOf([0, 1])]);
    if (outcome.status === 0) expect(outcome.json.ips).toMatchObject([{ gateway: "10.1.0.1" }]);
    else expect(outcome.json).toMatchObject({ code: expect.any(Number), msg: expect.stringMatching(/./) });
    succeed(node.call({ command: "DEL", config }));
    expect(node.node.ipJson("link show type veth")).toEqual([]);
  }
  succeed(node.call({ command: "ADD", config }));
});
