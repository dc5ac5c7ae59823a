// How near the rates of `bandwidth` come to what was asked for, from 1 Mbit/s to 10 Gbit/s, both ways, and what the same pair of
// interfaces carries without a limit.
import { BUILD, call, containerOf, ip, makeSide, netnsPath, nodeOf, removeSide, run } from "./sides.mjs";
import { median } from "./statistics.mjs";
import { rateText } from "./tables.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {{ rate?: number, ingress: number, egress: number }} RateRow Bits per second on the wire, headers counted. `ingress` is
 *   what the container receives. Without `rate` there is no limit.
 * @typedef {{ rows: RateRow[], rounds: number }} Bandwidth
 */

const RATES = [1e6, 1e7, 1e8, 1e9, 2.5e9, 5e9, 1e10];
const MTU = 1500;
/** A frame of TCP over IPv4, with timestamps, and what of it is the stream's. */
const [FRAME, SEGMENT] = [MTU + 14, MTU - 52];
const ADDRESS = { node: "10.0.0.1", container: "10.0.0.2" };

/**
 * @param {{ rounds: number, isQuick: boolean, log: (text: string) => void }} options
 * @returns {Bandwidth}
 */
export function measureBandwidth({ rounds, isQuick, log }) {
  const side = makeSide("bw", "bauta");
  const [node, container] = [nodeOf(side), containerOf(side)];
  ip(`-n ${node} link add near up mtu ${MTU} type veth peer name eth0 netns ${container} mtu ${MTU}`);
  ip(`-n ${node} address add ${ADDRESS.node}/24 dev near`);
  ip(`-n ${container} address add ${ADDRESS.container}/24 dev eth0`);
  ip(`-n ${container} link set eth0 up`);
  const rows = [undefined, ...RATES].map((rate) => {
    if (rate !== undefined) limit(side, rate);
    const ways = [true, false].map((isIngress) => {
      const times = Array.from({ length: rounds }, () => measure(side, isIngress, durationMs(rate, isQuick)));
      return median(times);
    });
    const [ingress = Number.NaN, egress = Number.NaN] = ways;
    log(
      `${rate === undefined ? "no limit" : rateText(rate)}: receives ${rateText(ingress)}, sends ${rateText(egress)}`,
    );
    return { ...(rate === undefined ? {} : { rate }), ingress, egress };
  });
  removeSide(side);
  return { rows, rounds };
}

/** Packets come in lumps of up to 64 KiB, which is half a second at 1 Mbit/s. @param {number | undefined} rate @param {boolean} isQuick */
function durationMs(rate, isQuick) {
  const enough = rate !== undefined && rate < 1e7 ? 40_000 : 3000;
  return isQuick ? enough / 4 : enough;
}

/** Has the plugin set both limits. @param {Side} side @param {number} rate */
function limit(side, rate) {
  const burst = Math.max(rate / 100, 8 * 65536);
  const interfaces = [{ name: "near" }, { name: "eth0", sandbox: netnsPath(containerOf(side)) }];
  const config = {
    ...{ cniVersion: "1.0.0", name: "bench-rates", type: "bandwidth" },
    ...{ ingressRate: rate, ingressBurst: burst, egressRate: rate, egressBurst: burst },
  };
  call(side, "ADD", config, { prevResult: { cniVersion: "1.0.0", interfaces } });
}

/** Bits per second on the wire. @param {Side} side @param {boolean} isIngress @param {number} duration In milliseconds. */
function measure(side, isIngress, duration) {
  const namespaces = [nodeOf(side), containerOf(side)].map(netnsPath);
  const [from = "", to = ""] = isIngress ? namespaces : namespaces.toReversed();
  const address = isIngress ? ADDRESS.node : ADDRESS.container;
  const [bytes = 0, ns = 1] = run(`${BUILD}/stream`, from, to, address, "1500", `${duration}`).split(" ").map(Number);
  return ((bytes * 8e9) / ns) * (FRAME / SEGMENT);
}
