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

const ENGINE_ONLY = "Only the engine's functions exist here, and only src/sys calls them";
const SYS_ONLY = "Only src/sys makes system calls: what is missing there gets a function of its own";

/** The lint rules, as `overrides` of biome.json. */
export function floorRules() {
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
    return {
      includes: [`src/${room}/**`, "!**/*.test.ts", "!**/*.case.ts"],
      linter: { rules: { style: { noRestrictedImports: { level: "error", options: { patterns } } } } },
    };
  });
}

if (process.argv[1] === import.meta.filename) {
  const path = join(import.meta.dirname, "../biome.json");
  const config = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, `${JSON.stringify({ ...config, overrides: floorRules() }, null, 2)}\n`);
}
