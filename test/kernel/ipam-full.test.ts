// host-local with thousands of addresses taken: what an operation asks of the kernel must not depend on how many
// there are. Counted, not timed: system calls, and the bytes they bring in.

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hostLocal } from "../../src/ipam/host-local.ts";
import { INDEX_NAME } from "../../src/ipam/reservation-index.ts";
import { plugin as hostLocalPlugin } from "../../src/plugins/host-local/plugin.ts";
import { formatIp } from "../../src/wire/ip.ts";
import { addressesOf } from "../support/cni-result.ts";
import { peerDirectory } from "../support/differential.ts";
import { call, type Json } from "../support/host-local-call.ts";
import { withSyscalls } from "../support/intercept-syscalls.ts";
import { writeAsUpstream } from "../support/ipam-store.ts";
import { executable, inProcess } from "../support/plugin.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** BAUTA_IPAM_MANY=60000 takes minutes on a busy disk: a hundred thousand files made, and read anew after each other's call. */
const MANY = Number(process.env["BAUTA_IPAM_MANY"] ?? 3000);
const DUAL = { ranges: [[{ subnet: "10.1.0.0/16" }], [{ subnet: "fd00::/64" }]] };
const ONE = { subnet: "10.1.0.0/16" };

/** The n-th address behind the gateways, of each family. */
const ipv4 = (n: number): string => `10.1.${(n + 2) >> 8}.${(n + 2) & 255}`;
const ipv6 = (n: number): string =>
  formatIp(Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (n + 2) >> 8, (n + 2) & 255));

/** A data directory with so many addresses of each family as upstream leaves them, and an index of ours. */
function filled(count: number, families: readonly ((n: number) => string)[]): string {
  const dataDir = temporaryDirectory();
  writeAsUpstream(`${dataDir}/net`, "lock", "");
  families.forEach((address, set) => {
    for (let n = 0; n < count; n++) writeFileSync(`${dataDir}/net/${address(n)}`, `c${n}\r\neth0`);
    if (count > 0) writeFileSync(`${dataDir}/net/last_reserved_ip.${set}`, address(count - 1));
  });
  return dataDir;
}

interface Cost {
  readonly syscalls: number;
  readonly bytes: number;
}

function costOf(work: () => unknown): Cost {
  let [syscalls, bytes] = [0, 0];
  withSyscalls(
    () => undefined,
    work,
    (name, _, result) => {
      syscalls++;
      if (name === "read" || name === "pread64" || name === "getdents64") bytes += Math.max(0, result);
    },
  );
  return { syscalls, bytes };
}

/** What each operation costs, in a directory that bauta has worked in before. */
function costs(dataDir: string, ranges: Json): Readonly<Record<string, Cost>> {
  const ipam = { ...ranges, dataDir };
  const of = (containerId: string): ReturnType<typeof call> => call({ ipam, containerId });
  hostLocal.add(of("warm"));
  hostLocal.del(of("warm"));
  return {
    ADD: costOf(() => hostLocal.add(of("new"))),
    "ADD, asked for an address": costOf(() =>
      hostLocal.add(call({ ipam, containerId: "asked", args: "IP=10.1.255.7" })),
    ),
    CHECK: costOf(() => hostLocal.check(of("new"))),
    STATUS: costOf(() => hostLocal.status(of("new"))),
    DEL: costOf(() => hostLocal.del(of("new"))),
    "DEL again": costOf(() => hostLocal.del(of("new"))),
  };
}

describe(`host-local with a /16 and a /64 of which ${MANY} addresses each are taken`, () => {
  it("asks no more of the kernel than with a few, and keeps up with what upstream's plugin does", () => {
    const dataDir = filled(MANY, [ipv4, ipv6]);
    const [few, many] = [costs(filled(20, [ipv4, ipv6]), DUAL), costs(dataDir, DUAL)];
    for (const [operation, { syscalls, bytes }] of Object.entries(many)) {
      const least = few[operation] ?? { syscalls: 0, bytes: 0 };
      // A search that goes over the edge of a page reads, and perhaps writes, another.
      expect({ operation, syscalls }).toEqual({
        operation,
        syscalls: expect.toSatisfy((n) => n <= least.syscalls + 8),
      });
      expect({ operation, bytes }).toEqual({ operation, bytes: expect.toSatisfy((n) => n <= least.bytes + 8 * 4096) });
      expect(syscalls).toBeLessThan(70);
    }
    takeTurns(dataDir);
  });

  /** Upstream's plugin and ours on one directory: each knows at once what the other has taken and given back. */
  function takeTurns(dataDir: string): void {
    const config = { cniVersion: "1.0.0", name: "net", type: "any", ipam: { type: "host-local", dataDir, ...DUAL } };
    const attachment = { netns: "/run/netns/none", ifname: "eth0", config };
    const [ours, theirs] = [inProcess(hostLocalPlugin), executable(`${peerDirectory()}/host-local`)];
    const addresses = (plugin: typeof ours, containerId: string): readonly string[] => {
      const { status, stdout, json } = plugin({ ...attachment, command: "ADD", containerId });
      expect({ status, stdout }).toMatchObject({ status: 0 });
      return json.ips.map(({ address }: { address: string }) => address.replace(/\/.*/, ""));
    };
    const given = [addresses(ours, "a"), addresses(theirs, "b"), addresses(ours, "c"), addresses(theirs, "d")];
    expect(new Set(given.flat()).size).toBe(8);
    for (const [plugin, containerId] of [
      [theirs, "a"],
      [ours, "b"],
      [ours, "c17"],
      [theirs, "c18"],
      [ours, "c18"],
    ] as const) {
      expect(plugin({ ...attachment, command: "DEL", containerId })).toMatchObject({ status: 0, stdout: "" });
    }
    expect(ours({ ...attachment, command: "CHECK", containerId: "d" })).toMatchObject({ status: 0 });
    for (const containerId of ["a", "b", "c17", "c18"]) {
      expect(ours({ ...attachment, command: "CHECK", containerId }).status).not.toBe(0);
    }
    const [fourth = "", sixth = ""] = given[3] ?? [];
    for (const address of [fourth, sixth]) expect(readFileSync(`${dataDir}/net/${address}`, "utf8")).toBe("d\r\neth0");
    expect(readdirSync(`${dataDir}/net`).filter((name) => /^(10|fd)/.test(name))).toHaveLength(2 * MANY + 2); // those of "asked"
  }
});

describe("host-local with a /16 of which every address is taken", () => {
  it("refuses the next at once, time and again, and gives out what comes free", () => {
    const dataDir = filled(65_533, [ipv4]);
    const ipam = { ...ONE, dataDir };
    const of = (containerId: string): ReturnType<typeof call> => call({ ipam, containerId });
    const refuse = (containerId: string): void =>
      expect(() => hostLocal.add(of(containerId))).toThrow(/no IP addresses/);
    refuse("first"); // which makes the index
    const index = statSync(`${dataDir}/net/${INDEX_NAME}`).ino;
    for (const containerId of ["second", "third"]) {
      const { syscalls, bytes } = costOf(() => refuse(containerId));
      expect(syscalls).toBeLessThan(40);
      expect(bytes).toBeLessThan(16 * 4096);
    }
    expect(() => hostLocal.status(of("any"))).toThrow(/no IP addresses/);
    hostLocal.del(of("c40000"));
    hostLocal.status(of("any"));
    expect(addressesOf(hostLocal.add(of("fourth")))).toEqual([`${ipv4(40_000)}/16`]);
    refuse("fifth");
    expect(statSync(`${dataDir}/net/${INDEX_NAME}`).ino).toBe(index);
  });
});
