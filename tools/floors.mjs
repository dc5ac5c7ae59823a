// The floors of the house: which rooms of src/ a room may import. Imports point down only.
//   node tools/floors.mjs    writes them into biome.json, as lint rules

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const BELOW = ["wire", "sys"];
const NETLINK = ["netlink", ...BELOW];
const CNI = ["cni", "hash", ...BELOW];
const LINKS = ["rtnetlink", ...NETLINK, ...CNI];
const OWNED = ["nftables", "conntrack", ...NETLINK, ...CNI];
const FEATURES = ["bandwidth", "firewall", "host-device", "mac-spoof", "masquerade", "portmap", "sbr", "tuning"];
const FEATURE = ["owned", "links", "iptables", "ipam", ...new Set([...OWNED, ...LINKS])];

/**
 * A room, and the rooms that it may import besides itself. A feature owns something of an attachment's in the kernel: no
 * feature imports another.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const FLOORS = {
  sys: [],
  wire: ["sys"], // the engine walks over attributes
  hash: BELOW,
  netlink: BELOW,
  rtnetlink: NETLINK,
  nftables: NETLINK,
  conntrack: NETLINK,
  dbus: BELOW,
  gob: BELOW,
  iptables: ["nftables", ...NETLINK],
  cni: ["hash", ...BELOW],
  ipam: CNI,
  links: LINKS,
  owned: OWNED,
  ...Object.fromEntries(FEATURES.map((room) => [room, FEATURE])),
  firewall: ["dbus", ...FEATURE],
  dhcp: ["gob", ...FEATURE],
  plugins: [...FEATURES, "dhcp", "gob", ...FEATURE],
  lists: ["plugins", "owned", ...CNI],
  cli: ["lists", "plugins", ...FEATURES, ...FEATURE],
};

/**
 * The viewer's rooms, and which of them a room may import. Besides, each may import src/wire; the page and what is drawn run in a
 * browser, so only the server knows Node.js.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const VIEWER_FLOORS = {
  model: [],
  picture: ["model"],
  server: ["model", "picture"],
  page: ["model", "picture"],
};

const ENGINE_ONLY = "Only the engine's functions exist here, and only src/sys calls them";
const SYS_ONLY = "Only src/sys makes system calls: what is missing there gets a function of its own";

/** The lint rules, as `overrides` of biome.json. */
export function floorRules() {
  return [...sourceRules(), ...viewerRules()];
}

function viewerRules() {
  const rooms = Object.keys(VIEWER_FLOORS);
  const others = Object.keys(FLOORS).filter((room) => room !== "wire");
  const rules = rooms.map((room) => {
    const refused = rooms.filter((other) => other !== room && !VIEWER_FLOORS[room]?.includes(other));
    const what = ["src/wire", ...(VIEWER_FLOORS[room] ?? [])].join(", ");
    const group = [...refused.map((other) => `**/${other}/**`), ...others.map((other) => `**/src/${other}/**`)];
    const patterns = [
      { group, message: `viewer/${room} may import only ${what}: imports point down (ARCHITECTURE.md)` },
      ...(room === "server" ? [] : [{ group: ["node:*"], message: "This runs in a browser" }]),
    ];
    return override([`viewer/${room}/**`, "!**/*.test.ts"], {
      style: { noRestrictedImports: { level: "error", options: { patterns } } },
    });
  });
  // Groups of SVG are no elements of HTML: they get a role to be something, and have no focus of their own.
  const svg = ["useSemanticElements", "noAriaHiddenOnFocusable", "noInteractiveElementToNoninteractiveRole"];
  return [...rules, override(["viewer/picture/**"], { a11y: Object.fromEntries(svg.map((rule) => [rule, "off"])) })];
}

/**
 * @param {readonly string[]} includes
 * @param {object} rules
 */
const override = (includes, rules) => ({ includes, linter: { rules } });

function sourceRules() {
  const rooms = Object.keys(FLOORS);
  return rooms.map((room) => {
    const allowed = [...new Set(FLOORS[room])];
    const others = rooms.filter((other) => other !== room && !allowed.includes(other));
    const what = allowed.length === 0 ? "no other room" : `only ${allowed.join(", ")}`;
    const patterns = [
      ...(others.length === 0
        ? []
        : [
            {
              group: others.map((other) => `**/${other}/**`),
              message: `src/${room} may import ${what}: imports point down (ARCHITECTURE.md)`,
            },
          ]),
      { group: ["node:*"], message: ENGINE_ONLY },
      ...(room === "sys" ? [] : [{ group: ["**/sys/call.ts", "**/sys/syscalls.ts"], message: SYS_ONLY }]),
    ];
    return override([`src/${room}/**`, "!**/*.test.ts", "!**/*.case.ts"], {
      style: { noRestrictedImports: { level: "error", options: { patterns } } },
    });
  });
}

if (process.argv[1] === import.meta.filename) {
  const path = join(import.meta.dirname, "../biome.json");
  const config = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, `${JSON.stringify({ ...config, overrides: floorRules() }, null, 2)}\n`);
}
