// The test files that run in the guests: they need neither a compiler nor this repository. Some run in guests only.

/**
 * @typedef {"alone" | "all" | "bridged"} Phase The first run one after the other, when few modules are loaded. When the
 *   last ones run bridged frames pass the rules of IP, too (br_netfilter), as on the nodes of many clusters.
 */

/**
 * @typedef {object} Entry
 * @property {string} file From the root of the repository.
 * @property {boolean | string} essential Whether it is also part of `npm test`; or which of its tests are, as a regular
 *   expression of their names.
 * @property {Phase} [phase] "all" unless it says otherwise.
 * @property {string} [only] Tests of other names are left out, as a regular expression.
 * @property {string} [except] Tests of these names are left out, as a regular expression.
 */

/**
 * @typedef {object} ChosenEntry
 * @property {string} file
 * @property {Phase} phase
 * @property {string | undefined} pattern Only tests of these names, as a regular expression.
 */

/** Tests that pretend that the kernel lacks something. They need a compiler. */
const INTERFERENCE = "without nf_tables|does not ask for nf_tables";

/** The slow ones come first, so that no long one runs alone at the end. @type {readonly Entry[]} */
export const ENTRIES = [
  { file: "test/guest/absent-modules.test.ts", essential: false, phase: "alone" },
  {
    file: "test/kernel/bridge-vlan.test.ts",
    essential: "VLANs is told apart|containers in VLANs|is an interface",
    only: "VLANs is told apart|containers in VLANs|the gateway of a VLAN",
    except: "whichever system call fails",
  },
  { file: "test/guest/ipvlan.test.ts", essential: "at once|one mode|noted" },
  { file: "test/guest/vlan.test.ts", essential: "at once|VLAN that is taken", except: "whichever system call" },
  { file: "test/kernel/uppers.test.ts", essential: false },
  { file: "test/kernel/macvlan.test.ts", essential: false, except: "whichever system call" },
  { file: "test/kernel/dhcp.test.ts", essential: false },
  { file: "test/guest/vrf.test.ts", essential: "in both families|the last of them|has moved the routes" },
  { file: "test/guest/conformance.test.ts", essential: false },
  { file: "test/guest/dummy.test.ts", essential: true },
  { file: "test/kernel/mac-spoof.test.ts", essential: "drops frames" },
  {
    file: "test/kernel/portmap.test.ts",
    essential: "with bridge-nf-call-iptables 0|hostIP|keeps sending",
    phase: "bridged",
  },
  { file: "test/kernel/firewall.test.ts", essential: "come from other containers", phase: "bridged" },
  { file: "test/kernel/firewall-passage.test.ts", essential: "upstream's rules let the container through" },
  {
    file: "test/kernel/portmap-iptables.test.ts",
    essential: false,
    only: "by iptables-nft (a port is reached|is refused)|by iptables-legacy a port is reached|upstream's ADD, our DEL",
    phase: "bridged",
  },
  {
    file: "test/kernel/firewall-peer.test.ts",
    essential: false,
    only: "D28|of isolated has upstream's rules|as theirs has made it|takes upstream's containers",
    phase: "bridged",
  },
  { file: "test/kernel/portmap-peer.test.ts", essential: false, only: "D19|D22|D27|keeps its ports", phase: "bridged" },
  { file: "test/kernel/portmap-adopt.test.ts", essential: false },
  { file: "test/kernel/portmap-life.test.ts", essential: false, except: "any container and interface" },
  { file: "test/kernel/tuning-peer.test.ts", essential: false, except: "args.cni" },
  { file: "test/kernel/bandwidth-peer.test.ts", essential: false, only: "CHECK and DEL|takes over|bauta adopt" },
  { file: "test/kernel/bandwidth.test.ts", essential: "spared in both ways", except: "the rate" },
  { file: "test/e2e/masquerade/del.test.ts", essential: false, only: "^ptp.*true\\)" },
  { file: "test/kernel/conntrack.test.ts", essential: false },
  { file: "test/kernel/explain-live.test.ts", essential: false, only: "sends a packet|agrees where|leaves nothing" },
  {
    file: "test/kernel/iptables.test.ts",
    essential: false,
    only: "masquerades in both|other back end|iptables-nft made",
  },
  { file: "test/kernel/iptables-life.test.ts", essential: false },
  { file: "test/e2e/options/translation.test.ts", essential: false, phase: "bridged" },
  { file: "test/e2e/options/destinations.test.ts", essential: false },
  { file: "test/e2e/options/together.test.ts", essential: false },
  { file: "test/e2e/options/overlaps.test.ts", essential: false },
  { file: "test/e2e/masquerade/others.test.ts", essential: false, phase: "bridged" },
  { file: "test/e2e/masquerade/traffic.test.ts", essential: true, phase: "bridged" },
  { file: "test/e2e/masquerade/gc.test.ts", essential: false, except: INTERFERENCE },
  { file: "test/e2e/masquerade/status.test.ts", essential: false, except: INTERFERENCE },
  { file: "test/e2e/cli.test.ts", essential: false },
  { file: "test/kernel/metrics.test.ts", essential: false },
  { file: "test/kernel/doctor.test.ts", essential: false, only: "forwarding|routes of the node|firewalls" },
  { file: "test/e2e/cni.test.ts", essential: false, except: "wrong input|is there already" },
  { file: "test/kernel/masquerade.test.ts", essential: false },
  { file: "test/kernel/networks.test.ts", essential: "one after the other|side by side" },
  { file: "test/kernel/netlink.test.ts", essential: false, except: "changes while it is read" },
  { file: "test/kernel/restore.test.ts", essential: false },
  { file: "test/kernel/rtnetlink.test.ts", essential: "VLAN" },
  { file: "test/kernel/tuning.test.ts", essential: "given order|restores parameters", except: "read-only /proc/sys" },
  { file: "test/e2e/masquerade/monitor.test.ts", essential: false },
  { file: "test/e2e/explain.test.ts", essential: false },
  { file: "test/e2e/tuning.test.ts", essential: false },
  { file: "test/e2e/default-lists.test.ts", essential: "list of podman attaches" },
  { file: "test/kernel/sbr.test.ts", essential: false },
  { file: "test/kernel/sbr-lists.test.ts", essential: false, except: "upstream" },
  { file: "test/kernel/gc-sweep.test.ts", essential: false },
  { file: "test/kernel/host-device.test.ts", essential: false },
  { file: "test/kernel/host-device-sysfs.test.ts", essential: false },
  { file: "test/kernel/tap.test.ts", essential: "plain frames" },
  { file: "test/kernel/interface-plugins.test.ts", essential: false },
  { file: "test/kernel/upstream-check.test.ts", essential: false },
  { file: "test/kernel/node.test.ts", essential: false },
  { file: "test/kernel/node-namespaces.test.ts", essential: false },
  { file: "test/kernel/hostile-names.test.ts", essential: false },
  { file: "test/kernel/adopt.test.ts", essential: false },
  { file: "test/kernel/apply.test.ts", essential: false },
  { file: "test/guest/host-device.test.ts", essential: "hardware" },
  { file: "test/guest/documented-examples.test.ts", essential: true },
  { file: "test/guest/bridge-netfilter.test.ts", essential: true, phase: "bridged" },
  { file: "tools/kernels/guest/features.ts", essential: true, phase: "bridged" },
];

/** The tests that do not run in guests, and why. */
export const LEFT_OUT = [
  ["performance, 10,000 attachments, races", "an emulated processor takes hours, and guests have one or two"],
  ["wrong input and configurations, IPAM, fault injection", "little of it is the kernel's"],
  ["a whole node's change from upstream's plugins and back", "minutes in a guest; `bauta adopt` is there"],
  ["byte for byte comparisons with captures of `nft` and `ip`", "a capture is of one kernel"],
  ["what takes a compiler or strace, an ordinary user's namespaces among it", "guests have none"],
];

/**
 * The entries to run: all, the essential ones, or those with one of these texts in their names.
 * @param {{ essential?: boolean | undefined, only?: readonly string[] | undefined }} choice
 * @param {readonly Entry[]} [entries]
 * @returns {ChosenEntry[]}
 */
export function chooseEntries({ essential = false, only = [""] }, entries = ENTRIES) {
  return entries.flatMap((entry) => {
    if (!only.some((text) => entry.file.includes(text)) || (essential && entry.essential === false)) return [];
    const parts = [entry.only, essential && typeof entry.essential === "string" ? entry.essential : undefined];
    const wanted = parts.flatMap((part) => (part === undefined ? [] : [`(?=.*(?:${part}))`])).join("");
    const unwanted = entry.except === undefined ? "" : `(?!.*(?:${entry.except}))`;
    const pattern = wanted + unwanted === "" ? undefined : `^${wanted}${unwanted}`;
    return [{ file: entry.file, phase: entry.phase ?? "all", pattern }];
  });
}
