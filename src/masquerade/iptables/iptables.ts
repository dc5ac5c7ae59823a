// Masquerade by iptables, for nodes that ask for it: the same chains and rules as containernetworking/plugins make, so that
// either's DEL ends what the other's ADD has begun. Adding takes one iptables-restore for each family, whatever the number
// of addresses; taking away takes none where iptables is nf_tables in disguise.

import type { Attachment } from "../../cni/attachment.ts";
import { undisturbed } from "../../iptables/again.ts";
import { readListing } from "../../iptables/listing.ts";
import type { Jump, NatTable, Removal } from "../../iptables/nat-table.ts";
import { natTablesOf } from "../../iptables/nat-tables.ts";
import { restoreNat, saveNat } from "../../iptables/program.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { type Keep, withNetfilter } from "../../owned/commit.ts";
import { deleteConnectionsOf } from "../../owned/connections.ts";
import { hasCode } from "../../sys/error.ts";
import {
  byFamily,
  type Cidr,
  contains,
  FAMILIES,
  type Family,
  formatIp,
  type Ip,
  isSingleHost,
} from "../../wire/ip.ts";
import { readKernelState } from "../nftables/elements.ts";
import { chainOf, OWN_CHAINS, parseComment } from "./names.ts";
import { faultsIn, freshLines, mergedLines } from "./plan.ts";
import { type IptablesRecord, iptablesRecords } from "./records.ts";

/**
 * Masquerades what leaves the subnets of these addresses. `netns` is the path of the container's network namespace, for the
 * record. Throws IptablesError or SyscallError; call tearDownIptables then.
 */
export function setUpIptables(attachment: Attachment, addresses: readonly Cidr[], netns?: string): void {
  withNetfilter((nft) => {
    if (iptablesRecords.hasAny(attachment)) takeOut(nft, attachment, []); // an ADD after an ADD or a DEL that was killed
    iptablesRecords.write(netns === undefined ? { attachment, addresses } : { attachment, addresses, netns });
    const chain = chainOf(attachment);
    for (const [family, own] of byFamily(addresses)) addTo(nft, attachment, family, own, chain);
  });
}

function addTo(
  nft: Nftables | undefined,
  attachment: Attachment,
  family: Family,
  own: readonly Cidr[],
  chain: string,
): void {
  const exists = (): boolean => natTables(nft, family).some((table) => table.hasChain(chain));
  let isThere: boolean;
  undisturbed(
    () => {
      isThere = exists();
      const lines = isThere
        ? mergedLines(attachment, family, own, chain, listed(family))
        : freshLines(attachment, family, own, chain);
      if (lines.length > 0) restoreNat(family, lines);
    },
    // The chain is that of the container's other interfaces, too: it may have come or gone, or both.
    () => isThere !== exists() || siblingsOf(attachment).length > 0,
  );
}

const listed = (family: Family): ReturnType<typeof readListing> => readListing(saveNat(family));

/**
 * Takes out what this back end, or upstream's plugins, have made for the attachment, in both forms of iptables. Needs no
 * addresses: `hints` are some that are known from elsewhere. Where nothing is left, nothing is executed. `keep` is of
 * closingLast. Throws NetlinkError, SyscallError or IptablesError.
 */
export function tearDownIptables(attachment: Attachment, hints: readonly Cidr[], keep?: Keep): void {
  withNetfilter((nft) => takeOut(nft, attachment, hints), keep);
}

function takeOut(nft: Nftables | undefined, attachment: Attachment, hints: readonly Cidr[]): void {
  const begun = iptablesRecords.beginRelease(attachment);
  const known = begun === undefined || begun === "illegible" ? [] : begun.addresses;
  const own = [...known, ...hints];
  const tables = FAMILIES.flatMap((family) => natTables(nft, family));
  if (tables.length > 0) {
    const chain = chainOf(attachment);
    const found = tables.filter((table) => table.hasChain(chain));
    const isOurs = found.length === 0 ? () => false : ownJumps(attachment, chain, own);
    const gone = removeFrom(found, isOurs, [chain]);
    // Of two interfaces that depart at once neither may have seen itself as the last.
    for (const table of found) if (table.hasChain(chain)) removeFrom([table], isOurs, [chain]);
    forgetConnections(nft, gone);
  }
  iptablesRecords.endRelease(attachment);
}

/**
 * Which jumps are the attachment's: those of the addresses that it is known to have. Where none are known, all that lead
 * into its chain, but for those of the container's other interfaces on the network.
 */
function ownJumps(attachment: Attachment, chain: string, own: readonly Cidr[]): (jump: Jump) => boolean {
  const kept = siblingsOf(attachment).flatMap(({ addresses }) => addresses);
  return (jump) => jump.chain === chain && (own.length > 0 ? isFrom(jump, own) : !isFrom(jump, kept));
}

function isFrom({ source }: Jump, addresses: readonly Cidr[]): boolean {
  return source !== undefined && addresses.some(({ ip }) => contains(source, ip));
}

/** Takes out what leads these addresses into the attachment's chain, and the chain where nothing else does. Throws as tearDownIptables. */
export function withdrawIptables(attachment: Attachment, addresses: readonly Cidr[]): void {
  const chain = chainOf(attachment);
  withNetfilter((nft) => {
    const tables = FAMILIES.flatMap((family) => natTables(nft, family)).filter((table) => table.hasChain(chain));
    removeFrom(tables, (jump) => jump.chain === chain && isFrom(jump, addresses), [chain]);
  });
}

/** The records of the container's other interfaces on the network. */
function siblingsOf(attachment: Attachment): IptablesRecord[] {
  const isSibling = ({ network, containerId, ifname }: Attachment): boolean =>
    network === attachment.network && containerId === attachment.containerId && ifname !== attachment.ifname;
  return iptablesRecords
    .listLive()
    .map(({ record }) => record)
    .filter((record) => isSibling(record.attachment));
}

/**
 * Takes out these jumps, and the chains that no other jump leads to: theirs, and `chains`. Returns the addresses that no
 * jump is about any more.
 */
function removeFrom(tables: readonly NatTable[], isWanted: (jump: Jump) => boolean, chains: readonly string[]): Ip[] {
  const gone: Ip[] = [];
  for (const table of tables) {
    let left: Ip[] = [];
    table.remove((all): Removal => {
      const jumps = all.filter(isWanted);
      const others = all.filter((jump) => !jumps.includes(jump));
      const still = new Set(others.map(({ chain }) => chain));
      const candidates = new Set([...jumps.map(({ chain }) => chain), ...chains]);
      const sources = new Set(others.flatMap(addressOf).map(formatIp));
      left = jumps.flatMap(addressOf).filter((ip) => !sources.has(formatIp(ip)));
      return { jumps, chains: [...candidates].filter((chain) => !still.has(chain)) };
    });
    gone.push(...left);
  }
  return gone;
}

function addressOf({ source }: Jump): Ip[] {
  return source !== undefined && isSingleHost(source) ? [source.ip] : [];
}

/** Forgets the connections of addresses that have no owner under nftables, either. */
function forgetConnections(nft: Nftables | undefined, addresses: readonly Ip[]): void {
  if (nft === undefined || addresses.length === 0) return;
  deleteConnectionsOf(
    nft.connection,
    addresses.filter((ip) => !isHeld(nft, ip)),
  );
}

function isHeld(nft: Nftables, ip: Ip): boolean {
  try {
    return readKernelState(nft, ip).id !== undefined;
  } catch (error) {
    if (hasCode(error, "EINVAL", "EOPNOTSUPP")) return false; // no nf_tables
    throw error;
  }
}

/**
 * Takes out the rules of containers of the network that have no valid attachment, made by this back end or by upstream's
 * plugins. Throws as tearDownIptables.
 */
export function collectIptables(network: string, valid: readonly Attachment[]): void {
  const containers = new Set(valid.map(({ containerId }) => containerId));
  withNetfilter((nft) => {
    for (const attachment of iptablesRecords.stale(network, valid)) takeOut(nft, attachment, []);
    const tables = FAMILIES.flatMap((family) => natTables(nft, family)).filter((table) => table.mayHaveChains());
    const isStale = ({ comment = "" }: Jump): boolean => {
      const name = parseComment(comment);
      return name !== undefined && name.network === network && !containers.has(name.containerId);
    };
    forgetConnections(nft, removeFrom(tables, isStale, []));
  });
}

/** The missing or altered rules of the attachment, each as a phrase. Throws IptablesError or SyscallError. */
export function iptablesFaults(attachment: Attachment, addresses: readonly Cidr[]): string[] {
  const chain = chainOf(attachment);
  return byFamily(addresses).flatMap(([family, own]) => faultsIn(listed(family), attachment, family, own, chain));
}

/** The family's nat tables, of either form of iptables. Throws NetlinkError or SyscallError. */
export function natTables(nft: Nftables | undefined, family: Family): NatTable[] {
  return natTablesOf(nft, family, OWN_CHAINS);
}
