// npm run bench -- --options: what ipMasqOptions cost, all of them on, and what `bauta adopt`, `restore` and `list` take
// on a node with 10,000 attachments over 100 networks. Writes docs/benchmarks/options.md.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { addUpstreamRules, members } from "./many.mjs";
import {
  BUILD,
  call,
  connectOutside,
  containerOf,
  inside,
  makeSide,
  netnsPath,
  nodeOf,
  OUTSIDE,
  removeSide,
  residentOf,
  root,
  run,
} from "./sides.mjs";
import { inTurn, median, ratioOf } from "./statistics.mjs";

const RECORDS = "/run/bauta/masquerade";
const LIST = "/run/bauta-bench-list.yaml";
const quick = process.argv.includes("--quick");
const [ATTACHMENTS, NETWORKS] = [10000, 100];
const COMMANDS = quick ? 2 : 5;
const RUNS = quick ? 15 : 101;
const FLOWS = quick ? 5000 : 20000;
const FLOW_RUNS = quick ? 3 : 15;

/** @typedef {import("./sides.mjs").Side} Side */
/**
 * @typedef {{ what: string, unit: "s" | "ms" | "µs", value: number, cpu?: number, than?: string,
 *   ratio?: import("./statistics.mjs").Ratio, bound: string }} Row
 */

/** Every option there is, with lists of hundreds of prefixes. */
const ALL_OPTIONS = {
  families: ["ipv4", "ipv6"],
  exclude: ["private", "link-local", ...Array.from({ length: 200 }, (_, i) => `198.18.${i}.0/24`)],
  excludeExceptions: ["172.20.0.0/16", "198.18.7.128/25"],
  only: ["0.0.0.0/0", "::/0"],
  excludeFile: LIST,
  to: { ipv4: "192.0.2.1", ipv6: "2001:db8::1", persistent: true },
  ports: "20000-59999",
  random: "fully",
  outInterfaces: ["uplink", "eth7"],
  excludeOutInterfaces: ["wg0"],
  sameSubnet: true,
  dropInvalid: true,
};

/**
 * @param {number} n
 * @param {object} [ipMasqOptions]
 */
const network = (n, ipMasqOptions) => ({
  cniVersion: "1.1.0",
  name: `net-${n}`,
  type: "bridge",
  bridge: "cni0",
  isGateway: true,
  ipMasq: true,
  ipMasqBackend: "nftables",
  ...(ipMasqOptions === undefined ? {} : { ipMasqOptions }),
  ipam: {
    type: "host-local",
    ranges: [
      [{ subnet: `10.${n}.0.0/16`, rangeStart: `10.${n}.128.1` }],
      [{ subnet: `fd00:${n.toString(16)}::/64`, rangeStart: `fd00:${n.toString(16)}::8:1` }],
    ],
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
  },
});

/** @type {Row[]} */
const rows = [];

writeFileSync(
  LIST,
  `nonMasqueradeCIDRs:\n${filePrefixes()
    .map((prefix) => `  - ${prefix}\n`)
    .join("")}`,
);
const plain = makeSide("plain", "bauta");
const full = makeSide("full", "bauta", ATTACHMENTS);
connectOutside(plain);
connectOutside(full);
const all = members(ATTACHMENTS, NETWORKS);
/** The kinds of attachment that are compared, each on a bridge of its own. */
const KINDS = {
  none: { side: plain, config: { ...network(200), bridge: "cni0" } },
  many: { side: full, config: { ...network(201), bridge: "cni1" } },
  options: { side: full, config: { ...network(0, ALL_OPTIONS), bridge: "cni2" } },
};
/** @typedef {keyof typeof KINDS} Kind */

measureCommands();
measureCalls();
measureFlows();
writeReport();
removeSide(plain);
removeSide(full);
rmSync(LIST);

function filePrefixes() {
  const v4 = Array.from({ length: 150 }, (_, i) => `203.0.${i}.0/24`);
  const v6 = Array.from({ length: 150 }, (_, i) => `2001:db8:${(i + 1).toString(16)}::/48`);
  return [...v4, ...v6];
}

/**
 * Seconds that the command takes on the node, and seconds of processor time.
 * @param {readonly string[]} args
 */
function bauta(...args) {
  const files = ["/dev/null", `${BUILD}/stdout`];
  const printed = run(`${BUILD}/measure`, netnsPath(nodeOf(full)), ...files, `${root}dist/bauta`, ...args);
  const [us = 0, cpuUs = 0, , status] = printed.trim().split(" ").map(Number);
  if (status !== 0) throw new Error(`bauta ${args.join(" ")}: ${readFileSync(`${BUILD}/stdout`, "utf8").slice(-500)}`);
  return { wall: us / 1e6, cpu: cpuUs / 1e6 };
}
/** @typedef {ReturnType<typeof bauta>} Taken */

function flush() {
  inside(nodeOf(full), "nft", "flush", "ruleset");
}

/** Leaves the node with all attachments, all options on. */
function measureCommands() {
  const adopted = Array.from({ length: COMMANDS }, () => {
    flush();
    rmSync(RECORDS, { recursive: true, force: true });
    addUpstreamRules(nodeOf(full), all, `${BUILD}/upstream.nft`);
    return bauta("adopt");
  });
  record("`bauta adopt` of 10,000 attachments", adopted, "< 2 s");
  const restored = () => {
    flush();
    return bauta("restore");
  };
  record("`bauta restore` of 10,000, without options", repeat(restored), "< 2 s");
  giveOptions();
  record("`bauta restore` of 10,000, all options on", repeat(restored), "< 2 s");
  record(
    "`bauta restore`, nothing to do",
    repeat(() => bauta("restore")),
    "",
  );
  record(
    "`bauta apply`, nothing changed",
    repeat(() => bauta("apply")),
    "",
  );
  record(
    "`bauta list` of 10,000",
    repeat(() => bauta("list")),
    "< 1 s",
  );
}

/** @param {() => Taken} measure */
function repeat(measure) {
  return Array.from({ length: COMMANDS }, measure);
}

/** Gives all attachments the options of their network, as ADD would have recorded them. */
function giveOptions() {
  const own = new Set(readdirSync(RECORDS));
  /** @type {Map<string, { options: object, addresses: { policy: string, isStrict: boolean }[] }>} */
  const models = new Map();
  for (let n = 0; n < NETWORKS; n++) {
    const config = network(n, ALL_OPTIONS);
    const { result } = call(full, "ADD", config);
    const [name = ""] = readdirSync(RECORDS).filter((one) => !own.has(one));
    models.set(config.name, JSON.parse(readFileSync(`${RECORDS}/${name}`, "utf8")));
    call(full, "DEL", config, { prevResult: result });
    inside(nodeOf(full), "ip", "link", "delete", "cni0");
  }
  for (const name of own) {
    const given = JSON.parse(readFileSync(`${RECORDS}/${name}`, "utf8"));
    const { options, addresses } = models.get(given.attachment.network) ?? { options: {}, addresses: [] };
    const claims = given.addresses.map((/** @type {{ cidr: string }} */ { cidr }, /** @type {number} */ i) => ({
      cidr,
      policy: addresses[i]?.policy,
      isStrict: true,
    }));
    writeFileSync(`${RECORDS}/${name}`, JSON.stringify({ ...given, addresses: claims, options }));
  }
}

/** ADD and DEL on the node with all of them, and on one where there is nothing else, in turn. */
function measureCalls() {
  /** @typedef {Record<Kind, import("./sides.mjs").Sample[]>} Samples */
  /** @type {Record<"ADD" | "DEL", Samples>} */
  const samples = { ADD: { none: [], many: [], options: [] }, DEL: { none: [], many: [], options: [] } };
  const kinds = /** @type {Kind[]} */ (Object.keys(KINDS));
  kinds.forEach((kind, i) => {
    // Each has its bridge already, as on a node where containers come and go.
    const { side, config } = KINDS[kind];
    const resident = { ...config, ipam: { ...config.ipam, routes: [] } };
    call(side, "ADD", resident, { container: residentOf(side), ifname: `eth${i}` });
  });
  const subjects = kinds.map((subject) => ({ subject }));
  inTurn(subjects, RUNS, (kind, isMeasured) => {
    const { side, config } = KINDS[kind];
    const { result, sample } = call(side, "ADD", config);
    const deleted = call(side, "DEL", config, { prevResult: result });
    if (!isMeasured) return;
    samples.ADD[kind].push(sample);
    samples.DEL[kind].push(deleted.sample);
  });
  for (const verb of /** @type {const} */ (["ADD", "DEL"])) compareCalls(verb, samples[verb]);
}

/**
 * @param {"ADD" | "DEL"} verb
 * @param {Record<Kind, import("./sides.mjs").Sample[]>} samples
 */
function compareCalls(verb, samples) {
  const wall = (/** @type {Kind} */ kind) => samples[kind].map(({ us }) => us / 1000);
  const figures = (/** @type {Kind} */ kind) => ({
    unit: /** @type {const} */ ("ms"),
    value: median(wall(kind)),
    cpu: median(samples[kind].map(({ cpuUs }) => cpuUs / 1000)),
  });
  const [alone, many] = [`plain ${verb} where nothing else is`, `plain ${verb} beside 10,000 others`];
  const options = `${verb}, all options on, beside 10,000 others`;
  push({ what: alone, ...figures("none"), bound: "" });
  push({ what: many, ...figures("many"), than: alone, ratio: ratioOf(wall("many"), wall("none")), bound: "" });
  const bound = verb === "ADD" ? "≤ 1.3" : "";
  const ratio = ratioOf(wall("options"), wall("many"));
  push({ what: options, ...figures("options"), than: many, ratio, bound });
  push({ what: options, ...figures("options"), than: alone, ratio: ratioOf(wall("options"), wall("none")), bound: "" });
}

function measureFlows() {
  const kinds = [KINDS.none, KINDS.options];
  const results = kinds.map(({ side, config }) => call(side, "ADD", config).result);
  for (const family of /** @type {const} */ ([4, 6])) {
    /** @type {number[][]} */
    const times = [[], []];
    const subjects = kinds.map(({ side }, k) => ({ subject: { side, k } }));
    inTurn(subjects, FLOW_RUNS, ({ side, k }, isMeasured) => {
      const namespaces = [netnsPath(nodeOf(side)), netnsPath(containerOf(side))];
      const printed = run(`${BUILD}/flows`, ...namespaces, OUTSIDE[family], String(FLOWS));
      if (isMeasured) times[k]?.push(Number(printed.trim().split(" ")[0]));
    });
    const [none = [], options = []] = times;
    const than = `a new IPv${family} flow, plain`;
    push({ what: than, unit: "µs", value: median(none), bound: "" });
    const what = `a new IPv${family} flow, all options on`;
    push({ what, unit: "µs", value: median(options), than, ratio: ratioOf(options, none), bound: "≤ 1.15" });
  }
  kinds.forEach(({ side, config }, k) => {
    call(side, "DEL", config, { prevResult: results[k] });
  });
}

/** @param {Row} row */
function push(row) {
  rows.push(row);
  const ratio = row.ratio === undefined ? "" : `, ${ratioText(row.ratio)} × ${row.than}`;
  process.stderr.write(`${row.what}: ${row.value.toFixed(2)} ${row.unit}${ratio}\n`);
}

/**
 * @param {string} what
 * @param {readonly Taken[]} taken
 * @param {string} bound
 */
function record(what, taken, bound) {
  const [value, cpu] = [median(taken.map(({ wall }) => wall)), median(taken.map((one) => one.cpu))];
  push({ what, unit: "s", value, cpu, bound });
}

/** @param {import("./statistics.mjs").Ratio} ratio */
function ratioText({ value, low, high }) {
  return `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

function writeReport() {
  const lines = rows.map(({ what, unit, value, cpu, than, ratio, bound }) => {
    const compared = ratio === undefined ? "" : `${ratioText(ratio)} × ${than}`;
    const processor = cpu === undefined ? "" : `${cpu.toFixed(2)} ${unit}`;
    return `| ${what} | ${value.toFixed(2)} ${unit} | ${processor} | ${compared} | ${bound} |`;
  });
  const directory = `${root}docs/benchmarks`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    `${directory}/options.md`,
    `# All options on, and 10,000 attachments

Written by \`npm run bench -- --options\`. A node (network namespace) with 10,000 dual-stack attachments over 100 networks,
every key of \`ipMasqOptions\` used, lists of 500 prefixes among them; and beside it a node where nothing else is attached,
whose network has no options. ADD and DEL are whole processes (bridge, host-local, IPv4 and IPv6), ${RUNS} of each kind in
turn; a flow is one UDP datagram, ${FLOW_RUNS} times ${FLOWS.toLocaleString("en")} of each kind in turn; commands ran
${COMMANDS} times. All figures are medians of one run, ratios with the interval in which they lie with 95 % confidence.

Machine: ${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}, load average ${loadavg()[0]?.toFixed(1)} at the end. Where
the machine is in use by others, ratios within the run and processor time say more than milliseconds.

| what | time | processor time | compared, by time | wanted |
|---|---:|---:|---|---|
${lines.join("\n")}
`,
  );
}
