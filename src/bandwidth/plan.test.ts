import { describe, expect, it } from "vitest";
import { parseCidr } from "../wire/ip.ts";
import type { Limits, Subnets } from "./limits.ts";
import { type Plan, planOf } from "./plan.ts";

const attachment = { network: "n", containerId: "c1", ifname: "eth0" };
const LIMIT = { rate: 8_000_000, burst: 800_000 };
const BOTH: Limits = { ingress: LIMIT, egress: LIMIT };

const subnets = (isSpared: boolean, ...texts: readonly string[]): Subnets => ({
  isSpared,
  prefixes: texts.map(parseCidr).filter((one) => one !== undefined),
});
const shapeOf = ({ root, redirects }: Plan): unknown => [root?.way, ...redirects.map(({ way, hook }) => [way, hook])];
const filtersOf = (limits: Limits, hook: string) =>
  planOf(attachment, limits, "node")
    .redirects.find((one) => one.hook === hook)
    ?.filters(7) ?? [];

describe("planOf", () => {
  it("limits at the node's end what leaves to the container by the root, and what comes from it by an ifb", () => {
    expect(shapeOf(planOf(attachment, BOTH, "node"))).toEqual(["ingress", ["egress", "ingress"]]);
    expect(shapeOf(planOf(attachment, { ingress: LIMIT }, "node"))).toEqual(["ingress"]);
    expect(shapeOf(planOf(attachment, { egress: LIMIT }, "node"))).toEqual([undefined, ["egress", "ingress"]]);
  });

  it("limits at the container's link the other way round", () => {
    expect(shapeOf(planOf(attachment, BOTH, "container"))).toEqual(["egress", ["ingress", "ingress"]]);
  });

  it("redirects both ways where some subnets have a limit and others have none", () => {
    const limits = { ...BOTH, subnets: subnets(true, "10.0.0.0/8") };
    expect(shapeOf(planOf(attachment, limits, "node"))).toEqual([
      undefined,
      ["ingress", "egress"],
      ["egress", "ingress"],
    ]);
  });

  it("names the ifb as upstream does, and has another name where that is taken", () => {
    const [redirect] = planOf(attachment, { egress: LIMIT }, "node").redirects;
    expect(redirect?.names).toEqual(["bwp9b00b9b7c279", expect.stringMatching(/^bwe[0-9a-f]{12}$/)]);
    const other = planOf({ ...attachment, ifname: "eth1" }, { egress: LIMIT }, "node").redirects[0]?.names;
    expect(other?.[0]).toBe(redirect?.names[0]);
    expect(other?.[1]).not.toBe(redirect?.names[1]);
  });
});

describe("the filters", () => {
  it("spare subnets by the address of the other side, and redirect the rest", () => {
    const limits = { ...BOTH, subnets: subnets(true, "10.1.0.0/16", "fd00:1:2:3:4000::/66") };
    expect(filtersOf(limits, "ingress")).toMatchObject([
      { priority: 65533, protocol: 0x800, actions: [], keys: [{ mask: 0xffff0000, value: 0x0a010000, offset: 16 }] },
      {
        ...{ priority: 65534, protocol: 0x86dd, actions: [] },
        keys: [
          { mask: 0xffffffff, value: 0xfd000001, offset: 24 },
          { mask: 0xffffffff, value: 0x00020003, offset: 28 },
          { mask: 0xc0000000, value: 0x40000000, offset: 32 },
        ],
      },
      { priority: 65535, protocol: 3, keys: [{ mask: 0 }], actions: [{ kind: "mirred" }] },
    ]);
    expect(filtersOf(limits, "egress").map(({ keys, priority }) => [keys[0]?.offset, priority])).toEqual([
      [12, 65530],
      [8, 65531],
      [0, 65532],
    ]);
  });

  it("redirect some subnets only", () => {
    const limits = { ...BOTH, subnets: subnets(false, "10.1.2.3/32", "::/0") };
    expect(filtersOf(limits, "ingress")).toMatchObject([
      { protocol: 0x800, keys: [{ mask: 0xffffffff, value: 0x0a010203, offset: 16 }], actions: [{ kind: "mirred" }] },
      { protocol: 0x86dd, keys: [{ mask: 0, value: 0 }], actions: [{ kind: "mirred" }] },
    ]);
  });
});
