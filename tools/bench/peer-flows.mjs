// How long a new flow takes through the rules of bauta, of containernetworking/plugins and of netavark: from the container that
// was attached last to the outside, and from the outside to a port that this container publishes.
import { BUILD, connectOutside, containerOf, inside, netnsPath, nodeOf, OUTSIDE, outsideOf, run } from "./sides.mjs";
import { inTurn, median } from "./statistics.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {"out" | "published"} Direction
 * @typedef {{ product: import("./sides.mjs").Product, others: number, direction: Direction, family: 4 | 6,
 *   flowsPerSecond: number, medianUs: number, p99Us: number }} PeerFlow
 * @typedef {{ side: Side, direction: Direction, family: 4 | 6 }} Subject
 */

const UPLINK = { 4: "192.0.2.1", 6: "2001:db8::1" };
const FAMILIES = /** @type {const} */ ([4, 6]);
const DIRECTIONS = /** @type {const} */ (["out", "published"]);

/**
 * @param {readonly Side[]} sides Each with its container attached.
 * @param {number} port That it publishes, by UDP.
 * @param {{ rounds: number, isQuick: boolean, log: (text: string) => void }} options
 * @returns {PeerFlow[]}
 */
export function measurePeerFlows(sides, port, { rounds, isQuick, log }) {
  for (const side of sides) {
    connectOutside(side);
    countArrivals(side);
  }
  const subjects = sides.flatMap((side) =>
    DIRECTIONS.flatMap((direction) => FAMILIES.map((family) => ({ subject: { side, direction, family } }))),
  );
  /** @type {Map<Subject, number[][]>} */
  const times = new Map();
  inTurn(subjects, rounds, (subject, isMeasured) => {
    const found = openFlows(subject, port, isQuick ? 2000 : 10_000);
    if (isMeasured) times.set(subject, [...(times.get(subject) ?? []), found]);
  });
  return subjects.map(({ subject }) => {
    const row = rowOf(subject, times.get(subject) ?? []);
    const { product, others, direction, family, medianUs } = row;
    log(
      `${product}, ${others.toLocaleString("en")} others, ${direction}, IPv${family}: ${medianUs.toFixed(2)} us a flow`,
    );
    return row;
  });
}

/** Counts what arrives as it should, and drops it: replies would be flows of their own. @param {Side} side */
function countArrivals(side) {
  const count = "counter arrived { }; chain input { type filter hook input priority -300;";
  const [ip, ip6] = [`ip saddr ${UPLINK[4]}`, `ip6 saddr ${UPLINK[6]}`].map(
    (source) => `${source} meta l4proto udp counter name arrived`,
  );
  inside(outsideOf(side), "nft", `add table inet seen { ${count} ${ip}; ${ip6}; }; }`);
  inside(containerOf(side), "nft", `add table inet seen { ${count} udp dport 53 counter name arrived drop; }; }`);
}

/** @param {string} namespace */
function arrivedIn(namespace) {
  const { nftables } = JSON.parse(inside(namespace, "nft", "-j", "reset", "counter", "inet", "seen", "arrived"));
  return Number(nftables.find((/** @type {object} */ one) => "counter" in one)?.counter.packets ?? 0);
}

/**
 * Microseconds of a flow: mean, median, 99th percentile. Throws where the packets did not come out as they should.
 * @param {Subject} subject
 * @param {number} port
 * @param {number} count
 */
function openFlows({ side, direction, family }, port, count) {
  const isOut = direction === "out";
  const [from, to] = isOut ? [containerOf(side), outsideOf(side)] : [outsideOf(side), containerOf(side)];
  const target = isOut ? [OUTSIDE[family], `${count}`] : [UPLINK[family], `${count}`, `${port}`];
  const printed = run(`${BUILD}/flows`, netnsPath(nodeOf(side)), netnsPath(from), ...target);
  const arrived = arrivedIn(to);
  if (arrived < count) {
    throw new Error(`${side.name}: of ${count} IPv${family} flows (${direction}) ${arrived} arrived as they should`);
  }
  return printed.trim().split(" ").map(Number);
}

/** @param {Subject} subject @param {readonly (readonly number[])[]} times @returns {PeerFlow} */
function rowOf({ side: { product, others }, direction, family }, times) {
  const column = (/** @type {number} */ i) => median(times.map((found) => found[i] ?? Number.NaN));
  return {
    ...{ product, others, direction, family },
    ...{ flowsPerSecond: 1e6 / column(0), medianUs: column(1), p99Us: column(2) },
  };
}
