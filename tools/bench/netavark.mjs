// netavark at work, as podman calls it: `setup` and `teardown` of a network namespace, with the network and the container as JSON.
// Its rules for published ports, to be had again for others.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { BUILD, containerOf, netnsPath, network, run, runUnder } from "./sides.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {{ hostPort: number, containerPort: number, protocol: string }} PortMapping
 * @typedef {{ id: string, v4: string, v6: string, ports: readonly PortMapping[] }} Container
 * @typedef {{ family: string, table: string, chain: string, expr: unknown[] }} Rule
 */

/** What netavark is started with: its own C library's loader comes first. @param {Pick<Side, "directory">} side */
function commandOf({ directory }) {
  const libraries = `${directory}/usr/lib/x86_64-linux-gnu`;
  const program = `${directory}/usr/lib/podman/netavark`;
  if (!existsSync(program)) throw new Error(`there is no ${program}: BAUTA_NETAVARK_DIR names netavark's directory`);
  return [`${libraries}/ld-linux-x86-64.so.2`, "--library-path", libraries, program];
}

/** `1.16.1` @param {Pick<Side, "directory">} side */
export function versionOf(side) {
  const [command = "", ...args] = commandOf(side);
  return run(command, ...args, "--version")
    .trim()
    .replace(/^netavark /, "");
}

/**
 * Runs `netavark setup` or `netavark teardown`, and measures the whole process.
 * @param {Side} side
 * @param {"setup" | "teardown"} verb
 * @param {Container} container
 * @param {string} [namespace]
 * @returns {import("./sides.mjs").Sample}
 */
export function netavark(side, verb, container, namespace = containerOf(side)) {
  const state = `/run/netavark/${side.name}`;
  mkdirSync(state, { recursive: true });
  const argv = [...commandOf(side), "--config", state, verb, netnsPath(namespace)];
  const env = { PATH: process.env["PATH"] ?? "", NETAVARK_FW: "nftables" };
  const printed = runUnder("measure", side, { stdin: JSON.stringify(optionsOf(container)), env, argv });
  const [us = 0, cpuUs = 0, kib = 0, status = 1] = printed.trim().split(/\s+/).map(Number);
  if (status !== 0) throw new Error(`${side.name}: netavark ${verb}: ${readFileSync(`${BUILD}/stdout`, "utf8")}`);
  return { us, cpuUs, kib };
}

/** The network of the CNI plugins, in netavark's words; podman chooses the addresses itself. @param {Container} container */
function optionsOf({ id, v4, v6, ports }) {
  const { name, bridge, ipam } = { bridge: "cni0", ...network("bridge") };
  return {
    container_id: id,
    container_name: id,
    port_mappings: ports.map(({ hostPort, containerPort, protocol }) => {
      return { host_ip: "", host_port: hostPort, container_port: containerPort, protocol, range: 1 };
    }),
    networks: { [name]: { interface_name: "eth0", static_ips: [v4, v6] } },
    network_info: {
      [name]: {
        ...{ name, id: "b".repeat(64), driver: "bridge", network_interface: bridge },
        ...{ internal: false, dns_enabled: false, ipv6_enabled: true, ipam_options: { driver: "host-local" } },
        subnets: ipam.ranges.flat().map(({ subnet }) => ({ subnet, gateway: gatewayOf(subnet) })),
      },
    },
  };
}

/** The first address. @param {string} subnet */
const gatewayOf = (subnet) => subnet.replace(/0?\/\d+$/, "1");

/**
 * The rules of a container's ports among those that `nft -j list table` prints.
 * @param {{ nftables: readonly ({ rule?: Rule, [other: string]: unknown })[] }} listing
 * @param {Pick<Container, "ports">} container
 * @returns {Rule[]}
 */
export function portRules({ nftables }, { ports }) {
  const isOf = (/** @type {unknown} */ statement) => ports.some(({ hostPort }) => portOf(statement) === hostPort);
  return nftables.flatMap(({ rule }) => {
    if (rule === undefined || !rule.expr.some(isOf)) return [];
    const { family, table, chain, expr } = rule;
    return [{ family, table, chain, expr }];
  });
}

/** The port that a statement asks for. @param {unknown} statement */
function portOf(statement) {
  const { match } = /** @type {{ match?: { right: unknown } }} */ (statement);
  return match?.right;
}

/**
 * The same rules for another container, whose host ports are as many.
 * @param {readonly Rule[]} rules
 * @param {Container} from
 * @param {Container} to
 * @returns {Rule[]}
 */
export function rulesFor(rules, from, to) {
  /** @type {Map<unknown, unknown>} */
  const others = new Map(from.ports.map(({ hostPort }, i) => [hostPort, to.ports[i]?.hostPort]));
  others.set(from.v4, to.v4).set(from.v6, to.v6);
  return JSON.parse(JSON.stringify(rules, (_key, value) => others.get(value) ?? value));
}
