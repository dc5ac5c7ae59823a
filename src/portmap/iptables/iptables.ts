// Published ports by iptables, for nodes that ask for it: the same chains and rules as containernetworking/plugins make, so that
// either's DEL ends what the other's ADD has begun. Adding takes one iptables-restore for each family, whatever the number of
// ports.

import type { Attachment } from "../../cni/attachment.ts";
import { undisturbed } from "../../iptables/again.ts";
import { type NatListing, readListing } from "../../iptables/listing.ts";
import type { Jump, NatTable, OwnChains, Removal } from "../../iptables/nat-table.ts";
import { natTablesOf } from "../../iptables/nat-tables.ts";
import { restoreNat, saveNat } from "../../iptables/program.ts";
import { getElement } from "../../nftables/element.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { type Keep, withNetfilter } from "../../owned/commit.ts";
import { hasCode } from "../../sys/error.ts";
import { FAMILIES, type Family } from "../../wire/ip.ts";
import { endFlowsElsewhere, endFlowsToContainer } from "../flows.ts";
import { hostKey, type Publication } from "../mapping.ts";
import { holderText, type Taken } from "../publish.ts";
import { setIn } from "../table-names.ts";
import { withoutTaken } from "../taken.ts";
import { holdersByUpstream } from "../upstream/rules.ts";
import { DNAT_CHAINS, dnatChainOf, OLD_SNAT_CHAINS, oldSnatChainOf, parseComment } from "./names.ts";
import { faultsIn, holdersIn, publicationsIn, publishLines, type RecordedPart, recordedParts } from "./plan.ts";
import { type IptablesRecord, records } from "./records.ts";
import type { IptablesWanted } from "./rules.ts";

/**
 * Leads the ports to the container. `netns` is the path of the container's network namespace, for the record. Throws CniError,
 * IptablesError, NetlinkError or SyscallError; call tearDownIptables then.
 */
export function setUpIptables(attachment: Attachment, wanted: IptablesWanted, netns?: string): void {
  const { olderWins: _, ...publication } = wanted;
  const record = { attachment, ...publication, ...(netns === undefined ? {} : { netns }) };
  const isNew = !records.has(attachment);
  records.write(record);
  withNetfilter((nft) => {
    const rest = withoutHeld(nft, record, wanted);
    for (const family of FAMILIES) {
      const parts = recordedParts([...siblingsOf(attachment), rest], family);
      if (parts.length > 0) publishIn(family, parts, attachment);
      else if (!isNew) removeContainer(nft, attachment, [family]);
    }
    if (nft !== undefined) endFlowsElsewhere(nft.connection, rest);
  });
}

const listed = (family: Family): NatListing => readListing(saveNat(family));

/**
 * Makes the rules of a container: the parts of all its interfaces. The chains may come, go or be emptied by others meanwhile.
 * Throws IptablesError or SyscallError.
 */
export function publishIn(family: Family, parts: readonly RecordedPart[], attachment: Attachment): void {
  const textOf = (listing: NatListing): string => JSON.stringify([...listing]);
  let seen = "";
  undisturbed(
    () => {
      const listing = listed(family);
      seen = textOf(listing);
      restoreNat(family, publishLines(listing, parts, attachment));
    },
    () => seen !== textOf(listed(family)),
  );
}

/** What is left of the record without the ports that others have, by either back end. Throws CniError: see withoutTaken. */
function withoutHeld(nft: Nftables | undefined, record: IptablesRecord, wanted: IptablesWanted): IptablesRecord {
  const taken = FAMILIES.flatMap((family): Taken[] => {
    const parts = recordedParts([record], family);
    if (parts.length === 0) return [];
    const holders = holdersIn(listed(family), dnatChainOf(record.attachment));
    const byNftables = holderByNftables(nft, family, record.attachment);
    return parts.flatMap(({ part }) =>
      part.entries.flatMap((entry) => {
        const holder = holders.get(hostKey(entry.mapping)) ?? byNftables(entry);
        return holder === undefined ? [] : [{ entry, holder }];
      }),
    );
  });
  if (taken.length === 0) return record;
  const rest = { ...record, mappings: withoutTaken(wanted, taken) };
  records.write(rest);
  return rest;
}

/** Who has a port by our maps, or by the rules of upstream's nftables back end. */
function holderByNftables(
  nft: Nftables | undefined,
  family: Family,
  { containerId }: Attachment,
): (entry: Taken["entry"]) => string | undefined {
  if (nft === undefined) return () => undefined;
  try {
    const upstream = holdersByUpstream(nft.connection, family, containerId);
    return ({ set, key, mapping }) => {
      const found = getElement(nft.connection, setIn(family, set), key);
      return found === undefined ? upstream.get(hostKey(mapping)) : holderText(found.comment);
    };
  } catch (error) {
    if (hasCode(error, "EINVAL", "EOPNOTSUPP")) return () => undefined; // no nf_tables
    throw error;
  }
}

/** The records of the container's other interfaces on the network. */
function siblingsOf(attachment: Attachment): IptablesRecord[] {
  const isSibling = ({ network, containerId, ifname }: Attachment): boolean =>
    network === attachment.network && containerId === attachment.containerId && ifname !== attachment.ifname;
  return records
    .listLive()
    .map(({ record }) => record)
    .filter((record) => isSibling(record.attachment));
}

/**
 * Takes out what this back end, or upstream's plugin, has made for the attachment, in both forms of iptables. Where nothing is
 * left, nothing is executed. `keep` is of closingLast. Throws NetlinkError, SyscallError or IptablesError.
 */
export function tearDownIptables(attachment: Attachment, keep?: Keep): void {
  withNetfilter((nft) => {
    const begun = records.beginRelease(attachment);
    const siblings = siblingsOf(attachment);
    const known = begun === undefined || begun === "illegible" ? [] : [begun];
    // The chain is that of the container's other interfaces, too.
    const [kept, gone] = [[...new Set(siblings.flatMap((record) => familiesOf(record)))], new Set(FAMILIES)];
    for (const family of kept) {
      publishIn(family, recordedParts(siblings, family), attachment);
      gone.delete(family);
    }
    const made = removeContainer(nft, attachment, [...gone]);
    if (nft !== undefined) for (const one of [...known, ...made]) endFlowsToContainer(nft.connection, one);
    records.endRelease(attachment);
  }, keep);
}

const familiesOf = (record: IptablesRecord): Family[] =>
  FAMILIES.filter((family) => recordedParts([record], family).length > 0);

/** Takes out the container's chains, and what leads there. Returns what they published. */
function removeContainer(nft: Nftables | undefined, container: Attachment, families: readonly Family[]): Publication[] {
  return families.flatMap((family) => {
    const tables = natTablesOf(nft, family, DNAT_CHAINS);
    if (tables.length === 0) return [];
    const published = removeChain(tables, dnatChainOf(container));
    return [...published, ...removeChain(natTablesOf(nft, family, OLD_SNAT_CHAINS), oldSnatChainOf(container))];
  });
}

function removeChain(tables: readonly NatTable[], chain: string): Publication[] {
  return tables
    .filter((table) => table.hasChain(chain))
    .flatMap((table) => {
      const published = publicationsIn(table.list().get(chain) ?? []);
      table.remove((jumps): Removal => ({ jumps: jumps.filter((jump) => jump.chain === chain), chains: [chain] }));
      return published;
    });
}

/**
 * Takes out what containers of the network publish that have no valid attachment, by this back end or by upstream's plugin.
 * Throws as tearDownIptables.
 */
export function collectIptables(network: string, valid: readonly Attachment[]): void {
  for (const attachment of records.stale(network, valid)) tearDownIptables(attachment);
  const containers = new Set(valid.map(({ containerId }) => containerId));
  const isStale = ({ comment = "" }: Jump): boolean => {
    const name = parseComment(comment);
    return name !== undefined && name.network === network && !containers.has(name.containerId);
  };
  withNetfilter((nft) => {
    for (const table of allTables(nft, DNAT_CHAINS)) {
      const chains = new Set(
        table
          .jumps()
          .filter(isStale)
          .map(({ chain }) => chain),
      );
      for (const chain of chains) removeChain([table], chain);
    }
  });
}

function allTables(nft: Nftables | undefined, own: OwnChains): NatTable[] {
  return FAMILIES.flatMap((family) => natTablesOf(nft, family, own)).filter((table) => table.mayHaveChains());
}

/** The missing or altered rules of the attachment, each as a phrase. Throws IptablesError or SyscallError. */
export function iptablesFaults(attachment: Attachment, wanted: IptablesWanted): string[] {
  const { olderWins, ...publication } = wanted;
  const recorded = records.read(attachment);
  const own = { attachment, ...publication };
  const record = olderWins !== undefined && recorded !== undefined ? { ...own, mappings: recorded.mappings } : own;
  return FAMILIES.flatMap((family) => {
    const parts = recordedParts([...siblingsOf(attachment), record], family);
    return parts.length === 0 ? [] : faultsOf(family, listed(family), parts, attachment);
  });
}

/** The same of a listing of the family, with the tool that has them. */
export function faultsOf(
  family: Family,
  listing: NatListing,
  parts: readonly RecordedPart[],
  attachment: Attachment,
): string[] {
  return faultsIn(listing, parts, attachment).map((text) => `${family === 4 ? "iptables" : "ip6tables"}: ${text}`);
}
