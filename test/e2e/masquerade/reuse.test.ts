// The race that upstream's source describes: an address is given to B while A's DEL is still to come. Whatever the order,
// B stays masqueraded in both families.

import { beforeAll, describe, expect, it } from "vitest";
import { poll, type TestNetns } from "../../support/netns.ts";
import type { PluginOutcome } from "../../support/plugin.ts";
import { becomeNode, leftovers, mapElements, NODE } from "./node.ts";
import { addressesOf, containerFor, type Json, networkOf, startCall, TYPES, type Type } from "./runtime.ts";
import { seenOneWay, seenOutside } from "./traffic.ts";

const LANES = 8;
const ROUNDS = { ptp: 35, bridge: 15 };

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNode();
});

/** An address of each family, which two containers have in turn. */
interface Lane {
  readonly config: Json;
  readonly containers: readonly [TestNetns, TestNetns];
  /** The one that is attached now. */
  holder: { readonly container: TestNetns; readonly containerId: string; readonly result: Json };
}

function networkOfLane(type: Type, name: string, bridge: string, lane: number): Json {
  const addresses = [
    { address: `198.18.0.${lane + 10}/17`, gateway: "198.18.0.1" },
    { address: `fd61:7465:6d65:1000::${lane + 10}/112`, gateway: "fd61:7465:6d65:1000::1" },
  ];
  const routes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];
  return networkOf(type, [], {
    name,
    ...(type === "bridge" ? { bridge } : {}),
    ipam: { type: "static", addresses, routes },
  });
}

async function makeLane(config: Json): Promise<Lane> {
  const containers = [containerFor(config), containerFor(config)] as const;
  const [container] = containers;
  const containerId = `${container.name}-first`;
  const { json } = succeeded(await startCall("ADD", config, container, { containerId }));
  return { config, containers, holder: { container, containerId, result: json } };
}

/** A goes, B comes with the same addresses; which of them is first depends on the number of the race. */
async function race(lane: Lane, number: number): Promise<void> {
  const { config, containers, holder: a } = lane;
  const container = containers[0] === a.container ? containers[1] : containers[0];
  const containerId = `${container.name}-${number}`;
  const goes = (): Promise<PluginOutcome> =>
    startCall("DEL", number % 3 === 0 ? config : { ...config, prevResult: a.result }, a.container, a);
  const comes = (): Promise<PluginOutcome> => startCall("ADD", config, container, { containerId });
  const [added] = (await ORDERS[number % ORDERS.length]?.(comes, goes)) ?? [];
  lane.holder = { container, containerId, result: added };
}

type Start = () => Promise<PluginOutcome>;

/** Each returns what ADD printed. */
const ORDERS: readonly ((comes: Start, goes: Start) => Promise<Json[]>)[] = [
  (comes, goes) => both(comes(), goes()),
  async (comes, goes) => (await both(goes(), comes())).toReversed(),
  // DEL is on its way when ADD begins, and the other way round.
  async (comes, goes) => (await both(goes(), turns(40).then(comes))).toReversed(),
  (comes, goes) => both(comes(), turns(40).then(goes)),
  // Late: B is complete.
  async (comes, goes) => [succeeded(await comes()).json, succeeded(await goes()).json],
];

async function both(first: Promise<PluginOutcome>, second: Promise<PluginOutcome>): Promise<Json[]> {
  return (await Promise.all([first, second])).map((outcome) => succeeded(outcome).json);
}

/** Lets the event loop go round, at most so many times: a moment of random length. */
async function turns(most: number): Promise<void> {
  for (let left = Math.random() * most; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
}

function succeeded(outcome: PluginOutcome): PluginOutcome {
  expect(outcome).toMatchObject({ status: 0 });
  return outcome;
}

/** By the word of nft: all elements of either family, the owner's comment naming the container. */
function expectMasqueraded(lanes: readonly Lane[]): void {
  const elements = mapElements();
  const owners = lanes.flatMap(({ holder: { result, containerId } }) =>
    addressesOf(result).map((address) => [address, containerId]),
  );
  const found = elements.filter(({ map }) => map === "owners");
  expect(found.map(({ key, comment }) => [key, comment?.split(" ")[3]]).sort()).toEqual(owners.sort());
  const policed = elements.filter(({ map, value }) => map === "policies" && value?.includes('"goto"'));
  const addresses = owners.map(([address]) => address).sort();
  expect(policed.map(({ key }) => key).sort()).toEqual(addresses);
  const leading = elements.filter(({ map }) => map === "members" || map === "exceptions");
  expect(leading.map(({ map, key }) => `${map} ${key}`).sort()).toEqual(addresses.map((one) => `members ${one}`));
}

describe.each(TYPES)("%s", (type) => {
  it(`keeps B masqueraded in ${LANES * ROUNDS[type]} races of its ADD with A's DEL, ${LANES} at a time`, async () => {
    const { name, bridge } = networkOf(type);
    const configs = Array.from({ length: LANES }, (_, lane) => networkOfLane(type, name, bridge, lane));
    const lanes = await Promise.all(configs.map(makeLane));
    for (let round = 0; round < ROUNDS[type]; round++) {
      await Promise.all(lanes.map((lane, i) => race(lane, round * LANES + i)));
      expectMasqueraded(lanes);
      const sample = lanes[round % LANES];
      for (const address of addressesOf(sample?.holder.result)) expectSeen(type, sample?.holder.container, address);
    }
    for (const { config, holder } of lanes) {
      const check = startCall("CHECK", { ...config, prevResult: holder.result }, holder.container, holder);
      succeeded(await check);
    }
    await Promise.all(
      lanes.map(async ({ config, holder }) => succeeded(await startCall("DEL", config, holder.container, holder))),
    );
    poll("all to go", () => leftovers().length === 0);
  });
});

/** On a bridge the answer might go to A: neighbours keep its Ethernet address for a while. */
function expectSeen(type: Type, container: TestNetns | undefined, address: string): void {
  if (container === undefined) throw new Error("no container");
  const seen =
    type === "ptp" ? seenOutside(container, address, outside, "tcp") : seenOneWay(container, address, outside);
  expect(seen).toBe(NODE[address.includes(":") ? 6 : 4]);
}
