// The plugins that give a container an interface, beside those that have sections of their own, and sbr behind one.
import { addList, configOf, deleteList } from "./lists.mjs";
import { measureRuns, note } from "./operations.mjs";
import { call, ip, makeSide, nodeOf, settle } from "./sides.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {import("./lists.mjs").List} List
 * @typedef {import("./lists.mjs").Plugin} Plugin
 * @typedef {Map<string, import("./sides.mjs").Sample[]>} Samples
 */

const ipam = {
  type: "host-local",
  ranges: [
    [{ subnet: "10.9.0.0/16", gateway: "10.9.0.1" }],
    [{ subnet: "fd61:7465:6d65::/64", gateway: "fd61:7465:6d65::1" }],
  ],
  routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
};
const macvlan = { type: "macvlan", master: "uplink", ipam };

/** @type {readonly Plugin[]} */
const PLUGINS = [{ type: "loopback" }, macvlan, { type: "tap", ipam }, { type: "host-device", device: "device", ipam }];

/**
 * ADD, CHECK and DEL with addresses of both families by host-local.
 * @param {{ rounds: number, log: (text: string) => void }} options
 * @returns {import("./operations.mjs").Operations}
 */
export function measureInterfaces(options) {
  const sides = [makeSide("bi", "bauta"), makeSide("ui", "upstream")];
  for (const side of sides) addDevices(side);
  return measureRuns(sides, [...PLUGINS.map(attachAndDetach), routeBySource], options);
}

/** A master for macvlan, and a device to be lent: ends of pairs, as this kernel may have no dummies. @param {Side} side */
function addDevices(side) {
  for (const device of ["uplink", "device"]) {
    ip(`-n ${nodeOf(side)} link add ${device} type veth peer name ${device}-peer`);
    ip(`-n ${nodeOf(side)} link set ${device}-peer up`);
    ip(`-n ${nodeOf(side)} link set ${device} up`);
  }
}

/** @param {Plugin} plugin */
function attachAndDetach(plugin) {
  const config = configOf({ name: `bench-${plugin.type}`, cniVersion: "1.0.0", plugins: [] }, plugin);
  return (/** @type {Side} */ side, /** @type {Samples} */ samples) => {
    /** @type {object | undefined} */
    let prevResult;
    for (const verb of ["ADD", "CHECK", "DEL"]) {
      if (verb !== "CHECK") settle();
      const { sample, result } = call(side, verb, config, { prevResult });
      if (verb === "ADD") prevResult = result;
      note(side, `${plugin.type} ${verb}`, samples, sample);
    }
  };
}

/** Behind macvlan, which is not measured here. @param {Side} side @param {Samples} samples */
function routeBySource(side, samples) {
  /** @type {List} */
  const list = { name: "bench-sbr", cniVersion: "1.0.0", plugins: [macvlan] };
  const { result: prevResult } = addList(side, list);
  const config = configOf(list, { type: "sbr" });
  settle();
  const added = call(side, "ADD", config, { prevResult });
  note(side, "sbr ADD", samples, added.sample);
  note(side, "sbr CHECK", samples, call(side, "CHECK", config, { prevResult: added.result }).sample);
  settle();
  note(side, "sbr DEL", samples, call(side, "DEL", config, { prevResult: added.result }).sample);
  deleteList(side, list, { prevResult });
}
