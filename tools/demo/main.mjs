// Shows the main job on real traffic: the plugins attach containers (network namespaces) as a runtime would have them do,
// and masquerade both families to a server outside. The demo then shows the rules, the events, and that a DEL leaves nothing.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PATIENCE_MS, PATIENCE_S } from "../../engine/patience.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const PLUGINS = `${root}dist/cni`;
const BAUTA = `${root}dist/bauta`;
const PORT = 8080;
const NODE = { 4: "192.0.2.1", 6: "2001:db8::1" };
const OUTSIDE = { 4: "192.0.2.2", 6: "2001:db8::2" };
const isTerminal = process.stdout.isTTY === true && !process.env.NO_COLOR;

/** @param {string} text */
const bold = (text) => (isTerminal ? `\x1b[1m${text}\x1b[0m` : text);
let step = 0;
/** @param {string} title */
const heading = (title) => process.stdout.write(`\n${bold(`${++step}. ${title}`)}\n`);
/** @param {string} text */
const show = (text) => process.stdout.write(`${text.trimEnd().replace(/^/gm, "   ")}\n`);

/**
 * Prints the claim, and ends the demo where the claim is false.
 * @param {string} claim
 * @param {boolean} isSo
 * @param {string} [evidence]
 */
function expect(claim, isSo, evidence = "") {
  show(`${isSo ? "✓" : "✗"} ${claim}${evidence === "" ? "" : `   ${evidence}`}`);
  if (isSo) return;
  process.stdout.write("\nThis is not as it should be; the demo ends here.\n");
  process.exit(1);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8" });
/** @param {string} args */
const ip = (args) => run("ip", ...args.split(" "));
/** @param {string} name */
const inside = (name) => ["nsenter", `--net=/run/netns/${name}`];

/**
 * Calls a plugin as a container runtime does: the verb in the environment, the configuration on standard input.
 * @param {string} verb
 * @param {{ type: string, name: string }} config
 * @param {string} container
 * @param {object} [more]
 */
function cni(verb, config, container, more = {}) {
  const env = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: container,
    CNI_NETNS: `/run/netns/${container}`,
    CNI_IFNAME: "eth0",
    CNI_PATH: PLUGINS,
    PATH: process.env.PATH,
  };
  const input = JSON.stringify({ ...config, ...more });
  const start = process.hrtime.bigint();
  const { status, stdout } = spawnSync(`${PLUGINS}/${config.type}`, { env, input, encoding: "utf8" });
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  return { ok: status === 0, ms, result: stdout.trim() === "" ? undefined : JSON.parse(stdout) };
}

/**
 * @param {string} type
 * @param {string} name
 * @param {string} subnet4
 * @param {string} subnet6
 */
const network = (type, name, subnet4, subnet6) => ({
  cniVersion: "1.1.0",
  name,
  type,
  ...(type === "bridge" ? { bridge: "cni0", isGateway: true } : {}),
  ipMasq: true,
  ipMasqBackend: "nftables",
  ipam: {
    type: "host-local",
    ranges: [[{ subnet: subnet4 }], [{ subnet: subnet6 }]],
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
  },
});

const routed = network("ptp", "dual", "198.18.0.0/17", "fd61:7465:6d65:1000::/112");
const bridged = network("bridge", "lan", "198.18.128.0/17", "fd61:7465:6d65:2000::/112");

heading("A node, and a server outside that has no route to any container");
ip("netns add outside");
ip("link add uplink type veth peer name eth0 netns outside");
ip("link set uplink up");
ip("-n outside link set eth0 up");
for (const [family, bits] of /** @type {const} */ ([
  [4, 24],
  [6, 64],
])) {
  const nodad = family === 6 ? " nodad" : "";
  ip(`address add ${NODE[family]}/${bits} dev uplink${nodad}`);
  ip(`-n outside address add ${OUTSIDE[family]}/${bits} dev eth0${nodad}`);
}
const server = spawn(...split([...inside("outside"), "node", `${here}outside.mjs`, String(PORT)]), {
  stdio: ["ignore", "pipe", "inherit"],
});
await new Promise((resolve) => server.stdout?.once("data", resolve));
show(`node:    ${NODE[4]}  ${NODE[6]}\noutside: ${OUTSIDE[4]}  ${OUTSIDE[6]}, TCP and UDP port ${PORT}`);

const monitor = spawn(BAUTA, ["monitor"], { stdio: ["ignore", "pipe", "inherit"] });
let events = "";
monitor.stdout.on("data", (data) => {
  events += data;
});
await until("bauta monitor to listen", () =>
  run("cat", `/proc/${monitor.pid}/net/netlink`)
    .split("\n")
    .some((line) => / 12 +\d+ +0*40 /.test(line)),
);

heading("Three containers are attached: one by ptp, two to a bridge");
/** @type {Record<string, { 4: string, 6: string }>} */
const addresses = {};
/** @type {Record<string, object>} */
const results = {};
for (const [container, config] of /** @type {const} */ ([
  ["alice", routed],
  ["bob", bridged],
  ["carol", bridged],
])) {
  ip(`netns add ${container}`);
  const { ok, ms, result } = cni("ADD", config, container);
  expect(`ADD ${container} with ${config.type}`, ok, `${ms.toFixed(1)} ms`);
  results[container] = result;
  const [v4, v6] = result.ips.map((/** @type {{ address: string }} */ { address }) => address.split("/")[0]);
  addresses[container] = { 4: v4, 6: v6 };
  show(`  ${v4}  ${v6}`);
}

heading("Whom does the server outside see?");
for (const container of ["alice", "bob"]) {
  for (const family of /** @type {const} */ ([4, 6])) {
    for (const protocol of ["tcp", "udp"]) {
      const seen = ask(container, protocol, OUTSIDE[family]);
      expect(
        `${container} ${addresses[container][family]} over IPv${family} ${protocol.toUpperCase()}`,
        seen === NODE[family],
        `saw ${seen}, the node`,
      );
    }
    const ping = spawnSync(
      ...split([...inside(container), "ping", `-${family}`, "-c1", `-W${PATIENCE_S}`, OUTSIDE[family]]),
      {
        encoding: "utf8",
      },
    );
    expect(`${container} over IPv${family} ICMP`, ping.status === 0, (/rtt .*/.exec(ping.stdout) ?? ["no reply"])[0]);
  }
}

heading("Inside the subnet every packet keeps its source");
const lan = spawn(...split([...inside("carol"), "node", `${here}outside.mjs`, String(PORT)]), {
  stdio: ["ignore", "pipe", "inherit"],
});
await new Promise((resolve) => lan.stdout?.once("data", resolve));
for (const family of /** @type {const} */ ([4, 6])) {
  const seen = ask("bob", "tcp", addresses.carol[family]);
  expect(`bob to carol over IPv${family}`, seen === addresses.bob[family], `saw ${seen}, bob`);
}
lan.kill();

heading("The rules, as nft lists them");
show(run("nft", "list", "ruleset"));

heading("The same for people: bauta list");
show(run(BAUTA, "list"));

heading("What bauta monitor saw: each ADD is one generation with both families, and deletes nothing");
await until("the monitor's lines", () => events.includes(addresses.carol[6]));
show(events);
expect("nothing was deleted", !/\bdel(ete)?\b/i.test(events));

heading("CHECK notices what is missing");
const { ok: good } = cni("CHECK", routed, "alice", { prevResult: results.alice });
expect("CHECK alice", good);
run("nft", "delete", "element", "ip", "bauta_masquerade", "policies", `{ ${addresses.alice[4]} }`);
const { ok: stillGood, result: complaint } = cni("CHECK", routed, "alice", { prevResult: results.alice });
expect("after someone removed alice's IPv4 element, CHECK fails", !stillGood, complaint?.msg ?? "");

heading("The containers go: one after its namespace, one without a prevResult, one twice");
ip("netns del alice");
expect("DEL alice, whose namespace is gone", cni("DEL", routed, "alice", { prevResult: results.alice }).ok);
expect("DEL bob without prevResult", cni("DEL", bridged, "bob").ok);
for (const time of ["once", "twice"])
  expect(`DEL carol ${time}`, cni("DEL", bridged, "carol", { prevResult: results.carol }).ok);

heading("What is left?");
expect("no rule, map or table", run("nft", "list", "ruleset").trim() === "");
const links = JSON.parse(run("ip", "-j", "link")).map((/** @type {{ ifname: string }} */ { ifname }) => ifname);
expect("no veth", !links.some((/** @type {string} */ name) => name.startsWith("veth")), `links: ${links.join(" ")}`);
for (const name of ["dual", "lan"]) {
  const files = readdirSync(`/var/lib/cni/networks/${name}`).filter(
    (file) => !/^(last_reserved_ip|lock|\.)/.test(file),
  );
  expect(`no address of ${name} is taken`, files.length === 0, files.join(" "));
}
process.stdout.write(
  "\nAll of it happened in namespaces of its own, which end now. Nothing on this machine has changed.\n",
);
server.kill();
monitor.kill();
process.exit(0);

/**
 * @param {string} container
 * @param {string} protocol
 * @param {string} address
 */
function ask(container, protocol, address) {
  return run(...inside(container), "node", `${here}ask.mjs`, protocol, address, String(PORT));
}

/**
 * @param {readonly string[]} argv
 * @returns {[string, string[]]}
 */
function split([command = "", ...args]) {
  return [command, args];
}

/**
 * @param {string} what
 * @param {() => boolean} isSo
 */
async function until(what, isSo) {
  const end = Date.now() + PATIENCE_MS;
  while (!isSo()) {
    if (Date.now() > end) expect(what, false);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
