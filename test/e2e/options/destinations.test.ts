// Options that tell which destinations are masqueraded, on packets of either family.

import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FAMILIES } from "../../../src/wire/ip.ts";
import { run, type TestNetns } from "../../support/netns.ts";
import { NODE, PLUGINS } from "../masquerade/node.ts";
import {
  attach,
  check,
  containerFor,
  DUAL,
  del,
  type Json,
  networkOf,
  SEVEN,
  TYPES,
  tryAdd,
} from "../masquerade/runtime.ts";
import { PROTOCOLS } from "../masquerade/traffic.ts";
import {
  becomeNodeInWorld,
  LINK_LOCAL,
  left,
  networkWith,
  PRIVATE,
  PRIVATE_TOO,
  PUBLIC,
  RESERVED,
  seenAt,
} from "./world.ts";

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNodeInWorld();
});

describe.each(TYPES)("%s", (type) => {
  it.each([
    ["ipv4", 4, 6],
    ["ipv6", 6, 4],
  ] as const)("masquerades only %s where families says so", (name, masked, other) => {
    const config = networkWith(type, { families: [name] });
    const attached = attach(config);
    for (const protocol of PROTOCOLS) {
      expect(seenAt(attached, outside, PUBLIC[masked], protocol)).toBe(NODE[masked]);
      expect(seenAt(attached, outside, PUBLIC[other], protocol)).toBe("its own");
    }
    expect(run("nft", "list", "tables").trim()).toBe(`table ${masked === 4 ? "ip" : "ip6"} bauta_masquerade`);
    expect(check(config, attached.container, attached.result)).toMatchObject({ status: 0 });
    del(config, attached.container);
    expect(left()).toEqual([]);
  });

  it("lets packets to excluded destinations keep their source", () => {
    const attached = attach(networkWith(type, { exclude: ["10.9.1.0/24", "fd99:1::/64"] }));
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        expect(seenAt(attached, outside, PRIVATE[family], protocol)).toBe("its own");
        expect(seenAt(attached, outside, PRIVATE_TOO[family], protocol)).toBe(NODE[family]);
        expect(seenAt(attached, outside, PUBLIC[family], protocol)).toBe(NODE[family]);
      }
    }
  });

  it("excludes for each of two IPv4 and five IPv6 addresses alike", () => {
    const attached = attach(networkOf(type, SEVEN, { ipMasqOptions: { exclude: ["private"] } }));
    for (const family of FAMILIES) {
      expect(seenAt(attached, outside, PRIVATE[family])).toBe("its own");
      expect(seenAt(attached, outside, PUBLIC[family])).toBe(NODE[family]);
    }
  });
});

describe("exclusions", () => {
  /** Whether each destination of the family sees the container itself. */
  function keeps(options: object): Record<string, boolean[]> {
    const attached = attach(networkWith("ptp", options));
    const seen = (to: string): boolean => seenAt(attached, outside, to) === "its own";
    return Object.fromEntries(
      FAMILIES.map((family) => [family, [PRIVATE, PRIVATE_TOO, RESERVED, PUBLIC].map((kind) => seen(kind[family]))]),
    );
  }

  it.each<[string, object, boolean[]]>([
    [
      "an exception inside an exclusion",
      { exclude: ["private"], excludeExceptions: ["10.9.2.0/24", "fd99:2::/32"] },
      [true, false, false, false],
    ],
    [
      "an exclusion inside an exception inside an exclusion",
      {
        exclude: ["0.0.0.0/0", "::/0", "10.9.2.1/32", "fd99:2::1/128"],
        excludeExceptions: ["10.0.0.0/8", "fd99::/16"],
      },
      [false, true, true, true],
    ],
    ["only", { only: ["10.9.1.0/24", "fd99:1::/32"] }, [false, true, true, true]],
    [
      "only, with an exclusion inside",
      { only: ["private"], exclude: ["10.9.2.1/32", "fd99:2::1/128"] },
      [false, true, true, true],
    ],
    ["the preset private", { exclude: ["private"] }, [true, true, false, false]],
    ["the preset reserved", { exclude: ["reserved"] }, [true, true, true, false]],
    ["only a preset", { only: ["reserved"] }, [false, false, false, true]],
    ["nothing, of an empty list", { exclude: [] }, [false, false, false, false]],
  ])("are longest prefix first: %s", (_, options, expected) => {
    expect(keeps(options)).toEqual({ 4: expected, 6: expected });
  });

  it("have a preset for link-local destinations", () => {
    expect(seenAt(attach(networkWith("ptp", { exclude: ["link-local"] })), outside, LINK_LOCAL)).toBe("its own");
    expect(seenAt(attach(networkWith("ptp", { exclude: ["private"] })), outside, LINK_LOCAL)).toBe(NODE[4]);
  });

  it("leave one family alone where they name only the other", () => {
    const attached = attach(networkWith("ptp", { exclude: ["0.0.0.0/0"] }));
    expect(seenAt(attached, outside, PUBLIC[4])).toBe("its own");
    expect(seenAt(attached, outside, PUBLIC[6])).toBe(NODE[6]);
  });

  it("work by the hundred, pass CHECK, and are gone after DEL", () => {
    const exclude = Array.from({ length: 250 }, (_, n) => [`11.${n}.0.0/17`, `2a00:${n.toString(16)}::/33`]).flat();
    const config = networkWith("ptp", { exclude: [...exclude, "10.9.1.0/24", "fd99:1::/64"] });
    for (const attached of [attach(config), attach(config)]) {
      for (const family of FAMILIES) {
        expect(seenAt(attached, outside, PRIVATE[family])).toBe("its own");
        expect(seenAt(attached, outside, PUBLIC[family])).toBe(NODE[family]);
      }
      expect(check(config, attached.container, attached.result)).toMatchObject({ status: 0 });
      del(config, attached.container);
    }
    expect(left()).toEqual([]);
  });
});

describe("excludeFile", () => {
  const FILE = "/run/lists/nomasq";
  const first = "nonMasqueradeCIDRs:\n  - 10.9.1.0/24 # the office\n  - fd99:1::/64\nresyncInterval: 60s\n";
  const second = '{"nonMasqueradeCIDRs": ["10.9.2.0/24", "fd99:2::/64"], "masqLinkLocal": true}';
  beforeEach(() => {
    mkdirSync("/run/lists", { recursive: true });
    writeFileSync(FILE, first);
  });

  const kept = (attached: Parameters<typeof seenAt>[0]): string[] =>
    [...FAMILIES.flatMap((family) => [PRIVATE[family], PRIVATE_TOO[family]]), LINK_LOCAL].filter(
      (to) => seenAt(attached, outside, to) === "its own",
    );
  const FIRST = [PRIVATE[4], PRIVATE[6], LINK_LOCAL];
  const CHANGED = [PRIVATE_TOO[4], PRIVATE_TOO[6]];

  it.each([
    ["an IPv4 and an IPv6 range", DUAL],
    ["two IPv4 and five IPv6 ranges", SEVEN],
  ])("is applied to a running container, with %s, by the next ADD of another", (_, subnets) => {
    const config = networkOf("ptp", subnets, { ipMasqOptions: { excludeFile: FILE } });
    const running = attach(config);
    expect(kept(running)).toEqual(FIRST);
    writeFileSync(FILE, second);
    const next = attach(config);
    expect(kept(next)).toEqual(CHANGED);
    expect(kept(running)).toEqual(CHANGED);
    expect(check(config, running.container, running.result)).toMatchObject({ status: 0, stderr: "" });
    for (const { container } of [running, next]) del(config, container);
    rmSync("/run/lists", { recursive: true });
    expect(run("nft", "list", "ruleset")).toBe("");
  });

  it.each(["apply", "restore"])("is applied to containers of all networks at once by bauta %s", (verb) => {
    const containers = [attach(networkWith("ptp", { excludeFile: FILE })), attach(otherNetwork())];
    writeFileSync(FILE, second);
    run(join(PLUGINS, "..", "bauta"), verb);
    for (const one of containers) expect(kept(one)).toEqual(CHANGED);
  });

  it("is no reason for CHECK to fail between its change and the next ADD", () => {
    const config = networkWith("ptp", { excludeFile: FILE });
    const { container, result } = attach(config);
    writeFileSync(FILE, second);
    expect(check(config, container, result)).toMatchObject({ status: 0 });
  });

  const otherNetwork = (): Json =>
    networkOf("ptp", ["198.19.1.0/24", "fd61:7465:6d65:8000::/112"], {
      ipMasqOptions: { excludeFile: FILE, exclude: ["192.0.2.0/24"] },
    });

  it("is applied in both families by an ADD of one", () => {
    const dual = networkWith("ptp", { excludeFile: FILE });
    const single = networkOf("ptp", ["198.19.0.0/24"], { ipMasqOptions: { excludeFile: FILE } });
    const running = attach(dual);
    expect(kept(running)).toEqual(FIRST);
    writeFileSync(FILE, second);
    attach(single);
    expect(kept(running)).toEqual(CHANGED);
    expect(check(dual, running.container, running.result)).toMatchObject({ status: 0 });
  });

  it.each([
    ["is half written", () => writeFileSync(FILE, '{"nonMasqueradeCIDRs": ["10.9.2.0/24", "fd9')],
    ["has a line that is no prefix", () => writeFileSync(FILE, "nonMasqueradeCIDRs:\n- 10.9.2.0/24\n- office\n")],
    ["is gone", () => {}],
    ["is a directory", () => renameSync(mkdtempSync("/run/lists/"), FILE)],
  ])("keeps the last good list in force when it %s, and says so", (_, spoil) => {
    const config = networkWith("ptp", { excludeFile: FILE });
    const running = attach(config);
    rmSync(FILE);
    spoil();
    const container = containerFor(config);
    const outcome = tryAdd(config, container);
    rmSync(FILE, { recursive: true, force: true });
    expect(outcome).toMatchObject({ status: 0 });
    expect(outcome.stderr).toMatch(/^bauta: \/run\/lists\/nomasq: .*; the list that was read before stays in force\n$/);
    expect(kept({ container, result: outcome.json })).toEqual(FIRST);
    expect(kept(running)).toEqual(FIRST);
  });

  it("adds to what the configuration excludes", () => {
    const attached = attach(networkWith("ptp", { excludeFile: FILE, exclude: ["10.9.2.1/32", "fd99:2::1/128"] }));
    for (const family of FAMILIES) {
      expect(seenAt(attached, outside, PRIVATE[family])).toBe("its own");
      expect(seenAt(attached, outside, PRIVATE_TOO[family])).toBe("its own");
      expect(seenAt(attached, outside, PUBLIC[family])).toBe(NODE[family]);
    }
  });
});
