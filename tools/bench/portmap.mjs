// portmap with 32 ports a container, beside containernetworking/plugins' (nftables back end), on an empty node and on one with
// 500 containers: medians of ADD, of DEL and of a DEL that finds nothing. On a quiet machine, as root, after npm run build:
//   BAUTA_PEER_DIR=$(bash tools/peer-plugins.sh) bash test/support/run-in-namespaces.sh node tools/bench/portmap.mjs [CONTAINERS] [ROUNDS]
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./sides.mjs";

const [containers = 500, rounds = 21] = process.argv.slice(2).map(Number);
const PORTS = 32;
const peer = process.env["BAUTA_PEER_DIR"] ?? "";
const SIDES = { upstream: join(peer, "portmap"), bauta: join(root, "dist/cni/portmap") };

/**
 * Calls the plugin for the container with this number, which has addresses and ports of its own. Returns milliseconds.
 * @param {string} program
 * @param {"ADD" | "DEL"} command
 * @param {number} n
 */
function call(program, command, n) {
  const portMappings = Array.from({ length: PORTS }, (_, i) => {
    return { hostPort: 1024 + ((n * PORTS + i) % 64000), containerPort: 80 + i, protocol: "tcp" };
  });
  const [high, low] = [n >> 8, n & 0xff];
  const ips = [{ address: `10.64.${high}.${low}/16` }, { address: `fd64::${n.toString(16)}/64` }];
  const prevResult = { cniVersion: "1.0.0", interfaces: [], ips, dns: {} };
  const own = { cniVersion: "1.0.0", name: "bench", type: "portmap", backend: "nftables" };
  const input = JSON.stringify({ ...own, runtimeConfig: { portMappings }, prevResult });
  const names = {
    CNI_CONTAINERID: `container-${n}`,
    CNI_NETNS: "/run/netns/none",
    CNI_IFNAME: "eth0",
    CNI_PATH: "/none",
  };
  const env = { PATH: process.env["PATH"], CNI_COMMAND: command, ...names };
  const start = process.hrtime.bigint();
  const { status, stdout } = spawnSync(program, [], { env, input, encoding: "utf8" });
  const time = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`${program} ${command}: ${stdout}`);
  return time;
}

/** @param {readonly number[]} values */
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** @param {string} line */
function ip(line) {
  const program = "ip";
  execFileSync(program, line.split(" "));
}

for (const line of [
  "link set lo up",
  "link add bench0 up type bridge",
  "address add 10.64.0.1/16 dev bench0",
  "address add fd64::1/64 dev bench0 nodad",
]) {
  ip(line);
}

const log = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);
log(`| portmap, ${PORTS} ports, dual stack | containers | ADD ms | DEL ms | DEL of nothing ms |`);
log("|---|---:|---:|---:|---:|");
for (const [side, program] of Object.entries(SIDES)) {
  let made = 1;
  for (const there of [0, containers]) {
    for (; made <= there; made++) call(program, "ADD", made + 1);
    /** @type {number[][]} */
    const times = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      const n = containers + 10;
      ["ADD", "DEL", "DEL"].forEach((command, i) => {
        times[i]?.push(call(program, command === "ADD" ? "ADD" : "DEL", n));
      });
    }
    log(`| ${side} | ${there} | ${times.map((one) => median(one).toFixed(2)).join(" | ")} |`);
  }
  for (let n = 2; n <= made; n++) call(program, "DEL", n);
}
