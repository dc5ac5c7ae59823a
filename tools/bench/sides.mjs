// The two sides of the comparison: each is a node (a network namespace) of its own with a server's network behind it,
// one container, and as many other attachments as are asked for.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const BUILD = `${root}build/bench`;
export const OUTSIDE = { 4: "192.0.2.2", 6: "2001:db8::2" };

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
export const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28 });
/** @param {string} args */
const ip = (args) => run("ip", ...args.split(" "));

/**
 * @typedef {{ us: number, kib: number }} Sample Wall time in microseconds, largest resident size in KiB.
 * @typedef {{ name: string, directory: string, node: string, container: string, resident: string }} Side `container` is
 *   attached and detached again and again; `resident` stays where there are others, so that bridge and tables do too.
 */

/**
 * Makes the namespaces of one side.
 * @param {string} name `bauta` or `upstream`
 * @param {string} directory Where its executables are.
 * @returns {Side}
 */
export function makeSide(name, directory) {
  const [node, outside, container, resident] = ["node", "out", "c", "r"].map((suffix) => `${name}-${suffix}`);
  for (const namespace of [node, outside, container, resident]) ip(`netns add ${namespace}`);
  ip(`-n ${node} link add uplink type veth peer name eth0 netns ${outside}`);
  for (const [namespace, link] of [
    [node, "lo"],
    [node, "uplink"],
    [outside, "eth0"],
  ])
    ip(`-n ${namespace} link set ${link} up`);
  ip(`-n ${node} address add 192.0.2.1/24 dev uplink`);
  ip(`-n ${node} address add 2001:db8::1/64 dev uplink nodad`);
  ip(`-n ${outside} address add ${OUTSIDE[4]}/24 dev eth0`);
  ip(`-n ${outside} address add ${OUTSIDE[6]}/64 dev eth0 nodad`);
  // Replies would be flows of their own.
  inside(
    outside,
    "nft",
    "add table inet quiet { chain input { type filter hook input priority -200; meta l4proto udp drop; }; }",
  );
  return { name, directory, node: `${node}`, container: `${container}`, resident: `${resident}` };
}

/** @param {Side} side */
export function removeSide({ name }) {
  for (const suffix of ["c", "r", "out", "node"]) ip(`netns delete ${name}-${suffix}`);
  rmSync(`/var/lib/cni/${name}`, { recursive: true, force: true });
  rmSync("/run/bauta", { recursive: true, force: true });
}

/**
 * @param {string} namespace
 * @param {readonly string[]} argv
 */
export const inside = (namespace, ...argv) => run("nsenter", `--net=/run/netns/${namespace}`, ...argv);

/**
 * The network that is measured: dual stack, with room for 10,000 others.
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
    ranges: [[{ subnet: "10.128.0.0/16" }], [{ subnet: "fd61:7465:6d65::/64" }]],
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
  },
});

/**
 * Calls a plugin of one side as a runtime would, and measures the whole process.
 * @param {Side} side
 * @param {string} verb
 * @param {{ type: string, name: string, ipam: object }} config
 * @param {{ prevResult?: object, container?: string }} [more]
 */
export function call(side, verb, config, { container = side.container, ...more } = {}) {
  const [stdin, stdout] = [`${BUILD}/stdin`, `${BUILD}/stdout`];
  const ipam = { ...config.ipam, dataDir: `/var/lib/cni/${side.name}` };
  writeFileSync(stdin, JSON.stringify({ ...config, ipam, ...more }));
  const env = {
    PATH: process.env.PATH,
    CNI_COMMAND: verb,
    CNI_CONTAINERID: container,
    CNI_NETNS: `/run/netns/${container}`,
    CNI_IFNAME: "eth0",
    CNI_PATH: side.directory,
  };
  const argv = [`--net=/run/netns/${side.node}`, `${BUILD}/measure`, stdin, stdout, `${side.directory}/${config.type}`];
  const printed = execFileSync("nsenter", argv, { env, encoding: "utf8" });
  const [us = 0, kib = 0, status] = printed.trim().split(" ").map(Number);
  const text = readFileSync(stdout, "utf8");
  // As Debian builds it, upstream's DEL ends with an error when there are no iptables chains of its own, its work done.
  const isDone = status === 0 || (side.name === "upstream" && verb === "DEL");
  if (!isDone) throw new Error(`${side.name}: ${verb} ${config.type}: ${text}`);
  return { sample: { us, kib }, result: text === "" ? undefined : JSON.parse(text) };
}

/**
 * Gives the side the rules and the reserved addresses that so many other containers on the network have, and the
 * resident.
 * @param {Side} side
 * @param {{ name: string, type: string, ipam: object }} config
 * @param {number} count
 */
export function addOthers(side, config, count) {
  if (count === 0) return;
  call(side, "ADD", config, { container: side.resident });
  const store = `/var/lib/cni/${side.name}/${config.name}`;
  mkdirSync(store, { recursive: true });
  const others = Array.from({ length: count }, (_, i) => other(config.name, i + 256));
  for (const { v4, v6, containerId } of others) {
    for (const address of [v4, v6]) writeFileSync(`${store}/${address}`, `${containerId}\r\neth0`);
  }
  const file = `${BUILD}/others.nft`;
  writeFileSync(file, side.name === "bauta" ? ourElements(others) : upstreamRules(others));
  inside(side.node, "nft", "-f", file);
}

/**
 * @param {string} name
 * @param {number} n
 */
function other(name, n) {
  const containerId = createHash("sha256").update(`${n}`).digest("hex");
  const digest = (/** @type {string} */ text) => createHash("sha512").update(text).digest("hex").slice(0, 16);
  const comment = `${digest(name)}-${digest(`eth0:${containerId}`)}, net: ${name}, if: eth0, id: ${containerId}`.slice(
    0,
    127,
  );
  return { v4: `10.128.${n >> 8}.${n & 255}`, v6: `fd61:7465:6d65::${n.toString(16)}`, containerId, comment };
}

/** @param {readonly ReturnType<typeof other>[]} others */
function upstreamRules(others) {
  const rules = others.flatMap(({ v4, v6, comment }) => [
    `ip saddr ${v4} ip daddr != 10.128.0.0/16 masquerade comment "${comment}"`,
    `ip6 saddr ${v6} ip6 daddr != fd61:7465:6d65::/64 masquerade comment "${comment}"`,
  ]);
  return `table inet cni_plugins_masquerade {
  comment "Masquerading for plugins from github.com/containernetworking/plugins"
  chain masq_checks {
    comment "Masquerade traffic from certain IPs to any (non-multicast) IP outside their subnet"
    ${rules.join("\n    ")}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip daddr 224.0.0.0/4 return
    ip6 daddr ff00::/8 return
    goto masq_checks
  }
}
`;
}

/** @param {readonly ReturnType<typeof other>[]} others */
function ourElements(others) {
  const id = (/** @type {string} */ containerId) =>
    `fd00::${containerId.slice(0, 4)}:${containerId.slice(4, 8)}:${containerId.slice(8, 12)}`;
  const owners = (/** @type {"v4" | "v6"} */ key) =>
    others.map((o) => `${o[key]} comment "${o.comment.slice(35, 120)}" : ${id(o.containerId)}`).join(", ");
  const goto = (/** @type {"v4" | "v6"} */ key, /** @type {string} */ chain) =>
    others.map((o) => `${o[key]} : goto ${chain}`).join(", ");
  return `
add element ip bauta_masquerade owners { ${owners("v4")} }
add element ip6 bauta_masquerade owners { ${owners("v6")} }
add element ip bauta_masquerade policies { ${goto("v4", "outside-10.128.0.0/16")} }
add element ip6 bauta_masquerade policies { ${goto("v6", "outside-fd61-7465-6d65--/64")} }
`;
}

/**
 * Microseconds that a new flow from the side's container takes.
 * @param {Side} side
 * @param {4 | 6} family
 * @param {number} count
 */
export function flowTime(side, family, count) {
  return Number(inside(side.container, `${BUILD}/flows`, OUTSIDE[family], String(count)));
}
