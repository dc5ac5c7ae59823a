// The other attachments of a node: for each, the rules that the side itself makes and the addresses that its host-local
// has reserved; no namespaces and no interfaces.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { BUILD, call, dataDirOf, inside, nodeOf, residentOf } from "./sides.mjs";

/** So many in one transaction: of a hundred thousand, nft would need gigabytes. */
const AT_ONCE = 10_000;
/** The first addresses are left to those that are measured. */
const FIRST = 256;

/**
 * Gives the side as many others as it says: a real one first, the resident.
 * @param {import("./sides.mjs").Side} side
 * @param {import("./sides.mjs").Config} config
 */
export function addOthers(side, config) {
  if (side.others === 0) return;
  call(side, "ADD", config, { container: residentOf(side) });
  reserveAddresses(side, config, side.others - 1);
  for (let from = 0; from < side.others - 1; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, side.others - 1 - from);
    const others = Array.from({ length: count }, (_, i) => other(config.name, FIRST + from + i));
    const file = `${BUILD}/others.nft`;
    writeFileSync(file, side.product === "bauta" ? ourElements(others) : upstreamRules(others));
    inside(nodeOf(side), "nft", "-f", file);
  }
}

/**
 * Writes what host-local writes for so many containers, without the plugin: theirs and ours have one format.
 * @param {import("./sides.mjs").Side} side
 * @param {import("./sides.mjs").Config} config
 * @param {number} count
 */
export function reserveAddresses(side, config, count) {
  const store = `${dataDirOf(side)}/${config.name}`;
  mkdirSync(store, { recursive: true });
  for (let i = 0; i < count; i++) {
    const { v4, v6, containerId } = other(config.name, FIRST + i);
    for (const address of [v4, v6]) writeFileSync(`${store}/${address}`, `${containerId}\r\neth0`);
  }
}

/**
 * @param {string} name
 * @param {number} n
 */
function other(name, n) {
  const containerId = createHash("sha256").update(`${n}`).digest("hex");
  const digest = (/** @type {string} */ text) => createHash("sha512").update(text).digest("hex").slice(0, 16);
  const comment = `${digest(name)}-${digest(`eth0:${containerId}`)}, net: ${name}, if: eth0, id: ${containerId}`;
  const v4 = `10.${128 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
  return { v4, v6: `fd61:7465:6d65::${ipv6Tail(n)}`, containerId, comment: comment.slice(0, 127) };
}

/**
 * As RFC 5952 writes it, which is what host-local calls its files.
 * @param {number} n
 */
const ipv6Tail = (n) => (n < 65536 ? n.toString(16) : `${(n >> 16).toString(16)}:${(n & 65535).toString(16)}`);

/**
 * Into the chain that upstream's ADD of the resident has made.
 * @param {readonly ReturnType<typeof other>[]} others
 */
function upstreamRules(others) {
  const rules = others.flatMap(({ v4, v6, comment }) => [
    `ip saddr ${v4} ip daddr != 10.128.0.0/14 masquerade comment "${comment}"`,
    `ip6 saddr ${v6} ip6 daddr != fd61:7465:6d65::/64 masquerade comment "${comment}"`,
  ]);
  return `table inet cni_plugins_masquerade {\n  chain masq_checks {\n    ${rules.join("\n    ")}\n  }\n}\n`;
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
add element ip bauta_masquerade policies { ${goto("v4", "outside-10.128.0.0/14")} }
add element ip6 bauta_masquerade policies { ${goto("v6", "outside-fd61-7465-6d65--/64")} }
`;
}
