// The same containers by bauta, by containernetworking/plugins and by netavark: a dual-stack bridge with masquerade, and two
// published ports a container. How long it takes to attach one and to detach it, and how long new flows take then.
import { writeFileSync } from "node:fs";
import { addList, configOf, deleteList } from "./lists.mjs";
import { netavark, portRules, rulesFor, versionOf } from "./netavark.mjs";
import { figureOf, note } from "./operations.mjs";
import { AT_ONCE, addOthers, other } from "./others.mjs";
import { measurePeerFlows } from "./peer-flows.mjs";
import { BUILD, call, inside, makeSide, network, nodeOf, removeSide, residentOf, settle } from "./sides.mjs";
import { inTurn, ratioOf } from "./statistics.mjs";

/**
 * @typedef {import("./sides.mjs").Product} Product
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {import("./sides.mjs").Sample} Sample
 * @typedef {import("./operations.mjs").Figure} Figure
 * @typedef {import("./statistics.mjs").Ratio} Ratio
 * @typedef {{ operation: "ADD" | "DEL", others: number, bauta: Figure, upstream?: Figure, netavark?: Figure,
 *   toUpstream?: Ratio, toNetavark?: Ratio }} PeerRow The ratios: bauta's time to theirs.
 * @typedef {{ version: string, rows: PeerRow[], flows: import("./peer-flows.mjs").PeerFlow[], rounds: number }} Peers
 *   `version`: netavark's.
 * @typedef {{ prepare: (side: Side) => void, add: (side: Side) => { sample: Sample, result?: object | undefined },
 *   remove: (side: Side, result: object | undefined) => Sample }} Way
 */

/** Of the container that is measured; the others have the ports that follow. */
const PORT = 20_000;
/** Containers that are there already, and in which rounds each product is measured beside so many. */
const SUBJECTS = [
  { others: 0, upstream: 1, netavark: 1 },
  { others: 100, upstream: 2, netavark: 2 },
  { others: 1000, upstream: 4, netavark: 4 },
  { others: 10_000 },
];

/** @param {number} n */
const portsOf = (n) => [
  { hostPort: PORT + n, containerPort: 80, protocol: "tcp" },
  { hostPort: PORT + n, containerPort: 53, protocol: "udp" },
];

/** The container with a number; 0 is the one that is measured. @param {number} n */
function containerWith(n) {
  const { v4, v6 } = other(network("bridge").name, 256 + n);
  return { id: `container-${n}`, v4, v6, ports: portsOf(n) };
}

const bridge = network("bridge");
/** @param {number} n */
const portmap = (n) => ({ type: "portmap", backend: "nftables", runtimeConfig: { portMappings: portsOf(n) } });
const LIST = { name: bridge.name, cniVersion: bridge.cniVersion, plugins: [bridge, portmap(0)] };

/** bridge and portmap, one after the other. @type {Way} */
const PLUGINS = {
  prepare(side) {
    addOthers(side, bridge);
    for (let n = 1; n <= side.others; n++) {
      const { id, v4, v6 } = containerWith(n);
      const ips = [{ address: `${v4}/14` }, { address: `${v6}/64` }];
      const prevResult = { cniVersion: bridge.cniVersion, interfaces: [], ips, routes: [], dns: {} };
      call(side, "ADD", configOf(LIST, portmap(n)), { id, prevResult });
    }
  },
  add: (side) => addList(side, LIST),
  remove: (side, prevResult) => deleteList(side, LIST, { prevResult }).sample,
};

/** @type {Way} */
const NETAVARK = {
  prepare(side) {
    if (side.others === 0) return;
    const [measured, resident] = [containerWith(0), containerWith(1)];
    netavark(side, "setup", resident, residentOf(side));
    const rules = rulesOn(side, resident);
    netavark(side, "setup", measured);
    const isSame = JSON.stringify(rulesOn(side, measured)) === JSON.stringify(rulesFor(rules, resident, measured));
    if (rules.length === 0 || !isSame) throw new Error("netavark's rules are not those that are written for others");
    netavark(side, "teardown", measured);
    for (let from = 2; from <= side.others; from += AT_ONCE) {
      const count = Math.min(AT_ONCE, side.others + 1 - from);
      const more = Array.from({ length: count }, (_, i) => rulesFor(rules, resident, containerWith(from + i))).flat();
      const file = `${BUILD}/others.nft`;
      writeFileSync(file, JSON.stringify({ nftables: more.map((rule) => ({ add: { rule } })) }));
      inside(nodeOf(side), "nft", "-j", "-f", file);
    }
  },
  add: (side) => ({ sample: netavark(side, "setup", containerWith(0)) }),
  remove: (side) => netavark(side, "teardown", containerWith(0)),
};

/** @param {Side} side @param {Parameters<typeof portRules>[1]} container */
const rulesOn = (side, container) =>
  portRules(JSON.parse(inside(nodeOf(side), "nft", "-j", "list", "table", "inet", "netavark")), container);

/** @param {Side} side */
const wayOf = ({ product }) => (product === "netavark" ? NETAVARK : PLUGINS);

/**
 * @param {{ rounds: number, isQuick: boolean, log: (text: string) => void }} options
 * @returns {Peers}
 */
export function measurePeers({ rounds, isQuick, log }) {
  const subjects = subjectsOf(isQuick);
  for (const { subject } of subjects) {
    wayOf(subject).prepare(subject);
    log(`${subject.product} has ${subject.others.toLocaleString("en")} others`);
  }
  /** @type {Map<string, Sample[]>} */
  const samples = new Map();
  inTurn(subjects, rounds, (side, isMeasured) => {
    settle();
    const { sample: added, result } = wayOf(side).add(side);
    settle();
    const removed = wayOf(side).remove(side, result);
    if (!isMeasured) return;
    note(side, "ADD", samples, added);
    note(side, "DEL", samples, removed);
  });
  const rows = [...new Set(subjects.map(({ subject }) => subject.others))].flatMap((others) =>
    /** @type {const} */ (["ADD", "DEL"]).map((operation) => rowOf(operation, others, samples)),
  );
  for (const row of rows) log(describe(row));
  const sides = subjects.map(({ subject }) => subject);
  for (const side of sides) wayOf(side).add(side);
  const flows = measurePeerFlows(sides, PORT, { rounds: Math.ceil(rounds / 2), isQuick, log });
  for (const side of sides) removeSide(side);
  const version = sides.filter(({ product }) => product === "netavark").map(versionOf)[0] ?? "";
  return { version, rows, flows, rounds };
}

/** @param {boolean} isQuick */
function subjectsOf(isQuick) {
  const wanted = isQuick ? SUBJECTS.filter(({ others }) => others <= 100) : SUBJECTS;
  return wanted.flatMap(({ others, ...every }) =>
    /** @type {const} */ (["bauta", "upstream", "netavark"]).flatMap((product) => {
      const isEvery = product === "bauta" ? 1 : every[product];
      if (isEvery === undefined) return [];
      return { subject: makeSide(`${product[0]}x${others}`, product, others), every: isQuick ? 1 : isEvery };
    }),
  );
}

/**
 * @param {"ADD" | "DEL"} operation
 * @param {number} others
 * @param {ReadonlyMap<string, Sample[]>} samples
 * @returns {PeerRow}
 */
function rowOf(operation, others, samples) {
  const of = (/** @type {Product} */ product) => samples.get(`${product} ${others} ${operation}`);
  const times = (/** @type {readonly Sample[]} */ series) => series.map(({ us }) => us);
  const [ours = [], upstream, theirs] = [of("bauta"), of("upstream"), of("netavark")];
  return {
    operation,
    others,
    bauta: figureOf(ours),
    ...(upstream && { upstream: figureOf(upstream), toUpstream: ratioOf(times(ours), times(upstream)) }),
    ...(theirs && { netavark: figureOf(theirs), toNetavark: ratioOf(times(ours), times(theirs)) }),
  };
}

/** @param {PeerRow} row */
function describe({ operation, others, bauta, upstream, netavark: theirs }) {
  const texts = Object.entries({ bauta, upstream, netavark: theirs }).flatMap(([name, figure]) =>
    figure === undefined ? [] : `${name} ${figure.ms.toFixed(2)} ms`,
  );
  return `${operation} with ${others.toLocaleString("en")} others: ${texts.join(", ")}`;
}
