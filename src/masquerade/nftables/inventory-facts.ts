// What the kernel's maps and the records say, read one after the other and put side by side: see inventory.ts.

import type { Attachment } from "../../cni/attachment.ts";
import type { JsonObject } from "../../cni/json.ts";
import { type Element, getElement } from "../../nftables/element.ts";
import type { Counted } from "../../nftables/element-cursor.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import type { OwnedState } from "../../owned/feature.ts";
import { idText, isOfNetwork, networkId } from "../../owned/id.ts";
import { type Family, formatIp, type Ip, parseIp } from "../../wire/ip.ts";
import { chainOf, eachOf, idOf } from "./elements.ts";
import { baseOf, goesByNetwork } from "./policy-name.ts";
import { type MasqueradeRecord, records } from "./records.ts";
import { EXCEPTIONS, MEMBERS, OWNERS, POLICIES, setIn } from "./table-names.ts";

/** What the element of an address in `owners` says. */
interface Owner {
  readonly id: string;
  /** Read only where something looks wrong: otherwise the record knows more. */
  readonly comment: string | undefined;
}

/** What the elements of an address in `policies`, `members` and `exceptions` say. */
interface PolicyElements {
  readonly chain: string | undefined;
  /** Where its packets go: to that chain, if all is well. */
  ledTo: string | undefined;
  counted: Counted | undefined;
}

/** One address in a record, taken apart. */
export interface RecordEntry {
  readonly ip: string;
  readonly prefixLength: number;
  readonly policy: string;
}

/** A record, taken apart for comparison. */
interface ReadRecord {
  readonly attachment: Attachment;
  readonly isLeaving: boolean;
  readonly entries: readonly RecordEntry[];
  /** The "ipMasqOptions" in force; undefined where there are none. */
  readonly options: JsonObject | undefined;
}

/** All that was read: owners and policies by address as text, records by id. */
export interface Facts {
  readonly owners: Map<string, Owner>;
  readonly policies: Map<string, PolicyElements>;
  readonly records: Map<string, ReadRecord>;
  /** What could not be read as a record, each as a phrase. */
  readonly problems: readonly string[];
}

/** An address, and the id of the attachment that owns it, or should own it; "" where there is none. */
export interface Ownership {
  readonly id: string;
  readonly ip: string;
}

/** Reads all, or what concerns one network. Throws NetlinkError or SyscallError. */
export function readFacts(nft: Nftables, network: string | undefined): Facts {
  const wanted = network === undefined ? undefined : networkId(network);
  const facts: Facts = { owners: new Map(), policies: new Map(), records: new Map(), problems: [] };
  for (const family of [4, 6] as const) {
    eachOf(nft, family, OWNERS, (element) => {
      const id = element.value();
      if (id === undefined || (wanted !== undefined && !isOfNetwork(id, wanted))) return;
      facts.owners.set(formatIp(element.key()), { id: idText(id), comment: undefined });
    });
    eachOf(nft, family, POLICIES, (element) => {
      const ip = formatIp(element.key());
      if (wanted !== undefined && !facts.owners.has(ip)) return;
      facts.policies.set(ip, { chain: element.chain(), ledTo: undefined, counted: undefined });
    });
    eachOf(nft, family, MEMBERS, (element) => {
      const policy = facts.policies.get(formatIp(element.key()));
      if (policy !== undefined) leadByNetwork(family, policy, element.counter());
    });
    eachOf(nft, family, EXCEPTIONS, (element) => {
      const policy = facts.policies.get(formatIp(element.key()));
      if (policy !== undefined) lead(policy, element.chain(), element.counter());
    });
  }
  const problems = readRecords(facts, wanted === undefined ? "" : idText(wanted));
  return { ...facts, problems };
}

function lead(policy: PolicyElements, ledTo: string | undefined, counted: Counted | undefined): void {
  policy.ledTo = ledTo;
  policy.counted = counted;
}

/** Packets of a member come by its network, which can only lead to a chain that has one. */
function leadByNetwork(family: Family, policy: PolicyElements, counted: Counted | undefined): void {
  const { chain } = policy;
  if (chain !== undefined && goesByNetwork(family, chain)) lead(policy, chain, counted);
}

function countedBy(element: Element): Counted | undefined {
  const counter = element.expressions?.find((expression) => expression.kind === "counter");
  const { packets = 0n, bytes = 0n } = counter ?? {};
  return counter && { packets, bytes };
}

function readRecords(facts: Facts, prefix: string): readonly string[] {
  const { live, leaving, problems } = records.survey((id) => id.startsWith(prefix));
  for (const { id, record } of live) facts.records.set(id, readRecord(record, false));
  for (const { id, record } of leaving) facts.records.set(id, readRecord(record, true));
  return problems;
}

function readRecord({ attachment, addresses, options }: MasqueradeRecord, isLeaving: boolean): ReadRecord {
  const entries = addresses.map(({ cidr, policy }): RecordEntry => {
    const slash = cidr.indexOf("/");
    return { ip: cidr.slice(0, slash), prefixLength: Number(cidr.slice(slash + 1)), policy };
  });
  return { attachment, isLeaving, entries, options };
}

/** The entry of a record for an address. */
export function entryFor(record: ReadRecord | undefined, ip: string): RecordEntry | undefined {
  return record?.entries.find((entry) => entry.ip === ip);
}

/** Every ownership that the kernel's maps or the records tell of. */
export function ownershipsIn({ owners, policies, records }: Facts): Ownership[] {
  const ownerships: Ownership[] = [];
  for (const [ip, { id }] of owners) ownerships.push({ id, ip });
  for (const [id, { entries, isLeaving }] of records) {
    for (const { ip } of entries) if (!isLeaving && owners.get(ip)?.id !== id) ownerships.push({ id, ip });
  }
  for (const ip of policies.keys()) if (!owners.has(ip)) ownerships.push({ id: "", ip });
  return ownerships;
}

/** How an address stands. */
export function stateOf({ owners, policies, records }: Facts, { id, ip }: Ownership): OwnedState {
  const owner = owners.get(ip);
  if (owner === undefined) return id === "" ? "no-owner" : "missing";
  if (owner.id !== id) return "taken";
  const policy = policies.get(ip);
  if (policy?.ledTo === undefined) return "no-policy";
  const record = records.get(id);
  const entry = entryFor(record, ip);
  if (record === undefined || entry === undefined) return "no-record";
  if (record.isLeaving) return "leaving";
  if (policy.ledTo === entry.policy && policy.chain === entry.policy) return "ok";
  const isItsOwn = policy.ledTo === policy.chain && baseOf(policy.ledTo) === baseOf(entry.policy);
  return isItsOwn ? "ok" : "other-policy";
}

/** Reads one address again, alone: what looked wrong may have changed between the reading of the maps and of the records. */
export function readAgain(nft: Nftables, facts: Facts, { id, ip }: Ownership): void {
  const key = parseIp(ip);
  if (key === undefined) return;
  const family = key.length === 4 ? 4 : 6;
  const owner = getElement(nft.connection, setIn(family, OWNERS), key);
  const policy = readPolicy(nft, family, key);
  const ownerId = idOf(owner);
  facts.owners.delete(ip);
  facts.policies.delete(ip);
  if (ownerId !== undefined) facts.owners.set(ip, { id: idText(ownerId), comment: owner?.comment });
  if (policy !== undefined) facts.policies.set(ip, policy);
  const record = id === "" ? undefined : records.byId(id);
  if (record !== undefined) facts.records.set(id, readRecord(record, false));
  else if (facts.records.get(id)?.isLeaving === false) facts.records.delete(id);
}

function readPolicy(nft: Nftables, family: Family, key: Ip): PolicyElements | undefined {
  const get = (set: string): Element | undefined => getElement(nft.connection, setIn(family, set), key);
  const element = get(POLICIES);
  if (element === undefined) return undefined;
  const policy: PolicyElements = { chain: chainOf(element), ledTo: undefined, counted: undefined };
  const [member, exception] = [get(MEMBERS), get(EXCEPTIONS)];
  if (exception !== undefined) lead(policy, chainOf(exception), countedBy(exception));
  else if (member !== undefined) leadByNetwork(family, policy, countedBy(member));
  return policy;
}

/** Whether there is still something to show: an element of this owner, an entry in its record, or a policy without an owner. */
export function isThere({ owners, policies, records }: Facts, { id, ip }: Ownership): boolean {
  if (id === "") return policies.has(ip) && !owners.has(ip);
  const record = records.get(id);
  return owners.get(ip)?.id === id || (record?.isLeaving === false && entryFor(record, ip) !== undefined);
}
