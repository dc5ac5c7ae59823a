// `bauta explain` and `bauta schema` as they are built.

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PATIENCE_MS } from "../../engine/patience.mjs";
import { setUpMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import {
  CONTAINER,
  CONTAINER_PREFIXES,
  makeRoutedContainer,
  OUTSIDE,
  type RoutedContainer,
  UPLINK,
} from "../support/routed-container.ts";
import { seenFrom } from "./masquerade/traffic.ts";

const BAUTA = resolve("dist/bauta");

let node: RoutedContainer;
beforeAll(() => {
  node = makeRoutedContainer();
  setUpMasquerade({ network: "dual", containerId: "c1", ifname: "eth0" }, CONTAINER_PREFIXES);
});
afterAll(() => {
  node.remove();
  rmSync("/run/bauta", { recursive: true, force: true });
});

function bauta(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(BAUTA, args, { encoding: "utf8", timeout: PATIENCE_MS });
}

describe("bauta explain", () => {
  for (const family of [4, 6] as const) {
    it(`foretells what is seen outside, over IPv${family}`, () => {
      const args = ["explain", "--from", CONTAINER[family], "--to", OUTSIDE[family], "--proto", "tcp", "--port", "443"];
      const { status, stdout, stderr } = bauta(...args);
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(`It leaves with the source ${UPLINK[family]}, the address of uplink`);
      expect(seenFrom(node.container, CONTAINER[family], node.outside, OUTSIDE[family], "tcp")).toBe(UPLINK[family]);
      const live = bauta(...args, "--live", "--netns", node.container.path);
      expect([live.status, live.stdout]).toEqual([0, expect.stringContaining("The kernel did as foretold")]);
      expect(JSON.parse(bauta(...args, "--json").stdout)).toMatchObject({ verdict: "masquerade", container: "c1" });
    });
  }

  it("refuses families that do not go together", () => {
    expect(bauta("explain", "--from", CONTAINER[4], "--to", OUTSIDE[6])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("a packet has but one family"),
    });
  });
});

describe("bauta schema", () => {
  it("prints a schema", () => {
    const { status, stdout } = bauta("schema", "bridge");
    expect([status, JSON.parse(stdout).properties.type]).toEqual([
      0,
      { type: "string", description: "name of the plugin", const: "bridge" },
    ]);
  });
});
