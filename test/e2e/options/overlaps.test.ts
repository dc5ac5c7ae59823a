// Policies whose subnets overlap, on packets of either family: each address is masqueraded as its own policy says, while
// others come and go.

import { beforeAll, describe, expect, it } from "vitest";
import { FAMILIES } from "../../../src/wire/ip.ts";
import type { TestNetns } from "../../support/netns.ts";
import { waysOf } from "../../support/nftables-ways.ts";
import { NODE } from "../masquerade/node.ts";
import { type Attached, attach, check, DUAL, del, type Json, networkOf, TYPES } from "../masquerade/runtime.ts";
import {
  addressOf,
  becomeNodeInWorld,
  endpointAt,
  left,
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

/** An attachment, and the configuration it is made with. */
interface Subject extends Attached {
  readonly config: Json;
}

const attachTo = (config: Json): Subject => ({ config, ...attach(config) });
const detach = ({ config, container }: Subject): void =>
  expect(del(config, container)).toMatchObject({ status: 0, stdout: "" });

const PORTS = { ports: "20000-20999" };
const OTHER_PORTS = { ports: "30000-30999" };
const PROTOCOLS = ["tcp", "udp"] as const;

/** Talks to hosts outside, and lets CHECK look. */
function expectOwnPolicy(one: Subject): void {
  const own: string | undefined = one.config.ipMasqOptions?.ports;
  for (const family of FAMILIES) {
    for (const protocol of PROTOCOLS) {
      const seen = [PUBLIC, PRIVATE, PRIVATE_TOO, RESERVED, PUBLIC].map((to) =>
        endpointAt(one, outside, to[family], protocol),
      );
      expect(seen.map(({ address }) => address)).toEqual(seen.map(() => NODE[family]));
      const thousands = seen.map(({ port }) => Math.floor(port / 1000));
      if (own !== undefined) expect(thousands).toEqual(seen.map(() => Number.parseInt(own, 10) / 1000));
      // All five by chance in the range of the other's: once in 64^5.
      else for (const other of [20, 30]) expect(thousands).not.toEqual(seen.map(() => other));
    }
    expect(seenAt(one, outside, PUBLIC[family], "icmp")).toBe(NODE[family]);
  }
  expect(check(one.config, one.container, one.result)).toMatchObject({ status: 0, stdout: "" });
}

/** Which way the container's packets come to their policy: by `members` or by `exceptions`, IPv4 first. */
const waysTo = (one: Subject): (string | undefined)[] =>
  FAMILIES.map((family) => waysOf(family === 4 ? "ip" : "ip6").get(addressOf(one, family))?.by);

const BY_NETWORK = ["members", "members"];
const APART = ["exceptions", "exceptions"];

describe.each(TYPES)("%s", (type) => {
  const WITHIN = ["198.18.64.0/24", "fd61:7465:6d65:1000::8000/120"];
  const wide = (more: object = {}): Json => networkOf(type, DUAL, more);
  const within = (more: object = {}): Json => networkOf(type, WITHIN, more);
  const cases: readonly (readonly [string, () => { readonly first: Json; readonly second: Json }])[] = [
    ["of a subnet within the first's", () => ({ first: wide(), second: within({ ipMasqOptions: PORTS }) })],
    ["of a subnet around the first's", () => ({ first: within({ ipMasqOptions: PORTS }), second: wide() })],
    [
      "of a subnet within the first's, which has other ports,",
      () => ({ first: wide({ ipMasqOptions: OTHER_PORTS }), second: within({ ipMasqOptions: PORTS }) }),
    ],
    [
      "of the same subnet",
      () => {
        const first = wide(); // one network, with options for some of its containers
        return { first, second: { ...first, ipMasqOptions: PORTS } };
      },
    ],
  ];

  it.each(cases)("a second policy %s has its own way, before and after the first goes and comes back", (_, configs) => {
    const { first, second } = configs();
    const [one, two] = [attachTo(first), attachTo(second)];
    expect([waysTo(one), waysTo(two)]).toEqual([BY_NETWORK, APART]);
    for (const each of [one, two]) expectOwnPolicy(each);
    detach(one);
    expectOwnPolicy(two);
    const three = attachTo(first);
    expect([waysTo(three), waysTo(two)]).toEqual([BY_NETWORK, APART]);
    for (const each of [three, two]) expectOwnPolicy(each);
    detach(two);
    expectOwnPolicy(three);
    detach(three);
    expect(left()).toEqual([]);
  });
});
