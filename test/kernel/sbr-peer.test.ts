// The sbr plugin beside containernetworking/plugins' own: the same routing by the same tables, each takes away what the other
// has made, and what upstream does wrong.

import { existsSync, rmSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { plugin as sbr } from "../../src/plugins/sbr/plugin.ts";
import { ourNode, peerNode, peerOn, type TestNode } from "../support/differential.ts";
import { connect, type Home, routesOf, rulesOf } from "../support/multihomed.ts";
import { requireNamespaces } from "../support/netns.ts";
import { isAnswered } from "../support/outside.ts";
import { type CallPlugin, type PluginCall, succeed } from "../support/plugin.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results of any kind
type Json = any;

beforeAll(() => requireNamespaces());
afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

const FOUR: readonly Home[] = [{ address: "10.7.0.2/24", gateway: "10.7.0.1" }];
const SEVERAL: readonly Home[] = [...FOUR, { address: "10.8.0.2/24" }, { address: "10.7.0.3/24" }];
const DUAL: readonly Home[] = [...FOUR, { address: "fd07::2/64", gateway: "fd07::1" }];

interface Case {
  readonly what: string;
  readonly homes: readonly Home[];
  readonly keys?: Json;
  readonly hasDefault?: boolean;
  readonly prepare?: readonly string[];
}

const CASES: readonly Case[] = [
  { what: "one address", homes: FOUR },
  { what: "no default route", homes: FOUR, hasDefault: false },
  { what: "no gateway", homes: [{ address: "10.7.0.2/24" }] },
  { what: "several addresses", homes: SEVERAL, prepare: ["route add 172.16.0.0/16 via 10.8.0.9"] },
  { what: "both families", homes: DUAL, prepare: ["-6 route add 2001:db8::/32 via fd07::9"] },
  { what: "a table", homes: DUAL, keys: { table: 4000 } },
  { what: "tables that rules use", homes: FOUR, prepare: ["rule add from 192.0.2.1 lookup 100"] },
  { what: "keys in other cases, and null", homes: FOUR, keys: { TABLE: null, other: 1 } },
];

const configOf = (keys: Json, prevResult: Json): Json => ({
  ...{ cniVersion: "1.0.0", name: "net", type: "sbr", prevResult: { ...prevResult, cniVersion: "1.0.0" } },
  ...keys,
});

function prepared(node: TestNode, { homes, hasDefault = true, prepare = [] }: Case): Json {
  const { prevResult } = connect(node, "eth0", homes, { hasDefault });
  for (const command of prepare) node.container.ip(command);
  return prevResult;
}

/** Rules, and routes by table, without what ours leaves out on purpose: see W3 and W4. */
function stateOf({ container }: TestNode, homes: readonly Home[]): Json {
  const isOn = (table: number): boolean => homes[table - 100]?.address.includes(":") ?? false;
  const shown = (table: number | string): string[] => {
    const routes = routesOf(container, table).filter((text) => !text.startsWith("fe80::/64"));
    return typeof table === "string" || isOn(table) ? routes : routes.filter((text) => !text.includes(":"));
  };
  return { rules: rulesOf(container), main: shown("main"), tables: [100, 101, 102, 103].map(shown) };
}

describe("sbr beside upstream's", () => {
  it.each(CASES)("leads packets the same way after ADD, and makes no rules of its own after DEL: $what", (one) => {
    const [ours, theirs] = [ourNode(sbr), peerNode("sbr")].map((node) => {
      const config = configOf(one.keys, prepared(node, one));
      const result = succeed(node.call({ command: "ADD", config }));
      expect(result.ips).toEqual(config.prevResult.ips);
      const added = stateOf(node, one.homes);
      succeed(node.call({ command: "DEL", config }));
      return { added, rules: rulesOf(node.container) };
    });
    expect(ours).toEqual(theirs);
  });

  it.each(CASES)("takes away what the other has made: $what", (one) => {
    for (const isOursFirst of [true, false]) {
      const node = ourNode(sbr);
      const config = configOf(one.keys, prepared(node, one));
      const before = rulesOf(node.container);
      const order: readonly CallPlugin[] = isOursFirst
        ? [node.call, peerOn(node, "sbr")]
        : [peerOn(node, "sbr"), node.call];
      for (const [i, command] of ["ADD", "DEL"].entries())
        succeed(order[i]?.({ command, config } as PluginCall) as never);
      expect([isOursFirst, rulesOf(node.container)]).toEqual([isOursFirst, before]);
    }
  });

  it("is content with what upstream's has made", () => {
    const node = ourNode(sbr);
    const [one] = CASES.filter(({ what }) => what === "both families");
    const config = configOf({}, prepared(node, one as Case));
    succeed(peerOn(node, "sbr")({ command: "ADD", config }));
    succeed(node.call({ command: "CHECK", config }));
    node.container.ip("rule delete from 10.7.0.2");
    expect(node.call({ command: "CHECK", config }).status).toBe(1);
  });
});

describe("what upstream's sbr does wrong and ours does not:", () => {
  const nodes = (): readonly TestNode[] => [ourNode(sbr), peerNode("sbr")];
  const dual = CASES.find(({ what }) => what === "both families") as Case;

  it("a file appears where the namespace has gone, and DEL fails (W1, D38)", () => {
    const seen = nodes().map((node) => {
      const netns = `${temporaryDirectory()}/gone`;
      const config = configOf({}, prepared(node, dual));
      return [node.call({ command: "DEL", config, netns }).status, existsSync(netns)];
    });
    expect(seen).toEqual([
      [0, false],
      [1, true],
    ]);
  });

  it("a second ADD fails half done (W2, D40)", () => {
    const seen = nodes().map((node) => {
      const config = configOf({}, prepared(node, dual));
      succeed(node.call({ command: "ADD", config }));
      return [node.call({ command: "ADD", config }).status, rulesOf(node.container).length];
    });
    expect(seen).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it("link-local addresses are out of reach (W3, D39)", () => {
    const seen = nodes().map((node) => {
      const { prevResult, router } = connect(node, "eth0", dual.homes);
      const [{ addr_info }] = router.ipJson("-6 address show dev to-container scope link");
      const neighbour = `${addr_info.find(({ local }: Json) => local)?.local}%eth0`;
      const before = isAnswered(node.container, neighbour);
      succeed(node.call({ command: "ADD", config: configOf({}, prevResult) }));
      return [before, routesOf(node.container).includes("fe80::/64 dev eth0")];
    });
    expect(seen).toEqual([
      [true, true],
      [true, false],
    ]);
  });

  it("the route by a gateway outside of the subnets is lost (W6)", () => {
    const seen = nodes().map((node) => {
      const prevResult = prepared(node, { what: "", homes: [{ address: "10.7.0.2/32" }], hasDefault: false });
      node.container.ip("route add default via 169.254.1.1 dev eth0 onlink");
      succeed(node.call({ command: "ADD", config: configOf({}, prevResult) }));
      return [...routesOf(node.container, 100), ...routesOf(node.container)].filter((text) =>
        text.startsWith("default"),
      );
    });
    expect(seen).toEqual([["default via 169.254.1.1 dev eth0"], []]);
  });

  it("a table is shared with routes that no rule leads to (W8)", () => {
    const seen = nodes().map((node) => {
      const prevResult = prepared(node, dual);
      node.container.ip("route add blackhole 192.0.2.0/24 table 100");
      succeed(node.call({ command: "ADD", config: configOf({}, prevResult) }));
      return rulesOf(node.container).find((rule) => rule.includes("10.7.0.2"));
    });
    expect(seen).toEqual(["from 10.7.0.2 lookup 101", "from 10.7.0.2 lookup 100"]);
  });

  it("CHECK misses rules that are gone (W10, D40)", () => {
    const seen = nodes().map((node) => {
      const config = configOf({}, prepared(node, dual));
      succeed(node.call({ command: "ADD", config }));
      node.container.ip("rule delete from 10.7.0.2");
      return node.call({ command: "CHECK", config }).status;
    });
    expect(seen).toEqual([1, 0]);
  });

  it("rules outlive the addresses that they were for (W11)", () => {
    const seen = nodes().map((node) => {
      const config = configOf({}, prepared(node, dual));
      succeed(node.call({ command: "ADD", config }));
      node.container.ip("address flush dev eth0 scope global");
      succeed(node.call({ command: "DEL", config }));
      return rulesOf(node.container).length;
    });
    expect(seen).toEqual([0, 2]);
  });
});
