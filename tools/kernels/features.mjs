// The features that kernels may lack, and what bauta does without each. The guest finds out which kernel has which.

/**
 * @typedef {object} Feature
 * @property {string} key
 * @property {string} name As it stands in the table, and after "the kernel has".
 * @property {boolean} isNeeded Whether bauta does not work without.
 * @property {string} without What becomes of it where the kernel does not have it; or what it is needed for.
 */

/** @type {readonly Feature[]} */
export const FEATURES = [
  needed("masquerade", "masquerade to random ports", "`ipMasq`"),
  needed("counters", "a counter in each element of a map", "`ipMasq`"),
  needed("elementComment", "comments of elements", "`bauta list`"),
  needed("generation", "transactions that are refused when another came first", "all changes that depend on a look"),
  needed("intervals", "sets and maps of intervals", "`ipMasq`"),
  needed("bridgeMeta", "names of interfaces in rules for bridged frames", "`macspoofchk`"),
  needed("concatenatedKey", "concatenated keys", "`macspoofchk`"),
  needed("concatenatedData", "maps to concatenated values", "`macspoofchk`"),
  needed("vlanFiltering", "VLAN filtering of bridges", "`vlan`, `vlanTrunk`"),
  needed("vlanLink", "VLAN interfaces", "containers in trunks"),
  needed("isolated", "isolated ports of bridges", "`portIsolation`"),
  needed(
    "bridgeNetfilter",
    "rules of IP for bridged frames (br_netfilter)",
    "nothing; what it does to VLANs is in [operations.md](operations.md)",
  ),
  optional("tableComment", "comments of tables", "the tables carry no explanation"),
  optional("chainComment", "comments of chains", "bauta uses none"),
  optional("concatenatedIntervals", "intervals of concatenated keys", "bauta uses none"),
  optional("twoExpressions", "several expressions in each element", "bauta uses one"),
  optional("catchAll", "elements for every other key", "bauta uses none"),
  optional("destroy", "`destroy` in transactions", "an `add` before the `delete`"),
  optional("tableOwner", "tables that go with their owner", "`bauta explain --live` removes its table itself"),
  optional("listFlowsOf", "connections listed by address", "all are listed, and ours picked out"),
  optional("deleteFlowsOf", "connections deleted by address", "they are listed and deleted one by one"),
  optional("renameUp", "renaming interfaces that are up", "they are renamed before they are set up"),
  optional("iptablesNft", "nft_compat", "no `ipMasqBackend: iptables` with iptables-nft"),
  optional("iptablesLegacy", "ip_tables", "no `ipMasqBackend: iptables` with iptables-legacy"),
];

/**
 * @param {string} key
 * @param {string} name
 * @param {string} without
 * @returns {Feature}
 */
function needed(key, name, without) {
  return { key, name, isNeeded: true, without };
}

/**
 * @param {string} key
 * @param {string} name
 * @param {string} without
 * @returns {Feature}
 */
function optional(key, name, without) {
  return { key, name, isNeeded: false, without };
}
