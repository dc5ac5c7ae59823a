// The other attachments of a node: for each, the rules that the side itself makes and the addresses that its host-local
// has reserved; no namespaces and no interfaces.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { addedElements, templatesOf } from "./elements.mjs";
import { BUILD, call, dataDirOf, inside, nodeOf, residentOf } from "./sides.mjs";

/**
 * So many in one transaction. Of a hundred thousand, nft would need gigabytes; in a user namespace, the kernel takes no
 * message that is larger than the standard buffer of a socket.
 */
const isOwnRoot = !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
export const AT_ONCE = isOwnRoot ? 100 : 10_000;
/** The first addresses are left to those that are measured. */
const FIRST = 256;
const FAMILIES = /** @type {const} */ ([
  { family: "ip", key: "v4" },
  { family: "ip6", key: "v6" },
]);

/**
 * Gives the side as many others as it says: a real one first, the resident.
 * @param {import("./sides.mjs").Side} side
 * @param {import("./sides.mjs").Config} config
 */
export function addOthers(side, config) {
  if (side.others === 0) return;
  const { result } = call(side, "ADD", config, { container: residentOf(side) });
  reserveAddresses(side, config, side.others - 1);
  const addMore = side.product === "bauta" ? ourElements(side, result?.ips ?? []) : upstreamRules;
  for (let from = 0; from < side.others - 1; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, side.others - 1 - from);
    const others = Array.from({ length: count }, (_, i) => other(config.name, FIRST + from + i));
    const file = `${BUILD}/others.nft`;
    writeFileSync(file, addMore(others));
    inside(nodeOf(side), "nft", ...(side.product === "bauta" ? ["-j"] : []), "-f", file);
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
 * What the container with a number is called, and its addresses: no other has them.
 * @param {string} name The network's.
 * @param {number} n
 */
export function other(name, n) {
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

/**
 * Elements like those that our ADD of the resident has made.
 * @param {import("./sides.mjs").Side} side
 * @param {readonly { address: string }[]} ips The resident's.
 */
function ourElements(side, ips) {
  const families = FAMILIES.map(({ family, key }, i) => {
    const address = ips[i]?.address.replace(/\/.*/, "") ?? "";
    const listing = inside(nodeOf(side), "nft", "-j", "list", "table", family, "bauta_masquerade");
    const templates = templatesOf(JSON.parse(listing), address);
    if (templates.length === 0) throw new Error(`${side.name} has no element for ${address}`);
    return { key, templates, resident: { address, containerId: residentOf(side) } };
  });
  return (/** @type {readonly ReturnType<typeof other>[]} */ others) => {
    const all = families.flatMap(({ key, templates, resident }) => {
      const attached = others.map((one) => ({ address: one[key], containerId: one.containerId }));
      return addedElements(templates, resident, attached).nftables;
    });
    return JSON.stringify({ nftables: all });
  };
}
