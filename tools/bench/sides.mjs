// The sides of the comparisons: each is a node (a network namespace) of its own on the same kernel, with containers, and
// where packets are to flow a server's network behind it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
/** Where the measuring programs are, and what passes between them and us. */
export const BUILD = `${root}build/bench`;
export const OUTSIDE = { 4: "192.0.2.2", 6: "2001:db8::2" };

/**
 * @typedef {"bauta" | "upstream" | "netavark"} Product
 * @typedef {{ us: number, cpuUs: number, kib: number }} Sample Wall and processor time in microseconds, largest resident
 *   size in KiB.
 * @typedef {{ type: string, name: string, ipam?: object }} Config
 * @typedef {{ name: string, product: Product, directory: string, others: number }} Side `directory` has its executables;
 *   `others` are the attachments that it has beside the one that is measured.
 */

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
export const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28 });
/** @param {string} args */
export const ip = (args) => run("ip", ...args.split(" "));

/** The namespaces of a side. @param {Side} side */
export const nodeOf = (side) => `${side.name}-node`;
/** @param {Side} side */
export const outsideOf = (side) => `${side.name}-out`;
/** The container that is attached and detached again and again. @param {Side} side */
export const containerOf = (side) => `${side.name}-c`;
/** Stays where there are others, so that bridge and tables do too. @param {Side} side */
export const residentOf = (side) => `${side.name}-r`;
/** Where its host-local keeps addresses. @param {Side} side */
export const dataDirOf = (side) => `/var/lib/cni/${side.name}`;
/** @param {string} namespace */
export const netnsPath = (namespace) => `/run/netns/${namespace}`;

/**
 * The executables of a product.
 * @param {Product} product
 */
export function directoryOf(product) {
  if (product === "bauta") return `${root}dist/cni`;
  return process.env[product === "netavark" ? "BAUTA_NETAVARK_DIR" : "BAUTA_PEER_DIR"] ?? "";
}

/**
 * Makes a node with one container.
 * @param {string} name
 * @param {Product} product
 * @param {number} [others] How many others it will have.
 * @param {string} [directory]
 * @returns {Side}
 */
export function makeSide(name, product, others = 0, directory = directoryOf(product)) {
  const side = { name, product, directory, others };
  for (const namespace of [nodeOf(side), containerOf(side), residentOf(side)]) ip(`netns add ${namespace}`);
  ip(`-n ${nodeOf(side)} link set lo up`);
  return side;
}

/**
 * Gives the node an uplink to a server's network of its own.
 * @param {Side} side
 */
export function connectOutside(side) {
  const [node, outside] = [nodeOf(side), outsideOf(side)];
  ip(`netns add ${outside}`);
  ip(`-n ${node} link add uplink type veth peer name eth0 netns ${outside}`);
  ip(`-n ${node} link set uplink up`);
  ip(`-n ${outside} link set eth0 up`);
  ip(`-n ${outside} link set lo up`);
  ip(`-n ${node} address add 192.0.2.1/24 dev uplink`);
  ip(`-n ${node} address add 2001:db8::1/64 dev uplink nodad`);
  ip(`-n ${outside} address add ${OUTSIDE[4]}/24 dev eth0`);
  ip(`-n ${outside} address add ${OUTSIDE[6]}/64 dev eth0 nodad`);
  // Replies would be flows of their own.
  const quiet = "{ chain input { type filter hook input priority -200; meta l4proto udp drop; }; }";
  inside(outside, "nft", `add table inet quiet ${quiet}`);
}

/** @param {Side} side */
export function removeSide(side) {
  for (const namespace of [containerOf(side), residentOf(side), outsideOf(side), nodeOf(side)]) {
    if (existsSync(netnsPath(namespace))) ip(`netns delete ${namespace}`);
  }
  rmSync(dataDirOf(side), { recursive: true, force: true });
}

/**
 * @param {string} namespace
 * @param {readonly string[]} argv
 */
export const inside = (namespace, ...argv) => run("nsenter", `--net=${netnsPath(namespace)}`, ...argv);

/**
 * The network that is measured: dual stack, with room for more than 100,000.
 * @param {"bridge" | "ptp"} type
 */
export const network = (type) => ({
  cniVersion: "1.1.0",
  name: `bench-${type}`,
  type,
  ...(type === "bridge" ? { bridge: "cni0", isGateway: true } : {}),
  ipMasq: true,
  ipMasqBackend: "nftables",
  ipam: {
    type: "host-local",
    ranges: [[{ subnet: "10.128.0.0/14" }], [{ subnet: "fd61:7465:6d65::/64" }]],
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
  },
});

/**
 * Lets the kernel finish what it has left to its workers (two grace periods, memory to give back): on a node an attachment
 * seldom comes right after another's end.
 */
export const settle = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40);

/**
 * @typedef {{ prevResult?: object | undefined, container?: string, ifname?: string, id?: string, netns?: string }} Attachment
 *   `container` is the namespace; the container's name is `id`, or else the namespace's. `netns` is the namespace's path; ""
 *   where there is none any more.
 */

/**
 * What a runtime gives a plugin: standard input and environment.
 * @param {Side} side
 * @param {string} verb
 * @param {Config} config
 * @param {Attachment} [attachment]
 */
export function request(side, verb, config, attachment = {}) {
  const { container = containerOf(side), ifname = "eth0", id, netns = netnsPath(container), prevResult } = attachment;
  const ipam = config.ipam === undefined ? {} : { ipam: { ...config.ipam, dataDir: dataDirOf(side) } };
  const stdin = JSON.stringify({ ...config, ...ipam, ...(prevResult === undefined ? {} : { prevResult }) });
  const env = {
    PATH: process.env["PATH"] ?? "",
    CNI_COMMAND: verb,
    CNI_CONTAINERID: id ?? container,
    CNI_NETNS: netns,
    CNI_IFNAME: ifname,
    CNI_PATH: side.directory,
  };
  return { stdin, env };
}

/**
 * Calls a plugin as a runtime would, and measures the whole process.
 * @param {Side} side
 * @param {string} verb
 * @param {Config} config
 * @param {Attachment & { plugin?: string }} [more]
 * @returns {{ sample: Sample, result: { ips?: { address: string }[] } | undefined }}
 */
export function call(side, verb, config, { plugin = config.type, ...attachment } = {}) {
  const [us = 0, cpuUs = 0, kib = 0, status = 1] = measureWith("measure", side, verb, config, plugin, attachment);
  const text = readFileSync(`${BUILD}/stdout`, "utf8");
  if (!isDone(side, verb, status)) throw new Error(`${side.name}: ${verb} ${plugin}: ${text}`);
  return { sample: { us, cpuUs, kib }, result: text === "" || status !== 0 ? undefined : JSON.parse(text) };
}

/**
 * As Debian builds it, upstream's DEL ends with an error when there are no iptables chains of its own, its work done.
 * @param {Side} side
 * @param {string} verb
 * @param {number} status
 */
export const isDone = (side, verb, status) => status === 0 || (side.product === "upstream" && verb === "DEL");

/**
 * Runs a plugin under one of the measuring programs; returns the numbers that it printed.
 * @param {string} program
 * @param {Side} side
 * @param {string} verb
 * @param {Config} config
 * @param {string} plugin
 * @param {Attachment} [attachment]
 */
export function measureWith(program, side, verb, config, plugin, attachment) {
  const argv = [`${side.directory}/${plugin}`];
  const printed = runUnder(program, side, { ...request(side, verb, config, attachment), argv });
  return printed.trim().split(/\s+/).map(Number);
}

/**
 * Runs a command in the side's node under one of the measuring programs; returns what that program printed. What the command
 * itself printed is in the file stdout of BUILD.
 * @param {string} program
 * @param {Side} side
 * @param {{ stdin: string, env: Record<string, string>, argv: readonly string[] }} command
 */
export function runUnder(program, side, { stdin, env, argv }) {
  mkdirSync(BUILD, { recursive: true });
  writeFileSync(`${BUILD}/stdin`, stdin);
  const files = [`${BUILD}/stdin`, `${BUILD}/stdout`];
  const args = [netnsPath(nodeOf(side)), ...files, ...argv];
  return execFileSync(`${BUILD}/${program}`, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
