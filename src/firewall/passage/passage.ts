// Letting a container's packets through where another firewall of this node drops them. An accept in one table doesn't lift
// another's drop (nft(8), "VERDICT STATEMENTS"), so it takes a rule in the very firewall that drops.

import { DBusError } from "../../dbus/bus.ts";
import { type Form, IptablesError, saveTable } from "../../iptables/program.ts";
import { familyName } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { SyscallError } from "../../sys/error.ts";
import { FAMILIES, type Family, familyOf, formatIp, type Ip } from "../../wire/ip.ts";
import { isolatingPolicies } from "../bridge.ts";
import { inTable, FORWARD as OWN_FORWARD } from "../table.ts";
import type { Protection } from "../wanted.ts";
import { type Drop, findDrop, type Traffic, trafficOf } from "./fate.ts";
import { admitByFirewalld, firewalldFaults, type ZoneSource } from "./firewalld.ts";
import { forwardGates, type Gate, IPTABLES_FORWARD } from "./forward-chains.ts";
import { admitByIptables, iptablesFaults } from "./iptables.ts";
import type { Isolation } from "./isolation-rules.ts";
import { nftChains } from "./nft-rules.ts";
import { CNI_FORWARD, FORWARD, STAGES } from "./upstream-chains.ts";
import type { Admitted } from "./upstream-rules.ts";
import { wordsChains } from "./words-rules.ts";

/** What it takes to let the packets of containers through. */
export interface Passage {
  /** Rules of upstream's, by the form of iptables; "any" where a configuration asks for them whatever there is. */
  readonly iptables: ReadonlyMap<Form, readonly Admitted[]>;
  readonly firewalld: readonly ZoneSource[];
  /** Whether a configuration asks for these, so that it is an error where they can't be made. */
  readonly isAskedFor: boolean;
  /** What drops their packets and can't be lifted by us, each as a phrase. */
  readonly obstacles: readonly string[];
}

/** What the protections take on this node as it is now. Throws NetlinkError or SyscallError. */
export function planPassage(nft: Nftables | undefined, protections: readonly Protection[]): Passage {
  const iptables = new Map<Form, Admitted[]>();
  const firewalld: ZoneSource[] = [];
  const obstacles = new Set<string>();
  const admit = (form: Form, { adminChain }: Protection, ip: Ip, isolation?: Isolation): void => {
    iptables.set(form, [...(iptables.get(form) ?? []), { ip, adminChain, isolation }]);
  };
  const gates = new Map<Family, readonly Gate[]>();
  const isolationOf = isolationsOn(nft);
  for (const family of FAMILIES) {
    for (const one of protections) {
      const { backend, zone, bridge } = one;
      for (const ip of one.addresses.filter((address) => familyOf(address) === family)) {
        if (backend === "firewalld") firewalld.push({ ip, zone });
        else if (backend === "iptables" || (nft === undefined && backend === undefined)) {
          admit("any", one, ip, isolationOf(one));
        } else {
          const all = gates.get(family) ?? forwardGates(nft?.connection, family);
          gates.set(family, all);
          for (const gate of all) {
            const drop = dropAt(nft, gate, trafficOf(family, ip, bridge));
            if (drop === undefined) continue;
            if (gate.kind === "iptables-legacy") admit("legacy", one, ip);
            else if (gate.kind === "iptables-nft") admit("nft", one, ip);
            else if (gate.kind === "firewalld") firewalld.push({ ip, zone });
            else obstacles.add(obstacleText(gate, drop, ip, bridge));
          }
        }
      }
    }
  }
  const isAskedFor = protections.some(
    ({ backend, policy }) =>
      backend === "iptables" || backend === "firewalld" || (nft === undefined && policy !== "open"),
  );
  return { iptables, firewalld, isAskedFor, obstacles: [...obstacles] };
}

/**
 * What iptables is to have of the isolation of a protection's bridge: what our tables have, where there are such, and otherwise what
 * the protection asks for. The function asks the tables once for a bridge, and throws NetlinkError.
 */
function isolationsOn(nft: Nftables | undefined): (one: Protection) => Isolation | undefined {
  const known = new Map<string, Isolation>();
  return ({ bridge, policy }) => {
    if (bridge === undefined || policy === "open") return undefined;
    const key = nft === undefined ? `${bridge} ${policy}` : bridge;
    const policies = (): Isolation["policies"] =>
      nft === undefined ? [policy] : isolatingPolicies(nft.connection, bridge);
    const isolation = known.get(key) ?? { bridge, policies: policies() };
    known.set(key, isolation);
    return isolation;
  };
}

/** Chains that only let containers through, or only keep them from each other. */
const CONTAINERS_OWN = new Set<string>([CNI_FORWARD, STAGES[0]]);

/** What of the gate drops one of these kinds of packets. */
function dropAt(nft: Nftables | undefined, gate: Gate, kinds: readonly Traffic[]): Drop | undefined {
  for (const traffic of kinds) {
    const found = dropOf(nft, gate, traffic);
    if (found !== undefined) return found;
  }
  return undefined;
}

function dropOf(
  nft: Nftables | undefined,
  gate: Gate,
  traffic: Traffic,
  ignored: ReadonlySet<string> = CONTAINERS_OWN,
): Drop | undefined {
  if (gate.kind === "iptables-legacy") {
    const text = listLegacy(traffic.family);
    if (text === undefined) return undefined;
    const chains = wordsChains(text, FORWARD, traffic, ignored);
    return findDrop(chains, FORWARD, "drop");
  }
  if (nft === undefined) return undefined;
  const { chain, kind } = gate;
  const chains = nftChains(nft.connection, chain, traffic, kind === "iptables-nft" ? ignored : undefined);
  if (chains === undefined) return undefined;
  // Whatever else it accepts: a container gets its rules there.
  if (kind === "iptables-nft" && chains.isDropping && ignored === CONTAINERS_OWN)
    return { chain: IPTABLES_FORWARD.name, rule: undefined };
  return findDrop(chains, chain.name, kind === "nftables" ? "accept" : "drop");
}

/** Undefined where the table is there and iptables-legacy is not. */
function listLegacy(family: Family): string | undefined {
  try {
    return saveTable("filter", family, "legacy");
  } catch (error) {
    if (error instanceof IptablesError) return undefined;
    throw error;
  }
}

/** Whose chain it is, what in it drops, and how to let the packets through there. */
function obstacleText(gate: Extract<Gate, { chain: object }>, drop: Drop, ip: Ip, bridge: string | undefined): string {
  const { family, table, name } = gate.chain;
  const match =
    bridge === undefined ? `${familyOf(ip) === 4 ? "ip" : "ip6"} saddr ${formatIp(ip)}` : `iifname "${bridge}"`;
  const remedy = `\`nft insert rule ${familyName(family)} ${table} ${name} ${match} accept\``;
  return `${dropText(gate, drop)} drops forwarded packets of ${formatIp(ip)}: it is not bauta's, and no rule in another table lifts that; ${remedy}, and the same for what comes back, would let them through`;
}

/** `chain inet theirs fw (policy drop)` */
function dropText(gate: Gate, { chain, rule }: Drop): string {
  const table = "chain" in gate ? `${familyName(gate.chain.family)} ${gate.chain.table}` : "filter of iptables-legacy";
  return `chain ${table} ${chain} (${rule === undefined ? "policy drop" : `rule ${rule}`})`;
}

/**
 * What drops packets of this kind on their way through the node, our own tables included, each as a phrase. What depends on more
 * than the packets tell (a port, say) counts as not. Throws NetlinkError or SyscallError.
 */
export function whoDrops(nft: Nftables, traffic: Traffic): string[] {
  const ours: Gate = { kind: "nftables", chain: { ...inTable, name: OWN_FORWARD } };
  return [ours, ...forwardGates(nft.connection, traffic.family)].flatMap((gate) => {
    const drop = dropOf(nft, gate, traffic, new Set());
    return drop === undefined ? [] : [dropText(gate, drop)];
  });
}

/**
 * Does what the passage takes. What no configuration asks for and can't be done is told to `log`, as are obstacles: the container
 * is attached all the same. Throws IptablesError, DBusError or SyscallError.
 */
export function openPassage(passage: Passage, log: (line: string) => void): void {
  const attempt = (what: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (passage.isAskedFor || !isFailure(error)) throw error;
      log(`${what} drops forwarded packets, and the container's can't be let through: ${error.message}`);
    }
  };
  for (const [form, admitted] of passage.iptables) attempt(nameOf(form), () => admitByIptables(admitted, form));
  if (passage.firewalld.length > 0) attempt("firewalld", () => admitByFirewalld(passage.firewalld));
  for (const obstacle of passage.obstacles) log(obstacle);
}

const nameOf = (form: Form): string => (form === "any" ? "iptables" : `iptables-${form}`);

function isFailure(error: unknown): error is Error {
  return error instanceof IptablesError || error instanceof DBusError || error instanceof SyscallError;
}

/** What is missing of a passage, each as a phrase. Throws IptablesError, DBusError or SyscallError. */
export function passageFaults(passage: Passage): string[] {
  const ask = (question: () => string[]): string[] => {
    try {
      return question();
    } catch (error) {
      if (passage.isAskedFor || !isFailure(error)) throw error;
      return []; // ADD has told it, and has gone on
    }
  };
  return [
    ...[...passage.iptables].flatMap(([form, admitted]) => ask(() => iptablesFaults(admitted, form))),
    ...(passage.firewalld.length === 0 ? [] : ask(() => firewalldFaults(passage.firewalld))),
  ];
}
