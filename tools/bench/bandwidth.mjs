// Measures how near the rates of `bandwidth` come to what was asked for, from 1 Mbit/s to 10 Gbit/s, both ways, and prints a
// table for docs/plugins/bandwidth.md. After `npm run build`, as root:
//   bash test/support/run-in-namespaces.sh node tools/bench/bandwidth.mjs [RATE...]

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { root } from "./sides.mjs";

const given = process.argv.slice(2).map(Number);
const RATES = given.length > 0 ? given : [1e6, 1e7, 1e8, 1e9, 2.5e9, 5e9, 1e10];
const MTU = 1500;
/** A frame of TCP over IPv4, with timestamps, and what of it is the stream's. */
const [FRAME, SEGMENT] = [MTU + 14, MTU - 52];
const TRAFFIC = join(root, "test/support/traffic.mjs");
const PORT = "5000";

/** @param {readonly string[]} args */
const run = (...[command = "", ...args]) => execFileSync(command, args, { encoding: "utf8" });

run("ip", "netns", "add", "limited");
run(..."ip link add near up type veth peer name eth0 netns limited".split(" "));
run(..."ip address add 10.0.0.1/24 dev near".split(" "));
run(..."ip -n limited address add 10.0.0.2/24 dev eth0".split(" "));
run(..."ip -n limited link set eth0 up".split(" "));

/** Has the plugin set both limits. @param {number} rate */
function limit(rate) {
  const burst = Math.max(rate / 100, 8 * 65536);
  const interfaces = [{ name: "near" }, { name: "eth0", sandbox: "/run/netns/limited" }];
  const config = {
    ...{ cniVersion: "1.0.0", name: "bench", type: "bandwidth", prevResult: { cniVersion: "1.0.0", interfaces } },
    ...{ ingressRate: rate, ingressBurst: burst, egressRate: rate, egressBurst: burst },
  };
  execFileSync(`${root}dist/cni/bandwidth`, {
    input: JSON.stringify(config),
    env: {
      ...{ CNI_COMMAND: "ADD", CNI_CONTAINERID: "c1", CNI_IFNAME: "eth0", CNI_PATH: "/nonexistent" },
      CNI_NETNS: "/run/netns/limited",
    },
  });
}

const INSIDE = ["nsenter", "--net=/run/netns/limited"];

/** Packets come in lumps of up to 64 KiB, which is half a second at 1 Mbit/s. @param {number} rate */
const durationMs = (rate) => (rate < 1e7 ? 40_000 : 5000);

/** Bits per second on the wire. @param {boolean} isIngress @param {number} rate */
async function measure(isIngress, rate = Number.POSITIVE_INFINITY) {
  const [there, here] = isIngress ? [[], INSIDE] : [INSIDE, []];
  const [command = "", ...args] = [...there, process.execPath, TRAFFIC, "send", PORT];
  const sender = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(sender.stdout, "data");
  const address = isIngress ? "10.0.0.1" : "10.0.0.2";
  const receive = [...here, process.execPath, TRAFFIC, "receive", address, PORT, "1500", `${durationMs(rate)}`];
  const { bytes, ms } = JSON.parse(run(...receive));
  sender.kill();
  await once(sender, "close");
  return ((bytes * 8000) / ms) * (FRAME / SEGMENT);
}

/** @param {number} bits */
const text = (bits) => (bits >= 1e9 ? `${(bits / 1e9).toFixed(3)} Gbit/s` : `${(bits / 1e6).toFixed(3)} Mbit/s`);

process.stdout.write(`${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}\n\n`);
process.stdout.write("| asked for | the container receives | | the container sends | |\n|---:|---:|---:|---:|---:|\n");
const free = [await measure(true), await measure(false)];
for (const rate of RATES) {
  limit(rate);
  const cells = [];
  for (const isIngress of [true, false]) {
    const found = await measure(isIngress, rate);
    cells.push(text(found), `${((found / rate - 1) * 100).toFixed(1)} %`);
  }
  process.stdout.write(`| ${text(rate)} | ${cells.join(" | ")} |\n`);
}
process.stdout.write(`| no limit | ${free.map((found) => `${text(found)} | `).join("| ")}|\n`);
