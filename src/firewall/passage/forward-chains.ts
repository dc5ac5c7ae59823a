// Whose chains see the packets that the node forwards.

import { hasLegacyTable } from "../../iptables/legacy-table.ts";
import type { Connection } from "../../netlink/connection.ts";
import { type ChainName, listChains } from "../../nftables/chain.ts";
import { listHooks } from "../../nftables/hooks.ts";
import { NF_INET, NFPROTO, nfproto } from "../../nftables/uapi.ts";
import type { Family } from "../../wire/ip.ts";
import { TABLE } from "../table.ts";

/** Somebody's chains at the hook forward. */
export type Gate =
  | { readonly kind: "iptables-legacy" }
  | { readonly kind: "iptables-nft" | "firewalld" | "nftables"; readonly chain: ChainName };

/** The chain of iptables' filter table, and firewalld's table in nf_tables. */
export const IPTABLES_FORWARD = { table: "filter", name: "FORWARD" } as const;
const FIREWALLD_TABLE = "firewalld";

/**
 * All of them for one family, but for our own. One question to the kernel; before Linux 5.14 a listing of all chains. `connection`
 * is undefined where the kernel has no nf_tables. Throws NetlinkError or SyscallError.
 */
export function forwardGates(connection: Connection | undefined, family: Family): Gate[] {
  const chains = connection === undefined ? [] : chainsAtForward(connection, nfproto(family));
  const others = chains.filter(({ table }) => table !== TABLE.name);
  const legacy: Gate[] = hasLegacyTable("filter", family) ? [{ kind: "iptables-legacy" }] : [];
  return [...legacy, ...others.map((chain): Gate => ({ kind: kindOf(chain), chain }))];
}

function chainsAtForward(connection: Connection, family: number): ChainName[] {
  const hooks = listHooks(connection, family, NF_INET.FORWARD);
  if (hooks !== undefined) return hooks.flatMap(({ chain }) => chain ?? []);
  return [family, NFPROTO.INET]
    .flatMap((one) => listChains(connection, { family: one }))
    .filter(({ type, hook }) => type === "filter" && hook === NF_INET.FORWARD);
}

function kindOf({ family, table, name }: ChainName): "iptables-nft" | "firewalld" | "nftables" {
  if (family !== NFPROTO.INET && table === IPTABLES_FORWARD.table && name === IPTABLES_FORWARD.name)
    return "iptables-nft";
  return table === FIREWALLD_TABLE ? "firewalld" : "nftables";
}
