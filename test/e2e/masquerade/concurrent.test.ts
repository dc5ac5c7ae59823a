// Many containers at once, while another program changes nf_tables all the time.

import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { type Background, startBeside } from "../../support/background.ts";
import type { TestNetns } from "../../support/netns.ts";
import { waysOf } from "../../support/nftables-ways.ts";
import { addressFiles, becomeNode, leftovers, mapElements, NODE, veths } from "./node.ts";
import { addressesOf, containerFor, DUAL, networkOf, startCall, TYPES } from "./runtime.ts";
import { seenOutside } from "./traffic.ts";

const COUNT = { bridge: 64, ptp: 32 };

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNode();
});

/** Another program, which commits one transaction after the other, and prints a line for each. */
function startCommitter(): Background {
  const file = "/run/other.nft";
  // A table that comes and goes: every transaction is a generation, and keeps the kernel's own clean-up busy.
  writeFileSync(
    file,
    "add table inet other\nadd chain inet other c\nadd rule inet other c accept\ndelete table inet other\n",
  );
  return startBeside("sh", ["-c", `while nft -f ${file}; do echo; done`]);
}

describe.each(TYPES)("%s", (type) => {
  it(`attaches ${COUNT[type]} containers at once and detaches them at once, while others commit`, async () => {
    const config = networkOf(type);
    const containers = Array.from({ length: COUNT[type] }, () => containerFor(config));
    const committer = startCommitter();
    const added = await Promise.all(containers.map((container) => startCall("ADD", config, container)));
    expect(added.filter(({ status }) => status !== 0)).toEqual([]);
    const results = added.map(({ json }) => json);
    const addresses = results.flatMap(addressesOf);
    expect(new Set(addresses).size).toBe(2 * COUNT[type]);
    expect(addressFiles()).toHaveLength(addresses.length);
    expect(veths()).toHaveLength(COUNT[type]);
    const elements = mapElements();
    const keysOf = (name: string): string[] => elements.flatMap(({ map, key }) => (map === name ? [key] : [])).sort();
    for (const map of ["owners", "policies", "members"]) expect(keysOf(map)).toEqual([...addresses].sort());
    expect([keysOf("networks"), keysOf("exceptions")]).toEqual([DUAL, []]);
    const checks = containers.map((container, i) =>
      startCall("CHECK", { ...config, prevResult: results[i] }, container),
    );
    expect((await Promise.all(checks)).filter(({ status }) => status !== 0)).toEqual([]);
    for (const i of [0, COUNT[type] - 1]) {
      for (const address of addressesOf(results[i])) {
        const seen = seenOutside(containers[i] ?? outside, address, outside, "tcp");
        expect(seen).toBe(NODE[address.includes(":") ? 6 : 4]);
      }
    }
    const deleted = await Promise.all(
      containers.map((container, i) => startCall("DEL", { ...config, prevResult: results[i] }, container)),
    );
    expect(deleted.filter(({ status }) => status !== 0)).toEqual([]);
    await committer.stop();
    expect(committer.printed().length).toBeGreaterThan(10);
    expect(leftovers()).toEqual([]);
  });

  it("gives each of two policies that share a subnet its own way, whichever comes or goes first", async () => {
    const config = networkOf(type);
    const configs = [config, { ...config, ipMasqOptions: { ports: "20000-20999" } }];
    const subjects = Array.from({ length: 12 }, (_, i) => ({
      config: configs[i % 2],
      container: containerFor(config),
    }));
    for (let round = 0; round < 6; round++) {
      const first = round % 2; // of the two policies
      const ordered = subjects.toSorted(
        (a, b) => Number(a.config !== configs[first]) - Number(b.config !== configs[first]),
      );
      const added = await Promise.all(ordered.map((one) => startCall("ADD", one.config, one.container)));
      expect(added.filter(({ status }) => status !== 0)).toEqual([]);
      for (const family of ["ip", "ip6"] as const) {
        const ways = waysOf(family);
        const found = added.map(({ json }) => addressesOf(json).flatMap((address) => ways.get(address) ?? []));
        expect(found.flat()).toHaveLength(subjects.length);
        for (const [i, { config: own }] of ordered.entries()) {
          const [way] = found[i] ?? [];
          expect(/-[0-9a-f]{32}(-apart)?$/.test(way?.chain ?? "")).toBe(own !== config);
          expect(way?.by).toBe(way?.chain.endsWith("-apart") ? "exceptions" : "members");
        }
      }
      expect(mapElements().filter(({ map }) => map === "networks")).toHaveLength(2); // one a family
      const checks = ordered.map(({ config: own, container }, i) =>
        startCall("CHECK", { ...own, prevResult: added[i]?.json }, container),
      );
      expect((await Promise.all(checks)).filter(({ status }) => status !== 0)).toEqual([]);
      const deleted = await Promise.all(ordered.map((one) => startCall("DEL", one.config, one.container)));
      expect(deleted.filter(({ status }) => status !== 0)).toEqual([]);
      expect(leftovers()).toEqual([]);
    }
  });
});
