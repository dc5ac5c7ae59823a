// What is under masquerade on this node, from both sources: the kernel's maps, which are what counts, and the records,
// which know the whole names. For people who look: it is a listing, and no plugin makes one.

import type { JsonObject } from "../../cni/json.ts";
import type { Nftables } from "../../nftables/batch.ts";
import { compareIp, type Family, parseCidr, parseIp } from "../../wire/ip.ts";
import {
  type AddressState,
  type Claim,
  claimTo,
  type Facts,
  isThere,
  type Place,
  placesIn,
  readAgain,
  readFacts,
  stateOf,
} from "./inventory-facts.ts";
import { type AttachmentName, fromComment, UNKNOWN_NAME } from "./names.ts";
import { Networks } from "./networks.ts";
import { policyFor } from "./policy.ts";
import { policyFaults } from "./policy-chains.ts";
import { baseOf } from "./policy-name.ts";
import { skeletonFaults } from "./tables.ts";

export interface ListedAddress {
  /** As text, without its prefix length. */
  readonly ip: string;
  /** Undefined where nobody knows it any more. */
  readonly prefixLength: number | undefined;
  /** The chain its packets go to; for one that is missing, the chain they should go to. */
  readonly policy: string | undefined;
  /** The first packets of its flows: a nat chain sees no others. Undefined where nothing counts. */
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
  readonly state: AddressState;
}

export interface ListedAttachment {
  /** 32 hexadecimal digits; empty for addresses without an owner. */
  readonly id: string;
  readonly name: AttachmentName;
  /** The "ipMasqOptions" in force, by its record; undefined where there are none. */
  readonly options: JsonObject | undefined;
  /** IPv4 first, in numerical order. */
  readonly addresses: readonly ListedAddress[];
}

export interface Inventory {
  /** In the order of network, container and interface; what nobody can name comes last. */
  readonly attachments: readonly ListedAttachment[];
  /** What is wrong with the tables themselves, as phrases. */
  readonly faults: readonly string[];
}

/** Lists all attachments, or those of one network. Throws NetlinkError or SyscallError. */
export function takeInventory(nft: Nftables, network?: string): Inventory {
  const facts = readFacts(nft, network);
  let places = placesIn(facts);
  // Maps and records are read one after the other, and attachments come and go meanwhile.
  const doubtful = places.filter((place) => stateOf(facts, place) !== "ok");
  for (const place of doubtful) readAgain(nft, facts, place);
  const isAllOk = doubtful.length === 0;
  if (!isAllOk) places = places.filter((place) => isThere(facts, place));
  const stateNow = (place: Place): AddressState => (isAllOk ? "ok" : stateOf(facts, place));
  return { attachments: groupByAttachment(facts, places, stateNow), faults: faultsOfTables(nft, facts) };
}

function groupByAttachment(
  facts: Facts,
  places: readonly Place[],
  stateNow: (place: Place) => AddressState,
): ListedAttachment[] {
  const groups = new Map<string, ListedAddress[]>();
  for (const place of places) {
    const one = listed(facts, place, stateNow(place));
    const group = groups.get(place.id);
    if (group === undefined) groups.set(place.id, [one]);
    else group.push(one);
  }
  return [...groups]
    .map(([id, addresses]) => {
      const name = nameOf(facts, id, addresses);
      const options = facts.records.get(id)?.options;
      return { key: sortKey(id, name), attachment: { id, name, options, addresses: inOrder(addresses) } };
    })
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ attachment }) => attachment);
}

/** Two inventories as one, in the same order. */
export function joinInventories(a: Inventory, b: Inventory): Inventory {
  if (b.attachments.length === 0) return { attachments: a.attachments, faults: [...a.faults, ...b.faults] };
  const keyed = [...a.attachments, ...b.attachments].map((one) => ({ key: sortKey(one.id, one.name), one }));
  const attachments = keyed.sort((x, y) => (x.key < y.key ? -1 : 1)).map(({ one }) => one);
  return { attachments, faults: [...a.faults, ...b.faults] };
}

function nameOf({ owners, records }: Facts, id: string, addresses: readonly ListedAddress[]): AttachmentName {
  const attachment = records.get(id)?.attachment;
  if (attachment !== undefined) return { ...attachment, isCut: false };
  for (const { ip } of addresses) {
    const owner = owners.get(ip);
    const name = owner?.id === id ? fromComment(owner.comment) : undefined;
    if (name !== undefined) return name;
  }
  return UNKNOWN_NAME;
}

function sortKey(id: string, name: AttachmentName): string {
  const last = "\uffff";
  return [name.network ?? last, name.containerId ?? last, name.ifname ?? last, id].join("\0");
}

/** IPv4 first, in numerical order. */
function inOrder(addresses: readonly ListedAddress[]): readonly ListedAddress[] {
  const [first, second] = addresses;
  // Most have one address, or one of either family, and those of IPv4 have been found first.
  if (second === undefined) return addresses;
  if (addresses.length === 2 && familyOf(first?.ip ?? "") === 4 && familyOf(second.ip) === 6) return addresses;
  return addresses.toSorted(compareAddresses);
}

function compareAddresses(a: ListedAddress, b: ListedAddress): number {
  const [left, right] = [parseIp(a.ip), parseIp(b.ip)];
  return left === undefined || right === undefined ? 0 : compareIp(left, right);
}

function listed(facts: Facts, place: Place, state: AddressState): ListedAddress {
  const { ip } = place;
  const claim = claimTo(facts.records.get(place.id), ip);
  // Of an address that another attachment has taken, the element counts for that one.
  const policy = state === "taken" || state === "missing" ? undefined : facts.policies.get(ip);
  const prefixLength = claim?.prefixLength ?? fromComment(facts.owners.get(ip)?.comment)?.prefixLength;
  return {
    ip,
    prefixLength,
    policy: policy?.chain ?? (state === "no-policy" ? undefined : claim?.policy),
    packets: policy?.counted?.packets,
    bytes: policy?.counted?.bytes,
    state,
  };
}

/** What is wrong with the tables that the addresses need, and with the chains of their policies. */
function faultsOfTables(nft: Nftables, { owners, policies, records }: Facts): string[] {
  const wanted = new Map<string, Claim>();
  for (const { claims, isLeaving } of records.values()) {
    // The name of a policy's chain has the subnet in it, and so the family.
    if (isLeaving) continue;
    for (const claim of claims) {
      const policy = policyIn(policies.get(claim.ip)?.chain, claim);
      if (!wanted.has(policy)) wanted.set(policy, { ...claim, policy });
    }
  }
  const families = new Set<Family>();
  for (const ips of [owners.keys(), policies.keys()]) for (const ip of ips) families.add(familyOf(ip));
  for (const { ip } of wanted.values()) families.add(familyOf(ip));
  const faults: string[] = [];
  for (const family of [...families].sort()) {
    const skeleton = skeletonFaults(nft, family);
    faults.push(...skeleton.map(({ text }) => text));
    if (skeleton.some(({ isWhole }) => isWhole)) continue;
    const own = [...wanted.values()].filter(({ ip }) => familyOf(ip) === family);
    const networks = Networks.read(nft, family);
    faults.push(...own.flatMap((claim) => faultsOfPolicy(nft, family, claim, networks)));
  }
  return faults;
}

function familyOf(ip: string): Family {
  return ip.includes(":") ? 6 : 4;
}

/** The one of the policy's two chains that the address goes to, or else the one that its record tells. */
function policyIn(chain: string | undefined, { policy }: Claim): string {
  if (chain === undefined || chain === policy) return policy;
  return baseOf(chain) === baseOf(policy) ? chain : policy;
}

function faultsOfPolicy(
  nft: Nftables,
  family: Family,
  { ip, prefixLength, policy: chain }: Claim,
  networks: Networks,
): string[] {
  const address = parseCidr(`${ip}/${prefixLength}`);
  const policy = address === undefined ? undefined : policyFor(address);
  if (policy === undefined || policy.chain !== baseOf(chain)) return [];
  return policyFaults(nft, family, { chain, contents: policy.contents }, networks).map(({ text }) => text);
}
