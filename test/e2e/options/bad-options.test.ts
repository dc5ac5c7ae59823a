// Wrong values of "ipMasqOptions": each is refused with a code, the key's whole path and what is allowed; nothing is left.

import { mkdirSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { makeNetns, run, type TestNetns } from "../../support/netns.ts";
import { containerFor, del, type Json, networkOf, TYPES, tryAdd } from "../masquerade/runtime.ts";
import { becomeNodeInWorld, left, networkWith } from "./world.ts";

/** Nothing is ever attached to it. */
let container: TestNetns;
beforeAll(() => {
  becomeNodeInWorld();
  container = makeNetns();
  mkdirSync("/run/lists");
  run("mkfifo", "/run/lists/pipe");
  writeFileSync("/run/lists/half", '{"nonMasqueradeCIDRs": ["10.0.0.0/8", "2001:d');
  writeFileSync("/run/lists/wrong", "nonMasqueradeCIDRs:\n- 10.0.0.0/8\n- the office\n");
  writeFileSync("/run/lists/number", '{"nonMasqueradeCIDRs": 7}');
  writeFileSync("/run/lists/text", "no list at all\n");
});

/** The ADD fails so and leaves nothing, and the DEL after it is no failure. */
function expectRefused(config: Json, code: number, says: readonly string[]): void {
  const outcome = tryAdd(config, container);
  expect(outcome).toMatchObject({ status: 1, json: { code, cniVersion: "1.1.0", msg: expect.any(String) } });
  const { msg, details = "" } = outcome.json;
  for (const one of says) expect(`${msg}; ${details}`).toContain(one);
  expect(`${msg}; ${details}`).not.toMatch(/office|no list|2001:d"/); // what the files of lists contain
  expect(msg).not.toMatch(/src\/|\bat <|(Type|Range|Internal|Reference)Error/);
  expect(left()).toEqual([]); // the container's end of a link would be there with the node's
  expect(del(config, container)).toMatchObject({ status: 0 });
}

/** Code 6 where JSON of another type is wanted, 7 where the value is none of those allowed. */
const WRONG: readonly (readonly [Json, number, readonly string[]])[] = [
  ["private", 6, ["ipMasqOptions", '"private"', "object"]],
  [[], 6, ["ipMasqOptions", "[]", "object"]],
  [{ families: [] }, 7, ["ipMasqOptions.families", "[]", "at least one"]],
  [{ families: "ipv4" }, 6, ["ipMasqOptions.families", '"ipv4"', "array"]],
  [{ families: ["ipv4", "ipx"] }, 7, ["ipMasqOptions.families[1]", '"ipx"', '"ipv4", "ipv6"']],
  [{ exclude: "10.0.0.0/8" }, 6, ["ipMasqOptions.exclude", '"10.0.0.0/8"', "array"]],
  [{ exclude: [10] }, 6, ["ipMasqOptions.exclude[0]", "10"]],
  [{ exclude: ["10.0.0.0/33"] }, 7, ["ipMasqOptions.exclude[0]", '"10.0.0.0/33"', "CIDR prefix", '"reserved"']],
  [{ exclude: ["private", "10.0.0.1"] }, 7, ["ipMasqOptions.exclude[1]", '"10.0.0.1"', "CIDR prefix"]],
  [{ only: ["Private"] }, 7, ["ipMasqOptions.only[0]", '"Private"', '"private"']],
  [
    { exclude: ["10.0.0.0/8"], excludeExceptions: ["1.0.0.0/8", "workplace"] },
    7,
    ["ipMasqOptions.excludeExceptions[1]", '"workplace"'],
  ],
  [{ exclude: ["10.1.2.3/8"], only: ["10.0.0.0/8"] }, 7, ["ipMasqOptions.only[0]", '"10.0.0.0/8"', "excluded"]],
  [
    { exclude: ["private"], excludeExceptions: ["fc00::/7"] },
    7,
    ["ipMasqOptions.excludeExceptions[0]", '"fc00::/7"', "excluded"],
  ],
  [{ excludeFile: 7 }, 6, ["ipMasqOptions.excludeFile", "7"]],
  [{ excludeFile: "/run/lists/none" }, 7, ["ipMasqOptions.excludeFile", "/run/lists/none", "ENOENT"]],
  [{ excludeFile: "/run/lists" }, 7, ["ipMasqOptions.excludeFile", "/run/lists", "regular file"]],
  [{ excludeFile: "/run/lists/pipe" }, 7, ["ipMasqOptions.excludeFile", "/run/lists/pipe", "regular file"]],
  [{ excludeFile: "/dev/zero" }, 7, ["ipMasqOptions.excludeFile", "/dev/zero", "regular file"]],
  [{ excludeFile: "lists/half" }, 7, ["ipMasqOptions.excludeFile", '"lists/half"', "absolute path"]],
  [{ excludeFile: "/run/lists/half" }, 7, ["ipMasqOptions.excludeFile", "/run/lists/half"]],
  [{ excludeFile: "/run/lists/wrong" }, 7, ["ipMasqOptions.excludeFile", "nonMasqueradeCIDRs[1]", "CIDR prefix"]],
  [{ excludeFile: "/run/lists/number" }, 7, ["ipMasqOptions.excludeFile", "nonMasqueradeCIDRs is not a list"]],
  [{ excludeFile: "/run/lists/text" }, 7, ["ipMasqOptions.excludeFile", "line 1"]],
  [{ to: "192.0.2.1" }, 6, ["ipMasqOptions.to", '"192.0.2.1"', "object"]],
  [{ to: { ipv4: "192.0.2.300" } }, 7, ["ipMasqOptions.to.ipv4", '"192.0.2.300"', "IPv4 address"]],
  [{ to: { ipv4: "2001:db8::1" } }, 7, ["ipMasqOptions.to.ipv4", '"2001:db8::1"', "IPv4 address"]],
  [{ to: { ipv6: "192.0.2.1" } }, 7, ["ipMasqOptions.to.ipv6", '"192.0.2.1"', "IPv6 address"]],
  [{ to: { ipv4: "192.0.2.1-2001:db8::1" } }, 7, ["ipMasqOptions.to.ipv4", "first-last"]],
  [{ to: { ipv6: "2001:db8::9-2001:db8::1" } }, 7, ["ipMasqOptions.to.ipv6", "first-last"]],
  [{ to: { ipv4: "192.0.2.2" } }, 7, ["ipMasqOptions.to.ipv4", "192.0.2.2", "address of this node"]],
  [{ to: { ipv6: "2001:db8::2" } }, 7, ["ipMasqOptions.to.ipv6", "2001:db8::2", "address of this node"]],
  [{ to: { ipv4: "192.0.2.1-192.0.2.3" } }, 7, ["ipMasqOptions.to.ipv4", "192.0.2.2", "address of this node"]],
  [{ to: { ipv6: "2001:db8::/120" } }, 7, ["ipMasqOptions.to.ipv6", "address of this node"]],
  [{ to: { ipv4: "192.0.2.1", persistent: "yes" } }, 6, ["ipMasqOptions.to.persistent", '"yes"']],
  [{ ports: 20000 }, 6, ["ipMasqOptions.ports", "20000"]],
  [{ ports: "0" }, 7, ["ipMasqOptions.ports", '"0"', "1 to 65535"]],
  [{ ports: "1024-65536" }, 7, ["ipMasqOptions.ports", '"1024-65536"', "1 to 65535"]],
  [{ ports: "2000-1000" }, 7, ["ipMasqOptions.ports", '"2000-1000"', "first-last"]],
  [{ random: true }, 6, ["ipMasqOptions.random", "true", "string"]],
  [{ random: "Fully" }, 7, ["ipMasqOptions.random", '"Fully"', '"fully", "random", "none"']],
  [{ outInterfaces: [] }, 7, ["ipMasqOptions.outInterfaces", "[]", "at least one"]],
  [{ outInterfaces: ["an-interface-too-long"] }, 7, ["ipMasqOptions.outInterfaces[0]", '"an-interface-too-long"']],
  [{ excludeOutInterfaces: ["wg0", "a/b"] }, 7, ["ipMasqOptions.excludeOutInterfaces[1]", '"a/b"']],
  [{ outInterfaces: [""] }, 7, ["ipMasqOptions.outInterfaces[0]", '""']],
  [
    { outInterfaces: ["eth0", "eth1"], excludeOutInterfaces: ["eth1"] },
    7,
    ["ipMasqOptions.outInterfaces", '"eth1"', "excludeOutInterfaces"],
  ],
  [{ sameSubnet: "yes" }, 6, ["ipMasqOptions.sameSubnet", '"yes"']],
  [{ dropInvalid: 1 }, 6, ["ipMasqOptions.dropInvalid", "1"]],
];

describe.each(TYPES)("%s refuses", (type) => {
  // What they have in common is tried with one of them in full.
  it.each(WRONG.filter((_, i) => type === "ptp" || i % 8 === 0))("%j", (options, code, says) => {
    expectRefused(networkWith(type, options), code, says);
  });
});

describe("what a container chooses", () => {
  const ways: readonly (readonly [string, (options: Json) => object])[] = [
    ["args.cni.ipMasqOptions", (options) => ({ args: { cni: { ipMasqOptions: options } } })],
    ["runtimeConfig.ipMasq", (options) => ({ runtimeConfig: { ipMasq: options }, capabilities: { ipMasq: true } })],
  ];

  it.each(ways)("is refused under the name that it was given by, where it is wrong: %s", (at, given) => {
    const allow = ["random"];
    expectRefused(networkWith("ptp", { allow }, given({ random: "rather" })), 7, [`${at}.random`, '"rather"']);
    expectRefused(networkWith("ptp", { allow }, given(["ipv4"])), 6, [at, '["ipv4"]', "object"]);
  });

  it.each(ways)("is refused where the network does not allow it: %s", (at, given) => {
    const remedy = (allow: readonly string[]): string => `"ipMasqOptions": {"allow": ${JSON.stringify(allow)}}`;
    expectRefused(networkWith("ptp", undefined, given({ exclude: null })), 7, [`${at}.exclude`, remedy(["exclude"])]);
    const network = { allow: ["ports"], exclude: ["private"] };
    expectRefused(networkWith("ptp", network, given({ EXCLUDE: [] })), 7, [
      `${at}.exclude`,
      remedy(["ports", "exclude"]),
    ]);
    expectRefused(networkWith("ptp", network, given({ allow: ["exclude"], exclude: [] })), 7, [`${at}.exclude`]);
  });

  it.each(ways)("is never a file that root reads: %s", (at, given) => {
    const config = networkWith("ptp", { allow: ["exclude"] }, given({ excludeFile: "/etc/shadow" }));
    expectRefused(config, 7, [`${at}.excludeFile`, "only the network's own ipMasqOptions"]);
    expectRefused(networkWith("ptp", { allow: ["excludeFile"] }), 7, ["ipMasqOptions.allow[0]", '"excludeFile"']);
  });

  it("takes a capability that is declared, to come by runtimeConfig", () => {
    const own = { runtimeConfig: { ipMasq: { random: "none" } } };
    const says = ["runtimeConfig.ipMasq.random", '"capabilities": {"ipMasq": true}'];
    for (const capabilities of [undefined, {}, { ipMasq: false }]) {
      expectRefused(networkWith("ptp", { allow: ["random"] }, { ...own, capabilities }), 7, says);
    }
  });
});

describe("a family that the container does not have", () => {
  const single = (subnet: string, ipMasqOptions: Json): Json => networkOf("ptp", [subnet], { ipMasqOptions });
  it.each<[Json, string, string]>([
    [single("198.19.0.0/24", { families: ["ipv6"] }), "ipMasqOptions.families", "IPv6"],
    [single("198.19.0.0/24", { families: ["ipv4", "ipv6"] }), "ipMasqOptions.families", "IPv6"],
    [single("fd61:7465:6d65:7000::/112", { families: ["ipv4"] }), "ipMasqOptions.families", "IPv4"],
    [single("198.19.0.0/24", { to: { ipv6: "2001:db8::1" } }), "ipMasqOptions.to.ipv6", "IPv6"],
  ])("is named: %j", (config, key, family) => {
    expectRefused(config, 7, [key, `the container has no ${family} address`]);
  });
});

it("wrong options do not keep DEL from what was attached before they were wrong", () => {
  const config = networkWith("ptp", { exclude: ["private"] });
  const attached = containerFor(config);
  expect(tryAdd(config, attached)).toMatchObject({ status: 0 });
  expect(del({ ...config, ipMasqOptions: { exclude: 7, ports: "x" } }, attached)).toMatchObject({ status: 0 });
  expect(left()).toEqual([]);
});

it("options are not looked at where nothing is masqueraded", () => {
  const config = networkWith("ptp", { families: ["ipx"] }, { ipMasq: false });
  const attached = containerFor(config);
  expect(tryAdd(config, attached)).toMatchObject({ status: 0 });
});
