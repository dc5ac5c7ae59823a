// The addresses under masquerade on this node, from both sources: the kernel's maps, which count, and the records, which have
// the whole names. This is for `bauta list`: it lists whole maps, and no plugin does that.

import type { Nftables } from "../../nftables/nftables.ts";
import { readComment, UNKNOWN_NAME } from "../../owned/comment.ts";
import type { AttachmentName, Inventory, ListedAttachment, ListedItem, OwnedState } from "../../owned/feature.ts";
import { inOrder } from "../../owned/inventory.ts";
import { compareIp, type Family, parseCidr, parseIp } from "../../wire/ip.ts";
import {
  entryFor,
  type Facts,
  isThere,
  type Ownership,
  ownershipsIn,
  type RecordEntry,
  readAgain,
  readFacts,
  stateOf,
} from "./inventory-facts.ts";
import { Networks } from "./networks.ts";
import { policyFor } from "./policy.ts";
import { policyFaults } from "./policy-chains.ts";
import { baseOf } from "./policy-name.ts";
import { TABLES } from "./tables.ts";

/** An address of an attachment. */
interface Listed {
  readonly ip: string;
  readonly item: ListedItem;
}

/** Lists all attachments, or those of one network. Throws NetlinkError or SyscallError. */
export function takeInventory(nft: Nftables, network?: string): Inventory {
  const facts = readFacts(nft, network);
  let ownerships = ownershipsIn(facts);
  // Maps and records are read one after the other, and attachments come and go in between.
  const doubtful = ownerships.filter((ownership) => stateOf(facts, ownership) !== "ok");
  for (const ownership of doubtful) readAgain(nft, facts, ownership);
  const isAllOk = doubtful.length === 0;
  if (!isAllOk) ownerships = ownerships.filter((ownership) => isThere(facts, ownership));
  const stateNow = (ownership: Ownership): OwnedState => (isAllOk ? "ok" : stateOf(facts, ownership));
  return {
    attachments: groupByAttachment(facts, ownerships, stateNow),
    faults: [...facts.problems, ...faultsOfTables(nft, facts)],
  };
}

function groupByAttachment(
  facts: Facts,
  ownerships: readonly Ownership[],
  stateNow: (ownership: Ownership) => OwnedState,
): ListedAttachment[] {
  const groups = new Map<string, Listed[]>();
  for (const ownership of ownerships) {
    const one = listed(facts, ownership, stateNow(ownership));
    const group = groups.get(ownership.id);
    if (group === undefined) groups.set(ownership.id, [one]);
    else group.push(one);
  }
  return inOrder(
    [...groups].map(([id, addresses]) => {
      const options = facts.records.get(id)?.options;
      return { id, name: nameOf(facts, id, addresses), options, items: sorted(addresses).map(({ item }) => item) };
    }),
  );
}

function nameOf({ owners, records }: Facts, id: string, addresses: readonly Listed[]): AttachmentName {
  const attachment = records.get(id)?.attachment;
  if (attachment !== undefined) return { ...attachment, isCut: false };
  for (const { ip } of addresses) {
    const owner = owners.get(ip);
    const name = owner?.id === id ? readComment(owner.comment) : undefined;
    if (name !== undefined) return name;
  }
  return UNKNOWN_NAME;
}

/** IPv4 first, in numerical order. */
function sorted(addresses: readonly Listed[]): readonly Listed[] {
  const [first, second] = addresses;
  // Most have one address, or one of either family, and those of IPv4 have been found first.
  if (second === undefined) return addresses;
  if (addresses.length === 2 && familyOf(first?.ip ?? "") === 4 && familyOf(second.ip) === 6) return addresses;
  return addresses.toSorted(compareAddresses);
}

function compareAddresses(a: Listed, b: Listed): number {
  const [left, right] = [parseIp(a.ip), parseIp(b.ip)];
  return left === undefined || right === undefined ? 0 : compareIp(left, right);
}

function listed(facts: Facts, ownership: Ownership, state: OwnedState): Listed {
  const { ip } = ownership;
  const entry = entryFor(facts.records.get(ownership.id), ip);
  // The element of an address that another attachment has taken counts for that attachment.
  const policy = state === "taken" || state === "missing" ? undefined : facts.policies.get(ip);
  const prefixLength = entry?.prefixLength ?? readComment(facts.owners.get(ip)?.comment)?.prefixLength;
  return {
    ip,
    item: {
      address: prefixLength === undefined ? ip : `${ip}/${prefixLength}`,
      policy: policy?.chain ?? (state === "no-policy" ? undefined : entry?.policy),
      packets: policy?.counted?.packets,
      bytes: policy?.counted?.bytes,
      state,
    },
  };
}

/** The faults of the tables that the addresses need, and of the chains of their policies, as phrases. */
function faultsOfTables(nft: Nftables, { owners, policies, records }: Facts): string[] {
  const wanted = new Map<string, RecordEntry>();
  for (const { entries, isLeaving } of records.values()) {
    // The name of a policy's chain has the subnet in it, and so the family.
    if (isLeaving) continue;
    for (const entry of entries) {
      const policy = policyIn(policies.get(entry.ip)?.chain, entry);
      if (!wanted.has(policy)) wanted.set(policy, { ...entry, policy });
    }
  }
  const families = new Set<Family>();
  for (const ips of [owners.keys(), policies.keys()]) for (const ip of ips) families.add(familyOf(ip));
  for (const { ip } of wanted.values()) families.add(familyOf(ip));
  const faults: string[] = [];
  for (const family of [...families].sort()) {
    const skeleton = TABLES[family].faults(nft.connection);
    faults.push(...skeleton.map(({ text }) => text));
    if (skeleton.some(({ isWhole }) => isWhole)) continue;
    const own = [...wanted.values()].filter(({ ip }) => familyOf(ip) === family);
    const networks = Networks.read(nft, family);
    faults.push(...own.flatMap((entry) => faultsOfPolicy(nft, family, entry, networks)));
  }
  return faults;
}

function familyOf(ip: string): Family {
  return ip.includes(":") ? 6 : 4;
}

/** The one of the policy's two chains that the address goes to, or else the one that its record tells. */
function policyIn(chain: string | undefined, { policy }: RecordEntry): string {
  if (chain === undefined || chain === policy) return policy;
  return baseOf(chain) === baseOf(policy) ? chain : policy;
}

function faultsOfPolicy(
  nft: Nftables,
  family: Family,
  { ip, prefixLength, policy: chain }: RecordEntry,
  networks: Networks,
): string[] {
  const address = parseCidr(`${ip}/${prefixLength}`);
  const policy = address === undefined ? undefined : policyFor(address);
  if (policy === undefined || policy.chain !== baseOf(chain)) return [];
  return policyFaults(nft, family, { chain, contents: policy.contents }, networks).map(({ text }) => text);
}
