import { describe, expect, it } from "vitest";
import { readListing } from "../../iptables/listing.ts";
import { bridgeOf, type Isolation, missingIsolation, surplusIsolation } from "./isolation-rules.ts";

/** A filter table as iptables-save prints it. */
const tableOf = (chains: readonly string[], rules: readonly string[]) =>
  readListing([...chains.map((chain) => `:${chain} - [0:0]`), ...rules].join("\n"));

const STAGES = ["CNI-ISOLATION-STAGE-1", "CNI-ISOLATION-STAGE-2"];
const about = (policy: string): string => `-m comment --comment "CNI firewall plugin rules (ingressPolicy: ${policy})"`;
const BOTH = about("same-bridge|isolated");
const ENTRY = `FORWARD ${BOTH} -j CNI-ISOLATION-STAGE-1`;
const LEAD = 'FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD';
const RETURNS = STAGES.map((stage) => `-A ${stage} ${BOTH} -j RETURN`);

const rulesOf = (bridge: string, policy: string): string[] => [
  `-A CNI-ISOLATION-STAGE-1 -i ${bridge} ! -o ${bridge} ${about(policy)} -j CNI-ISOLATION-STAGE-2`,
  `-A CNI-ISOLATION-STAGE-2 -o ${bridge} ${BOTH} -j DROP`,
];
const toItself = (bridge: string): string =>
  `-A CNI-ISOLATION-STAGE-1 -i ${bridge} -o ${bridge} ${about("isolated")} -j DROP`;

const one = (policies: Isolation["policies"], bridge = "br0"): Isolation => ({ bridge, policies });
const inserted = (line: string): string => line.replace(/^-A (\S+)/, "-I $1 1");

describe("missingIsolation", () => {
  it("makes all of it, the entry before all other rules, on a table that has nothing", () => {
    const empty = tableOf(["FORWARD"], [`-A ${LEAD}`]);
    expect(missingIsolation(empty, [one(["isolated"])])).toEqual([
      ...STAGES.map((stage) => `-N ${stage}`),
      `-I ${ENTRY.replace("FORWARD", "FORWARD 1")}`,
      ...[rulesOf("br0", "isolated")[0] ?? "", toItself("br0"), rulesOf("br0", "isolated")[1] ?? ""].map(inserted),
      ...RETURNS,
    ]);
  });

  it("makes nothing where all is there, or nothing is to be isolated", () => {
    const rules = [`-A ${ENTRY}`, `-A ${LEAD}`, ...rulesOf("br0", "same-bridge"), ...RETURNS];
    expect(missingIsolation(tableOf(["FORWARD", ...STAGES], rules), [one(["same-bridge"])])).toEqual([]);
    expect(missingIsolation(tableOf(["FORWARD"], []), [one([])])).toEqual([]);
  });

  it("makes the rules of all networks that isolate one bridge, and what they have in common once", () => {
    const lines = missingIsolation(tableOf(["FORWARD", ...STAGES], [`-A ${ENTRY}`, `-A ${LEAD}`, ...RETURNS]), [
      one(["isolated"]),
      one(["same-bridge"]),
    ]);
    const both = [...rulesOf("br0", "isolated"), toItself("br0"), ...rulesOf("br0", "same-bridge")].map(inserted);
    expect(lines.toSorted()).toEqual([...new Set(both)].sort());
  });

  it("adds a second bridge and nothing else", () => {
    const rules = [`-A ${ENTRY}`, `-A ${LEAD}`, ...rulesOf("br0", "same-bridge"), ...RETURNS];
    const table = tableOf(["FORWARD", ...STAGES], rules);
    expect(missingIsolation(table, [one(["same-bridge"], "br1")])).toEqual(rulesOf("br1", "same-bridge").map(inserted));
  });

  it.each([
    ["that comes behind what lets containers through", [`-A ${LEAD}`, `-A ${ENTRY}`]],
    ["before which that is going to be inserted", [`-A ${ENTRY}`]],
  ])("moves an entry %s", (_, forward) => {
    const table = tableOf(["FORWARD", ...STAGES], [...forward, ...rulesOf("br0", "same-bridge"), ...RETURNS]);
    expect(missingIsolation(table, [one(["same-bridge"])])).toEqual([
      `-D ${ENTRY}`,
      `-I ${ENTRY.replace("FORWARD", "FORWARD 1")}`,
    ]);
  });
});

describe("surplusIsolation", () => {
  const table = tableOf(STAGES, [
    ...rulesOf("br0", "isolated"),
    toItself("br0"),
    ...rulesOf("br0", "same-bridge").slice(0, 1),
    ...rulesOf("br1", "isolated"),
    "-A CNI-ISOLATION-STAGE-1 -i br0 -j DROP",
    ...RETURNS,
  ]);
  const surplus = (policies: Isolation["policies"]): string[] =>
    surplusIsolation(table, one(policies)).map(({ chain, rule }) => `${chain} ${rule.at(-1)} ${rule.length}`);

  it("is what the policies do not ask for, of this bridge alone, and of upstream's making", () => {
    expect(surplus(["isolated", "same-bridge"])).toEqual([]);
    expect(surplus(["same-bridge"])).toEqual([
      "CNI-ISOLATION-STAGE-1 CNI-ISOLATION-STAGE-2 11",
      "CNI-ISOLATION-STAGE-1 DROP 10",
    ]);
    expect(surplus([])).toHaveLength(4);
    expect(surplusIsolation(table, one([], "br2"))).toEqual([]);
  });

  it("knows the bridge by which interface a rule names", () => {
    expect(bridgeOf(["-o", "br0", "-m", "comment", "--comment", "x (ingressPolicy: isolated)", "-j", "DROP"])).toBe(
      "br0",
    );
    expect(bridgeOf(["-o", "br0", "-j", "DROP"])).toBeUndefined();
  });
});
