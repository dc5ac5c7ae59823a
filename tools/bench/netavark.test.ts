import { describe, expect, it } from "vitest";
import { portRules, rulesFor } from "./netavark.mjs";

const container = (n: number) => ({
  id: `c${n}`,
  v4: `10.128.1.${n}`,
  v6: `fd61:7465:6d65::${n}`,
  ports: [
    { hostPort: 20_000 + n, containerPort: 80, protocol: "tcp" },
    { hostPort: 20_000 + n, containerPort: 53, protocol: "udp" },
  ],
});

/** As `nft -j list table inet netavark` prints them, after netavark has set up two containers. */
const rule = (chain: string, expr: object[], handle: number) => ({
  rule: { family: "inet", table: "netavark", chain, handle, expr },
});
const dport = (protocol: string, right: number) => ({
  match: { op: "==", left: { payload: { protocol, field: "dport" } }, right },
});
const led = (chain: string, n: number, handle: number) => [
  rule("NETAVARK-HOSTPORT-DNAT", [dport("tcp", 20_000 + n), { jump: { target: chain } }], handle),
  rule(chain, [dport("tcp", 20_000 + n), { dnat: { family: "ip", addr: `10.128.1.${n}`, port: 80 } }], handle + 1),
];
const LISTING = {
  nftables: [
    { metainfo: { json_schema_version: 1 } },
    { table: { family: "inet", name: "netavark", handle: 1 } },
    rule("POSTROUTING", [{ match: { op: "==", left: { meta: { key: "mark" } }, right: 8192 } }], 5),
    ...led("nv_bbbbbbbb_10_128_0_0_nm14_dnat", 1, 10),
    ...led("nv_bbbbbbbb_10_128_0_0_nm14_dnat", 2, 20),
  ],
};

describe("the rules of a container's ports", () => {
  it("are those that ask for one of its ports, without their handles", () => {
    const rules = portRules(LISTING, container(2));
    expect(rules.map(({ chain }) => chain)).toEqual(["NETAVARK-HOSTPORT-DNAT", "nv_bbbbbbbb_10_128_0_0_nm14_dnat"]);
    expect(rules.every((one) => !("handle" in one))).toBe(true);
    expect(portRules(LISTING, container(3))).toEqual([]);
  });

  it("are those of another with its port and its address in their place", () => {
    const own = portRules(LISTING, container(1));
    expect(rulesFor(own, container(1), container(2))).toEqual(portRules(LISTING, container(2)));
    expect(rulesFor(own, container(1), container(1))).toEqual(own);
  });
});
