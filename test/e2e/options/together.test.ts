// Options of the network, of the container, and all of them at once.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { FAMILIES } from "../../../src/wire/ip.ts";
import { makeNetns, run, type TestNetns } from "../../support/netns.ts";
import { NODE, PLUGINS } from "../masquerade/node.ts";
import { attach, check, del, type Json, networkOf, TYPES, tryAdd } from "../masquerade/runtime.ts";
import { hasSegment, listenForSegments, STRAY, sendSegment } from "./segments.ts";
import {
  addressOf,
  BEYOND_SECOND,
  becomeNodeInWorld,
  endpointAt,
  left,
  networkWith,
  PRIVATE,
  PRIVATE_TOO,
  PUBLIC,
  RESERVED,
  seenAt,
} from "./world.ts";

const FILE = "/run/lists/nomasq";
let outside: TestNetns;
beforeAll(() => {
  outside = becomeNodeInWorld();
  mkdirSync("/run/lists");
  run("ip", "address", "add", "192.0.2.17/32", "dev", "uplink");
  run("ip", "address", "add", "2001:db8:a::11/128", "dev", "lo");
  outside.ip(`route add 2001:db8:a::/64 via ${NODE[6]}`);
});

const FIXED = { 4: "192.0.2.17", 6: "2001:db8:a::11" } as const;

describe("per container", () => {
  const network = { allow: ["exclude", "to", "dropInvalid", "only"], exclude: ["private"], random: "none" };
  const ways: readonly (readonly [string, (options: Json) => object, number])[] = [
    ["args.cni.ipMasqOptions", (options) => ({ args: { cni: { ipMasqOptions: options } } }), 41_001],
    [
      "runtimeConfig.ipMasq",
      (options) => ({ capabilities: { ipMasq: true }, runtimeConfig: { ipMasq: options } }),
      41_002,
    ],
  ];

  it.each(ways)("%s replaces the network's options key by key", (_, given, port) => {
    const to = { ipv4: FIXED[4], ipv6: FIXED[6] };
    const own = networkWith("ptp", network, given({ exclude: ["10.9.2.0/24", "fd99:2::/64"], to }));
    const { args: _args, runtimeConfig: _runtimeConfig, ...plain } = own;
    expect(tryAdd({ ...own, ipMasqOptions: { exclude: ["private"] } }, makeNetns())).toMatchObject({
      json: { code: 7, msg: expect.stringContaining("does not let a container choose") },
    });
    const [special, usual] = [attach(own), attach(plain)];
    for (const family of FAMILIES) {
      expect(seenAt(special, outside, PRIVATE[family])).toBe(FIXED[family]);
      expect(seenAt(special, outside, PRIVATE_TOO[family])).toBe("its own");
      expect(endpointAt(special, outside, PUBLIC[family], "tcp", port).port).toBe(port); // random is the network's
      expect(seenAt(usual, outside, PRIVATE[family])).toBe("its own");
      expect(seenAt(usual, outside, PUBLIC[family])).toBe(NODE[family]);
    }
    expect(check(own, special.container, special.result)).toMatchObject({ status: 0 });
    expect(check(plain, usual.container, usual.result)).toMatchObject({ status: 0 });
  });

  it("runtimeConfig has the last word, and null takes back what the network says", () => {
    const config = networkWith(
      "ptp",
      { allow: ["exclude", "families"], exclude: ["private"], families: ["ipv4"] },
      {
        capabilities: { ipMasq: true },
        args: { cni: { ipMasqOptions: { exclude: ["reserved"], families: null } } },
        runtimeConfig: { ipMasq: { exclude: [] } },
      },
    );
    const attached = attach(config);
    for (const family of FAMILIES) {
      expect(seenAt(attached, outside, PRIVATE[family])).toBe(NODE[family]);
      expect(seenAt(attached, outside, RESERVED[family])).toBe(NODE[family]);
    }
  });

  it("is undone by a DEL that knows nothing of it", () => {
    const config = networkWith("ptp", network, ways[1]?.[1]({ dropInvalid: true, only: ["2600::/16"] }));
    const { container } = attach(config);
    const { runtimeConfig: _, ipMasqOptions: __, ...bare } = config;
    expect(del(bare, container)).toMatchObject({ status: 0 });
    expect(left()).toEqual([]);
  });
});

const ALL = {
  families: ["ipv4", "ipv6"],
  exclude: ["private", "10.9.2.1/32"],
  excludeExceptions: ["10.9.2.0/24", "fd99:2::/32"],
  excludeFile: FILE,
  to: { ipv4: FIXED[4], ipv6: FIXED[6], persistent: true },
  ports: "24000-24999",
  random: "random",
  outInterfaces: ["uplink", "wg0"],
  excludeOutInterfaces: ["tun0"],
  sameSubnet: true,
  dropInvalid: true,
};

describe.each(TYPES)("all options of a %s network", (type) => {
  it("work at once, pass CHECK, and are gone after DEL", () => {
    writeFileSync(FILE, 'nonMasqueradeCIDRs: ["100.64.0.0/10", "100::/64"]\n');
    const config = networkWith(type, ALL);
    const containers = [attach(config), attach(config)];
    for (const attached of containers) {
      for (const family of FAMILIES) {
        for (const protocol of ["tcp", "udp"] as const) {
          const { address, port } = endpointAt(attached, outside, PUBLIC[family], protocol);
          expect([address, Math.floor(port / 1000)]).toEqual([FIXED[family], 24]);
        }
        const seen = [PRIVATE, PRIVATE_TOO, RESERVED, BEYOND_SECOND].map((kind) =>
          seenAt(attached, outside, kind[family]),
        );
        expect(seen).toEqual(["its own", family === 4 ? "its own" : FIXED[6], "its own", "its own"]);
        const listener = listenForSegments(outside, family);
        sendSegment(attached.container, addressOf(attached, family), PUBLIC[family], 3000, STRAY.RST);
        expect(seenAt(attached, outside, PUBLIC[family], "icmp")).toBe(FIXED[family]);
        expect(hasSegment(listener, 3000)).toBe(false);
        listener.close();
      }
      expect(check(config, attached.container, attached.result)).toMatchObject({ status: 0, stdout: "" });
    }
    const [first, second] = containers;
    expect(del(config, first?.container ?? outside)).toMatchObject({ status: 0 });
    expect(check(config, second?.container ?? outside, second?.result)).toMatchObject({ status: 0 });
    expect(del(config, second?.container ?? outside)).toMatchObject({ status: 0 });
    rmSync(FILE);
    expect(left()).toEqual([]);
  });

  it("only, with all that goes with it, works at once", () => {
    const { exclude: _, excludeExceptions: __, excludeFile: ___, ...rest } = ALL;
    const config = networkWith(type, { ...rest, only: ["8.0.0.0/8", "2600::/12"], exclude: ["8.8.4.0/24"] });
    const attached = attach(config);
    for (const family of FAMILIES) {
      expect(seenAt(attached, outside, PUBLIC[family])).toBe(FIXED[family]);
      expect(seenAt(attached, outside, PRIVATE[family])).toBe("its own");
      expect(seenAt(attached, outside, BEYOND_SECOND[family])).toBe("its own");
    }
    expect(check(config, attached.container, attached.result)).toMatchObject({ status: 0 });
  });

  it("are missed by CHECK where one has been taken away or altered, until the command that it names has put it right", () => {
    writeFileSync(FILE, "nonMasqueradeCIDRs: []\n");
    const config = networkWith(type, ALL);
    const attached = attach(config);
    const table = "ip6 bauta_masquerade";
    const chain = /chain (outside-\S+) \{/.exec(run("nft", "list", "table", ...table.split(" ")))?.[1] ?? "";
    const [kept, interfaces] = ["kept", "interfaces"].map(
      (name) => new RegExp(`set (${name}-\\S+) \\{`).exec(run("nft", "list", "table", ...table.split(" ")))?.[1] ?? "",
    );
    const own = addressOf(attached, 6);
    for (const [command, complaint] of [
      [`flush set ${table} ${kept}`, `set ${kept} of table ${table} has been altered`],
      [`add element ${table} ${kept} { 2a00::/16 }`, `set ${kept} of table ${table} has been altered`],
      [`delete element ${table} ${interfaces} { "wg0" }`, `set ${interfaces} of table ${table} has been altered`],
      [`flush chain ${table} ${chain}`, `chain ${chain} of table ${table} has been altered`],
      [`flush chain ${table} forward`, `chain forward of table ${table} has been altered`],
      [`delete element ${table} strict { ${own} }`, `the element ${own} of set strict is missing`],
      [`delete table ${table}`, `table ${table} is missing`],
    ] as const) {
      run("nft", ...command.split(" "));
      const failed = check(config, attached.container, attached.result);
      expect({ command, ...failed }).toMatchObject({
        status: 1,
        json: { code: 999, msg: expect.stringContaining(complaint) },
      });
      expect(failed.json.msg).toContain("bauta restore");
      run(join(PLUGINS, "..", "bauta"), "restore");
      expect({ command, ...check(config, attached.container, attached.result) }).toMatchObject({ status: 0 });
    }
    rmSync(FILE);
  });
});

it("options differ from network to network on one node, and none gets in another's way", () => {
  const options = [{}, { families: ["ipv4"] }, { exclude: ["private"] }, { only: ["private"] }, { random: "none" }];
  const configs = options.map((one, i) =>
    networkOf("ptp", [`198.19.${i}.0/24`, `fd61:7465:6d65:3${i}00::/112`], { ipMasqOptions: one }),
  );
  const containers = configs.map((config) => attach(config));
  const seen = containers.map((one) =>
    FAMILIES.flatMap((family) => [PRIVATE[family], PUBLIC[family]].map((to) => seenAt(one, outside, to) === "its own")),
  );
  expect(seen).toEqual([
    [false, false, false, false],
    [false, false, true, true],
    [true, false, true, false],
    [false, true, false, true],
    [false, false, false, false],
  ]);
  for (const [i, { container }] of containers.entries()) del(configs[i], container);
  expect(left()).toEqual([]);
});
