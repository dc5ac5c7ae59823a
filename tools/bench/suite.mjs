// The plugins that are chained behind an interface plugin, each by itself, and whole lists as runtimes run them.
import { addList, configOf, deleteList, together } from "./lists.mjs";
import { measureRuns, note } from "./operations.mjs";
import { call, inside, makeSide, network, nodeOf, settle } from "./sides.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {import("./sides.mjs").Sample} Sample
 * @typedef {import("./lists.mjs").List} List
 * @typedef {Map<string, Sample[]>} Samples
 */

const portMappings = [
  { hostPort: 8080, containerPort: 80, protocol: "tcp" },
  { hostPort: 5353, containerPort: 53, protocol: "udp" },
];
const { ipMasqBackend: _, ...plainBridge } = network("bridge");
const bridge = { ...plainBridge, hairpinMode: true };
const portmap = { type: "portmap", runtimeConfig: { portMappings } };
const rate = 50_000_000;

/** What podman 4 and nerdctl write, with each side's own back ends. @type {List} */
const PODMAN = {
  name: "bench-podman",
  cniVersion: "0.4.0",
  plugins: [bridge, portmap, { type: "firewall" }, { type: "tuning" }],
};
/** What kubelet with containerd 1.6 runs for a pod. @type {List} */
const POD = { name: "bench-pod", cniVersion: "0.4.0", plugins: [{ type: "loopback" }, bridge, portmap] };

/** Each stands behind the bridge, alone. */
export const CHAINED = [
  portmap,
  { type: "firewall" },
  { type: "firewall", ingressPolicy: "same-bridge" },
  { type: "tuning", sysctl: { "net.ipv4.conf.all.log_martians": "1" }, mtu: 1400 },
  {
    type: "bandwidth",
    runtimeConfig: {
      bandwidth: { ingressRate: rate, ingressBurst: rate, egressRate: rate, egressBurst: rate },
    },
  },
];

/**
 * @param {{ rounds: number, log: (text: string) => void }} options
 * @returns {import("./operations.mjs").Operations}
 */
export function measureSuite(options) {
  const sides = [makeSide("bs", "bauta"), makeSide("us", "upstream")];
  for (const side of sides) dropSomething(side);
  return measureRuns(sides, [...CHAINED.map(chained), podman, pod], options);
}

/** As most nodes have it: an administrator's rules drop what nobody lets through. @param {Side} side */
export function dropSomething(side) {
  inside(nodeOf(side), "iptables", "-P", "FORWARD", "DROP");
}

/** @param {import("./lists.mjs").Plugin} plugin */
export const titleOf = (plugin) =>
  "ingressPolicy" in plugin ? `${plugin.type} (${plugin["ingressPolicy"]})` : plugin.type;

/** ADD, CHECK, DEL, and a DEL that finds nothing, of one plugin. @param {import("./lists.mjs").Plugin} plugin */
function chained(plugin) {
  const title = titleOf(plugin);
  return (/** @type {Side} */ side, /** @type {Samples} */ samples) => {
    const list = { name: "bench-chained", cniVersion: "1.0.0", plugins: [bridge] };
    const { result: prevResult } = addList(side, list);
    const config = configOf(list, plugin);
    settle();
    const added = call(side, "ADD", config, { prevResult });
    note(side, `${title} ADD`, samples, added.sample);
    note(side, `${title} CHECK`, samples, call(side, "CHECK", config, { prevResult: added.result }).sample);
    settle();
    note(side, `${title} DEL`, samples, call(side, "DEL", config, { prevResult: added.result }).sample);
    note(side, `${title} DEL of nothing`, samples, call(side, "DEL", config, { netns: "" }).sample);
    note(side, `${title} VERSION`, samples, call(side, "VERSION", config).sample);
    deleteList(side, list, { prevResult });
  };
}

/** @param {Side} side @param {Samples} samples */
function podman(side, samples) {
  settle();
  const { sample, result: prevResult } = addList(side, PODMAN, { asks: true });
  note(side, "podman's list ADD", samples, sample);
  settle();
  note(side, "podman's list DEL", samples, deleteList(side, PODMAN, { asks: true, prevResult }).sample);
}

/** @param {Side} side @param {Samples} samples */
function pod(side, samples) {
  settle();
  const { sample, result: prevResult } = addList(side, POD);
  const ended = deleteList(side, POD, { prevResult }).sample;
  const again = [1, 2, 3].map(() => deleteList(side, POD, { netns: "" }).sample);
  note(side, "a pod's life", samples, together([sample, ended, ...again]));
}
