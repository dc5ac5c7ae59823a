// The memory of an ADD of each plugin: that of the plugin itself, and that of the largest program that it starts.
import { readFileSync } from "node:fs";
import { addList, configOf, deleteList } from "./lists.mjs";
import { BUILD, call, ip, makeSide, network, nodeOf, removeSide, request, runUnder } from "./sides.mjs";
import { CHAINED, dropSomething, titleOf } from "./suite.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {import("./lists.mjs").Plugin} Plugin
 * @typedef {{ kib: number, child?: { program: string, kib: number } }} Sizes `kib` is the plugin's own largest resident size,
 *   `child` the largest program that it started.
 * @typedef {{ plugin: string, bauta: Sizes, upstream: Sizes }} MemoryRow
 * @typedef {{ rows: MemoryRow[], rounds: number }} Memory
 */

const bridge = network("bridge");
const { ipam } = bridge;

/** What makes an interface. The node has what this takes: a parent, a device. @type {readonly Plugin[]} */
const INTERFACES = [
  bridge,
  network("ptp"),
  { type: "macvlan", master: "parent", ipam },
  { type: "tap", ipam },
  { type: "loopback" },
  { type: "host-device", device: "given", ipam },
];

/**
 * @param {{ rounds: number, log: (text: string) => void }} options
 * @returns {Memory}
 */
export function measureMemory({ rounds, log }) {
  const sides = { bauta: makeSide("bm", "bauta"), upstream: makeSide("um", "upstream") };
  for (const side of Object.values(sides)) prepare(side);
  const plugins = [
    ...INTERFACES.map((plugin) => ({ plugin, before: /** @type {Plugin[]} */ ([]) })),
    ...[...CHAINED, { type: "sbr" }].map((plugin) => ({ plugin, before: [bridge] })),
  ];
  const rows = plugins.map(({ plugin, before }) => {
    const sizes = (/** @type {Side} */ side) =>
      largestOf(Array.from({ length: rounds }, () => sizesOf(side, plugin, before)));
    const row = { plugin: titleOf(plugin), bauta: sizes(sides.bauta), upstream: sizes(sides.upstream) };
    log(`${row.plugin} ADD: ${describe(row.bauta)}, upstream ${describe(row.upstream)}`);
    return row;
  });
  for (const side of Object.values(sides)) removeSide(side);
  return { rows, rounds };
}

/** @param {Side} side */
function prepare(side) {
  const node = nodeOf(side);
  dropSomething(side);
  for (const name of ["parent", "given"]) ip(`-n ${node} link add ${name} up type veth peer name ${name}-end`);
}

/**
 * An ADD of the plugin behind those before it, which are all detached again.
 * @param {Side} side
 * @param {Plugin} plugin
 * @param {readonly Plugin[]} before
 * @returns {Sizes}
 */
function sizesOf(side, plugin, before) {
  const list = { name: bridge.name, cniVersion: "1.0.0", plugins: before };
  const { result: prevResult } = addList(side, list);
  const config = configOf(list, plugin);
  const asked = request(side, "ADD", config, { prevResult });
  const printed = runUnder("memory", side, { ...asked, argv: [`${side.directory}/${plugin.type}`] });
  const added = JSON.parse(readFileSync(`${BUILD}/stdout`, "utf8"));
  call(side, "DEL", config, { prevResult: added });
  deleteList(side, list, { prevResult });
  const [own, ...children] = printed.trim().split("\n").map(processOf);
  // Go makes a child that executes nothing and shares its parent's memory.
  const started = children.filter(({ program }) => program !== own?.program);
  const child = started.toSorted((a, b) => b.kib - a.kib)[0];
  return { kib: own?.kib ?? Number.NaN, ...(child && { child }) };
}

/** @param {string} line */
function processOf(line) {
  const [kib, program = ""] = line.split(" ");
  return { kib: Number(kib), program };
}

/** @param {readonly Sizes[]} sizes @returns {Sizes} */
function largestOf(sizes) {
  const children = sizes.flatMap(({ child }) => child ?? []).toSorted((a, b) => b.kib - a.kib);
  return { kib: Math.max(...sizes.map(({ kib }) => kib)), ...(children[0] && { child: children[0] }) };
}

/** @param {Sizes} sizes */
const describe = ({ kib, child }) =>
  `${kib} KiB${child === undefined ? "" : `, its ${child.program} ${child.kib} KiB`}`;
