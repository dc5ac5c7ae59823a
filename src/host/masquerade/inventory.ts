// What is under masquerade on this node, from both sources: the kernel's maps, which are what counts, and the records,
// which know the whole names. For people who look: it is a listing, and no plugin makes one.

import type { Nftables } from "../../nftables/batch.ts";
import { type Element, getElement, listElements } from "../../nftables/element.ts";
import { hasCode } from "../../sys/error.ts";
import { readDirectory } from "../../sys/file.ts";
import { compareIp, type Family, familyOf, formatIp, type Ip, parseCidr } from "../../wire/ip.ts";
import { attachmentId, idText, isOfNetwork, networkId } from "../attachment.ts";
import { chainOf, idOf } from "./elements.ts";
import { type AttachmentName, fromComment, UNKNOWN_NAME } from "./names.ts";
import { policyFor } from "./policy.ts";
import { listRecords, type MasqueradeRecord, RECORDS, readRecordById } from "./records.ts";
import { nfproto, OWNERS, POLICIES, policyFaults, skeletonFaults, TABLE } from "./tables.ts";

/**
 * How an address stands: `ok`; `missing`, recorded but not in the kernel; `taken` by a later attachment; `no policy`,
 * `other policy`: in the kernel, but its packets go nowhere or elsewhere; `no record`, `no owner`: only the kernel knows
 * of it; `leaving`: its removal has begun and not ended.
 */
export type AddressState =
  | "ok"
  | "missing"
  | "taken"
  | "no policy"
  | "other policy"
  | "no record"
  | "no owner"
  | "leaving";

export interface ListedAddress {
  readonly ip: Ip;
  /** Undefined where nobody knows it any more. */
  readonly prefixLength: number | undefined;
  /** The chain its packets go to; for one that is missing, the chain they should go to. */
  readonly policy: string | undefined;
  /** The first packets of its flows: a nat chain sees no others. Undefined where nothing counts. */
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
  readonly state: AddressState;
}

export interface ListedAttachment extends AttachmentName {
  /** 32 hexadecimal digits; empty for addresses without an owner. */
  readonly id: string;
  /** IPv4 first, in numerical order. */
  readonly addresses: readonly ListedAddress[];
}

export interface Inventory {
  /** In the order of network, container and interface. */
  readonly attachments: readonly ListedAttachment[];
  /** What is wrong with the tables themselves, as phrases. */
  readonly faults: readonly string[];
}

/** Lists all attachments, or those of one network. Throws NetlinkError or SyscallError. */
export function takeInventory(nft: Nftables, network?: string): Inventory {
  const facts = readFacts(nft, network);
  const places = placesIn(facts);
  // Maps and records are read one after the other, and attachments come and go meanwhile.
  for (const place of places) if (stateOf(facts, place) !== "ok") readAgain(nft, facts, place);
  const attachments = groupByAttachment(
    facts,
    places.filter((place) => isThere(facts, place)),
  );
  return { attachments, faults: faultsOfTables(nft, facts) };
}

interface Owner {
  readonly ip: Ip;
  readonly id: string;
  readonly comment: string | undefined;
}

interface Policed {
  readonly ip: Ip;
  readonly chain: string | undefined;
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
}

interface Known {
  readonly record: MasqueradeRecord;
  readonly isLeaving: boolean;
  /** By address as text. */
  readonly claims: ReadonlyMap<string, { readonly cidr: string; readonly policy: string }>;
}

/** All that was read: owners and policies by address, records by id. */
interface Facts {
  readonly owners: Map<string, Owner>;
  readonly policies: Map<string, Policed>;
  readonly records: Map<string, Known>;
}

/** An address of an attachment (by id), or of nobody (""). */
interface Place {
  readonly id: string;
  readonly address: string;
  readonly ip: Ip;
}

function mapOf(family: Family, set: string): { family: number; table: string; set: string } {
  return { family: nfproto(family), table: TABLE, set };
}

function readMap(nft: Nftables, family: Family, set: string): Element[] {
  try {
    return listElements(nft.connection, mapOf(family, set));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

function readFacts(nft: Nftables, network: string | undefined): Facts {
  const wanted = network === undefined ? undefined : networkId(network);
  const prefix = wanted === undefined ? "" : idText(wanted);
  const facts: Facts = { owners: new Map(), policies: new Map(), records: new Map() };
  for (const family of [4, 6] as const) {
    for (const element of readMap(nft, family, OWNERS)) {
      const id = idOf(element);
      if (id !== undefined && (wanted === undefined || isOfNetwork(id, wanted))) addOwner(facts, element);
    }
    for (const element of readMap(nft, family, POLICIES)) {
      const address = formatIp(element.key);
      if (wanted === undefined || facts.owners.has(address)) facts.policies.set(address, policed(element));
    }
  }
  for (const [id, known] of readRecords()) if (id.startsWith(prefix)) facts.records.set(id, known);
  return facts;
}

function addOwner(facts: Facts, element: Element): void {
  const id = idOf(element);
  if (id === undefined) return;
  facts.owners.set(formatIp(element.key), { ip: element.key, id: idText(id), comment: element.comment });
}

function policed(element: Element): Policed {
  const counter = element.expressions?.find((expression) => expression.kind === "counter");
  return { ip: element.key, chain: chainOf(element), packets: counter?.packets, bytes: counter?.bytes };
}

function readRecords(): Map<string, Known> {
  const records = new Map<string, Known>();
  const live = liveIds();
  for (const record of listRecords()) {
    const id = idText(attachmentId(record.attachment));
    // An ADD may have come after a DEL that never ended; the ADD's record counts.
    const current = records.has(id) && live.has(id) ? (readRecordById(id) ?? record) : record;
    records.set(id, known(current, !live.has(id)));
  }
  return records;
}

/** The file of a live attachment's record is named after its id; while it is being removed it has another name. */
function liveIds(): ReadonlySet<string> {
  try {
    return new Set(readDirectory(RECORDS));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return new Set();
    throw error;
  }
}

function known(record: MasqueradeRecord, isLeaving: boolean): Known {
  const claims = record.addresses.map((claim) => [claim.cidr.slice(0, claim.cidr.indexOf("/")), claim] as const);
  return { record, isLeaving, claims: new Map(claims) };
}

function placesIn(facts: Facts): Place[] {
  const places: Place[] = [];
  for (const [address, { id, ip }] of facts.owners) places.push({ id, address, ip });
  for (const [id, { claims, isLeaving }] of facts.records) {
    for (const [address, { cidr }] of isLeaving ? [] : claims) {
      const ip = parseCidr(cidr)?.ip;
      if (ip !== undefined && facts.owners.get(address)?.id !== id) places.push({ id, address, ip });
    }
  }
  for (const [address, { ip }] of facts.policies) if (!facts.owners.has(address)) places.push({ id: "", address, ip });
  return places;
}

function stateOf({ owners, policies, records }: Facts, { id, address }: Place): AddressState {
  const owner = owners.get(address);
  if (owner === undefined) return id === "" ? "no owner" : "missing";
  if (owner.id !== id) return "taken";
  const policy = policies.get(address);
  if (policy === undefined) return "no policy";
  const record = records.get(id);
  const claim = record?.claims.get(address);
  if (record === undefined || claim === undefined) return "no record";
  if (record.isLeaving) return "leaving";
  return policy.chain === claim.policy ? "ok" : "other policy";
}

/** Asks for one address alone, so that what looked wrong is not just something that changed between two readings. */
function readAgain(nft: Nftables, facts: Facts, { id, address, ip }: Place): void {
  const owner = getElement(nft.connection, mapOf(familyOf(ip), OWNERS), ip);
  const policy = getElement(nft.connection, mapOf(familyOf(ip), POLICIES), ip);
  facts.owners.delete(address);
  facts.policies.delete(address);
  if (owner !== undefined) addOwner(facts, owner);
  if (policy !== undefined) facts.policies.set(address, policed(policy));
  const record = id === "" ? undefined : readRecordById(id);
  if (record !== undefined) facts.records.set(id, known(record, false));
  else if (facts.records.get(id)?.isLeaving === false) facts.records.delete(id);
}

/** Whether there is still something to show: an element of this owner, a claim, or a policy without an owner. */
function isThere({ owners, policies, records }: Facts, { id, address }: Place): boolean {
  if (id === "") return policies.has(address) && !owners.has(address);
  const record = records.get(id);
  return owners.get(address)?.id === id || (record?.isLeaving === false && record.claims.has(address));
}

function groupByAttachment(facts: Facts, places: readonly Place[]): ListedAttachment[] {
  const groups = new Map<string, { name: AttachmentName; addresses: ListedAddress[] }>();
  for (const place of places) {
    const own = facts.owners.get(place.address);
    const comment = fromComment(own?.id === place.id ? own.comment : undefined);
    const record = facts.records.get(place.id)?.record;
    const name = record === undefined ? comment : { ...record.attachment, isCut: false };
    const group = groups.get(place.id) ?? { name: UNKNOWN_NAME, addresses: [] };
    if (name !== undefined) group.name = name;
    group.addresses.push(listed(facts, place, comment?.prefixLength));
    groups.set(place.id, group);
  }
  return [...groups]
    .map(([id, { name, addresses }]) => ({
      id,
      network: name.network,
      containerId: name.containerId,
      ifname: name.ifname,
      isCut: name.isCut,
      addresses: addresses.sort((a, b) => compareIp(a.ip, b.ip)),
    }))
    .sort(compareAttachments);
}

function listed(facts: Facts, place: Place, commented: number | undefined): ListedAddress {
  const state = stateOf(facts, place);
  const claim = facts.records.get(place.id)?.claims.get(place.address);
  // Of an address that another attachment has taken, the element counts for that one.
  const policy = state === "taken" || state === "missing" ? undefined : facts.policies.get(place.address);
  return {
    ip: place.ip,
    prefixLength: (claim === undefined ? undefined : parseCidr(claim.cidr)?.prefixLength) ?? commented,
    policy: policy?.chain ?? (state === "no policy" ? undefined : claim?.policy),
    packets: policy?.packets,
    bytes: policy?.bytes,
    state,
  };
}

/** What nobody can name comes last. */
function compareAttachments(a: ListedAttachment, b: ListedAttachment): number {
  for (const key of ["network", "containerId", "ifname", "id"] as const) {
    const [left, right] = [a[key], b[key]];
    if (left === right) continue;
    if (left === undefined || right === undefined) return left === undefined ? 1 : -1;
    return left < right ? -1 : 1;
  }
  return 0;
}

/** What is wrong with the tables that the addresses need, and with the chains of their policies. */
function faultsOfTables(nft: Nftables, { owners, policies, records }: Facts): string[] {
  const claims = [...records.values()].flatMap(({ claims: of, isLeaving }) => (isLeaving ? [] : [...of.values()]));
  const faults: string[] = [];
  for (const family of [4, 6] as const) {
    const isOwn = (ip: Ip | undefined): boolean => ip !== undefined && familyOf(ip) === family;
    const inKernel = [...owners.values(), ...policies.values()].some(({ ip }) => isOwn(ip));
    const own = claims.flatMap(({ cidr, policy }) => {
      const address = parseCidr(cidr);
      return address !== undefined && isOwn(address.ip) ? [{ address, policy }] : [];
    });
    if (!inKernel && own.length === 0) continue;
    const skeleton = skeletonFaults(nft, family);
    faults.push(...skeleton.map(({ text }) => text));
    if (skeleton.some(({ isWhole }) => isWhole)) continue;
    const chains = new Map(own.map(({ address, policy }) => [policy, address]));
    for (const [chain, address] of chains) {
      const policy = policyFor(address);
      if (policy.chain === chain) faults.push(...policyFaults(nft, family, policy).map(({ text }) => text));
    }
  }
  return faults;
}
