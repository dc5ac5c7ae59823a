// Published ports: portmap on a node with few and with many containers, and a new flow to a port of many.
import { configOf } from "./lists.mjs";
import { describe, note, rowOf } from "./operations.mjs";
import {
  BUILD,
  call,
  connectOutside,
  containerOf,
  inside,
  makeSide,
  netnsPath,
  network,
  nodeOf,
  outsideOf,
  removeSide,
  run,
  settle,
} from "./sides.mjs";
import { inTurn, median, ratioOf } from "./statistics.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {import("./sides.mjs").Sample} Sample
 * @typedef {{ name: string, family: 4 | 6, medianUs: number, p99Us: number, toHandWritten:
 *   import("./statistics.mjs").Ratio }} PublishedFlow
 * @typedef {import("./operations.mjs").Operations & { flows: PublishedFlow[] }} Published
 */

/** Of each container. */
const PORTS = 32;
const OTHERS = 500;
/** Each of 32 ports: 10,000. */
const PUBLISHED = 313;
const PORT = 1024;
const HAND_WRITTEN = "one rule";
/** Without the first match, the second rule takes packets for other hosts, too: it is no right one, but the least there is. */
const BY_HAND = {
  [HAND_WRITTEN]: `fib daddr type local udp dport ${PORT}`,
  "one rule without fib": `udp dport ${PORT}`,
};
const FAMILIES = /** @type {const} */ ([4, 6]);
const UPLINK = { 4: "192.0.2.1", 6: "2001:db8::1" };

/** In this order: the last one finds nothing. */
const OPERATIONS = /** @type {const} */ ([
  ["portmap ADD", "ADD"],
  ["portmap CHECK", "CHECK"],
  ["portmap DEL", "DEL"],
  ["portmap DEL of nothing", "DEL"],
]);

const list = { name: "bench-ports", cniVersion: "1.0.0" };
const bridge = { ...network("bridge"), ipMasq: false };

/**
 * The container with this number has the ports from here on.
 * @param {number} n
 * @param {string} protocol
 */
const portmap = (n, protocol) =>
  configOf(
    { ...list, plugins: [] },
    {
      type: "portmap",
      backend: "nftables",
      runtimeConfig: {
        portMappings: Array.from({ length: PORTS }, (_, i) => {
          return { hostPort: PORT + n * PORTS + i, containerPort: 80 + i, protocol };
        }),
      },
    },
  );

/**
 * @param {{ rounds: number, isQuick: boolean, log: (text: string) => void }} options
 * @returns {Published}
 */
export function measurePublished({ rounds, isQuick, log }) {
  const others = isQuick ? 50 : OTHERS;
  const sides = ["bauta", "upstream"].flatMap((product) =>
    [0, others].map((number) => makePublishing(/** @type {import("./sides.mjs").Product} */ (product), number, "tcp")),
  );
  log(`portmap: ${sides.length} nodes are ready`);
  /** @type {Map<string, Sample[]>} */
  const samples = new Map();
  const subjects = sides.map((subject) => ({ subject, every: subject.side.product === "upstream" ? 2 : 1 }));
  inTurn(subjects, rounds, ({ side, prevResult }, isMeasured) => {
    for (const [title, verb] of OPERATIONS) {
      settle();
      const { sample } = call(side, verb, portmap(0, "tcp"), { prevResult });
      if (isMeasured) note(side, title, samples, sample);
    }
  });
  for (const { side } of sides) removeSide(side);
  const rows = [0, others].flatMap((number) => OPERATIONS.map(([title]) => rowOf(title, number, samples)));
  for (const row of rows) log(describe(row));
  return { rows, rounds, flows: measureFlows(Math.ceil(rounds / 2), isQuick, log) };
}

/**
 * A node with a container on a bridge, and with the ports of so many others.
 * @param {import("./sides.mjs").Product} product
 * @param {number} others
 * @param {string} protocol
 * @param {string} [name]
 */
function makePublishing(product, others, protocol, name = `${product[0]}p${others}`) {
  const side = makeSide(name, product, others);
  const { result: prevResult } = call(side, "ADD", bridge);
  for (let n = 1; n <= others; n++) {
    const ips = [{ address: `10.129.${n >> 8}.${n & 255}/14` }, { address: `fd61:7465:6d65::1:${n.toString(16)}/64` }];
    const other = { cniVersion: "1.0.0", interfaces: [], ips, routes: [], dns: {} };
    call(side, "ADD", portmap(n, protocol), { id: `other-${n}`, prevResult: other });
  }
  return { side, prevResult };
}

/**
 * @param {number} rounds
 * @param {boolean} isQuick
 * @param {(text: string) => void} log
 * @returns {PublishedFlow[]}
 */
function measureFlows(rounds, isQuick, log) {
  const variants = [...Object.entries(BY_HAND).map(byHand), ours(isQuick ? 10 : PUBLISHED)];
  /** @type {Map<string, { middle: number[], p99: number[] }>} */
  const times = new Map();
  const subjects = variants.flatMap((variant) => FAMILIES.map((family) => ({ subject: { variant, family } })));
  inTurn(subjects, rounds, ({ variant: { side, name }, family }, isMeasured) => {
    const [node, outside] = [nodeOf(side), outsideOf(side)].map(netnsPath);
    const argv = [node ?? "", outside ?? "", UPLINK[family], isQuick ? "4000" : "20000", String(PORT)];
    const [, middleUs = 0, p99Us = 0] = run(`${BUILD}/flows`, ...argv)
      .trim()
      .split(" ")
      .map(Number);
    const known = times.get(`${name} ${family}`) ?? { middle: [], p99: [] };
    if (!isMeasured) return;
    times.set(`${name} ${family}`, { middle: [...known.middle, middleUs], p99: [...known.p99, p99Us] });
  });
  for (const { side } of variants) removeSide(side);
  return variants.flatMap(({ name }) =>
    FAMILIES.map((family) => {
      const own = times.get(`${name} ${family}`) ?? { middle: [], p99: [] };
      const one = times.get(`${HAND_WRITTEN} ${family}`) ?? own;
      const toHandWritten = ratioOf(own.middle, one.middle);
      log(`${name}, IPv${family}: ${median(own.middle).toFixed(2)} us a flow (${toHandWritten.value.toFixed(2)})`);
      return { name, family, medianUs: median(own.middle), p99Us: median(own.p99), toHandWritten };
    }),
  );
}

/**
 * One rule for the one port, in each family's table.
 * @param {readonly [name: string, match: string]} rule
 * @param {number} i
 */
function byHand([name, match], i) {
  const { side, prevResult } = makePublishing("bauta", 0, "udp", `h${i}`);
  const [v4, v6] = (prevResult?.ips ?? []).map(({ address }) => address.replace(/\/.*/, ""));
  const chain = (/** @type {string} */ to) =>
    `chain prerouting { type nat hook prerouting priority dstnat; ${match} dnat to ${to}; };`;
  inside(
    nodeOf(side),
    "nft",
    `table ip by_hand { ${chain(`${v4}:80`)} }; table ip6 by_hand { ${chain(`[${v6}]:80`)} }`,
  );
  makeQuiet(side);
  return { name, side };
}

/** @param {number} containers Besides the one whose port is measured. */
function ours(containers) {
  const { side, prevResult } = makePublishing("bauta", containers - 1, "udp");
  call(side, "ADD", portmap(0, "udp"), { prevResult });
  makeQuiet(side);
  return { name: `bauta, ${(containers * PORTS).toLocaleString("en")} ports`, side };
}

/** The container answers nothing. @param {Side} side */
function makeQuiet(side) {
  connectOutside(side);
  const quiet = "{ chain input { type filter hook input priority -200; meta l4proto udp drop; }; }";
  inside(containerOf(side), "nft", `add table inet quiet ${quiet}`);
}
