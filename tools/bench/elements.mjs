// The elements that our tables have for one attachment, to be had again for others: read from the kernel, so that it does
// not matter which maps this revision has.

/**
 * @typedef {{ address: string, containerId: string }} Attached
 * @typedef {{ family: string, table: string, name: string, isOwner: boolean, element: unknown }} Template
 */

/**
 * Finds, in what `nft -j list table` prints, each set and map that has this address as a key.
 * @param {unknown} listing
 * @param {string} address
 * @returns {Template[]}
 */
export function templatesOf(listing, address) {
  return arrayOf(fieldOf(listing, "nftables")).flatMap((object) => {
    const set = fieldOf(object, "map") ?? fieldOf(object, "set");
    const element = arrayOf(fieldOf(set, "elem")).find((one) => hasKey(one, address));
    if (element === undefined) return [];
    const [family, table, name] = ["family", "table", "name"].map((field) => String(fieldOf(set, field)));
    // 128 bits that say whose the address is
    const isOwner = fieldOf(set, "map") === "ipv6_addr";
    return [{ family: family ?? "", table: table ?? "", name: name ?? "", isOwner, element: withoutCounter(element) }];
  });
}

/**
 * What `nft -j -f` reads to give others such elements, too.
 * @param {readonly Template[]} templates
 * @param {Attached} resident The one that the templates are of.
 * @param {readonly Attached[]} others
 */
export function addedElements(templates, resident, others) {
  const commands = templates.map(({ family, table, name, isOwner, element }) => {
    const text = JSON.stringify(element);
    const elem = others.map(({ address, containerId }) => {
      const own = text
        .replaceAll(`"${resident.address}"`, `"${address}"`)
        .replaceAll(` ${resident.address}/`, ` ${address}/`)
        .replaceAll(` ${resident.containerId}"`, ` ${containerId}"`);
      const copy = JSON.parse(own);
      return isOwner ? [copy[0], ownerOf(containerId)] : copy;
    });
    return { add: { element: { family, table, name, elem } } };
  });
  return { nftables: commands };
}

/** @param {string} containerId Hexadecimal. */
function ownerOf(containerId) {
  const groups = [0, 4, 8, 12].map((at) => containerId.slice(at, at + 4));
  return `fd00::${groups.join(":")}`;
}

/** @param {unknown} value @param {string} field @returns {unknown} */
const fieldOf = (value, field) =>
  typeof value === "object" && value !== null ? /** @type {Record<string, unknown>} */ (value)[field] : undefined;

/** @param {unknown} value @returns {unknown[]} */
const arrayOf = (value) => (Array.isArray(value) ? value : []);

/** The key is the element of a set, the first item of a map's; bare, or under `val`. @param {unknown} element @param {string} address */
function hasKey(element, address) {
  const key = Array.isArray(element) ? element[0] : element;
  return (fieldOf(fieldOf(key, "elem"), "val") ?? key) === address;
}

/** Counters come of themselves where the map has them. @param {unknown} element */
const withoutCounter = (element) =>
  JSON.parse(JSON.stringify(element, (key, value) => (key === "counter" ? undefined : value)));
