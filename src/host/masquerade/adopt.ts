// `bauta adopt`: what containernetworking/plugins' nftables back end masquerades moves into our maps, and its rules go, in
// one transaction: no packet leaves with a wrong source.

import type { Nftables } from "../../nftables/batch.ts";
import type { Command } from "../../nftables/message.ts";
import { deleteRule } from "../../nftables/rule.ts";
import { deleteTable, getTable } from "../../nftables/table.ts";
import { makeDirectories, remove, writeFile } from "../../sys/file.ts";
import { host } from "../../sys/host.ts";
import { type Cidr, formatIp } from "../../wire/ip.ts";
import { type Attachment, attachmentId, idText } from "../attachment.ts";
import { sha512Hex } from "../sha512.ts";
import { untilCommitted } from "../transactions.ts";
import { type LiveRecord, readLiveRecords } from "./live-records.ts";
import { policyFor } from "./policy.ts";
import { type ClaimedAddress, type DisplacedClaim, RECORDS } from "./records.ts";
import { carryOut, planFor } from "./restore.ts";
import { cachedResults, holderOf, resultName } from "./runtime-files.ts";
import {
  parseUpstreamComment,
  readUpstreamRules,
  UPSTREAM,
  type UpstreamName,
  type UpstreamRule,
} from "./upstream-rules.ts";

/** An attachment that is ours from now on. */
export interface Adopted {
  readonly attachment: Attachment;
  /** With their prefix lengths. */
  readonly addresses: readonly string[];
}

export interface Adoption {
  readonly adopted: readonly Adopted[];
  /** Rules that are left, and why, each as a phrase. */
  readonly left: readonly string[];
  /** What could not be put into our tables, each as a phrase. */
  readonly problems: readonly string[];
}

/** Moves upstream's rules into our maps; with `isDryRun` it only tells. Throws NetlinkError or SyscallError. */
export function adopt(nft: Nftables, isDryRun: boolean): Adoption {
  const written = new Set<string>();
  return untilCommitted(nft, (generation) => {
    const genid = generation();
    const rules = readUpstreamRules(nft);
    const { records, removed, left } = sortOut(rules);
    const adopted = records.map(({ record: { attachment, addresses } }) => ({
      attachment,
      addresses: addresses.map(({ cidr }) => cidr),
    }));
    if (isDryRun || records.length === 0) return { adopted, left, problems: [] };
    const all = joined(readLiveRecords(), records, written);
    writeRecords(records, all, written);
    // Upstream's plugins may be at work: the table goes only if they have added nothing since.
    const removal = removalOf(nft, removed, left.length === 0 && genid !== undefined);
    const { problems } = carryOut(nft, planFor(nft, [...all.values()]), genid, removal);
    return { adopted, left, problems };
  });
}

/** Rules by attachment, and what can't be attributed. */
function sortOut(rules: readonly UpstreamRule[]): {
  records: LiveRecord[];
  removed: readonly UpstreamRule[];
  left: string[];
} {
  const identify = new Identifier();
  const byId = new Map<string, { attachment: Attachment; addresses: ClaimedAddress[]; displaced: DisplacedClaim[] }>();
  const holders = new Map<string, DisplacedClaim>();
  const removed: UpstreamRule[] = [];
  const left: string[] = [];
  for (const rule of rules) {
    const found = identify.identify(rule);
    if (typeof found === "string") {
      left.push(`rule with handle ${rule.handle}: ${found}`);
      continue;
    }
    removed.push(rule);
    const { attachment, id, cidr } = found;
    const group = byId.get(id) ?? { attachment, addresses: [], displaced: [] };
    byId.set(id, group);
    const ip = formatIp(cidr.ip);
    const claim = { cidr: `${ip}/${cidr.prefixLength}`, policy: identify.chainOf(cidr) };
    if (group.addresses.some((one) => one.cidr === claim.cidr)) continue;
    group.addresses.push(claim);
    // The same address twice: the later rule is the later claim, as in our maps.
    const before = holders.get(ip);
    if (before !== undefined && before.owner !== id) group.displaced.push(before);
    holders.set(ip, { owner: id, cidr: claim.cidr, policy: claim.policy });
  }
  return { records: [...byId].map(([id, record]) => ({ id, record })), removed, left };
}

/** An attachment that has a record already keeps what that says, and gets what upstream's rules say besides. */
function joined(
  live: readonly LiveRecord[],
  adopted: readonly LiveRecord[],
  written: ReadonlySet<string>,
): Map<string, LiveRecord> {
  const all = new Map(live.filter(({ id }) => !written.has(id)).map((one) => [one.id, one]));
  for (const { id, record } of adopted) {
    const own = all.get(id)?.record;
    if (own === undefined) all.set(id, { id, record });
    else {
      const has = new Set(own.addresses.map(({ cidr }) => cidr));
      const addresses = [...own.addresses, ...record.addresses.filter(({ cidr }) => !has.has(cidr))];
      all.set(id, { id, record: { ...own, addresses } });
    }
  }
  return all;
}

/** Nobody knows of these attachments yet, so that a file which is half written when the power fails is no loss. */
function writeRecords(
  adopted: readonly LiveRecord[],
  all: ReadonlyMap<string, LiveRecord>,
  written: Set<string>,
): void {
  makeDirectories(RECORDS, 0o700);
  const now = new Set(adopted.map(({ id }) => id));
  for (const id of written) if (!now.has(id)) remove(`${RECORDS}/${id}`); // upstream's DEL has come in between
  for (const id of now) {
    const one = all.get(id);
    if (one !== undefined) writeFile(`${RECORDS}/${id}`, `${JSON.stringify(one.record)}\n`, { mode: 0o600 });
    written.add(id);
  }
}

/** Chains and hooks that upstream makes: masq_checks and postrouting. */
const UPSTREAM_USE = 2;

function removalOf(nft: Nftables, removed: readonly UpstreamRule[], mayDeleteTable: boolean): Command[] {
  const table = { family: UPSTREAM.family, name: UPSTREAM.table };
  if (mayDeleteTable && getTable(nft.connection, table)?.use === UPSTREAM_USE) return [deleteTable(table)];
  return removed.map(({ handle }) => deleteRule({ ...UPSTREAM, handle }));
}

/** What a rule is about: an attachment, and one of its addresses. */
interface Identified {
  readonly attachment: Attachment;
  readonly id: string;
  readonly cidr: Cidr;
}

/** So many digits of a container's id are enough, where nobody gives ids by hand: 128 bits. */
const CERTAIN = /^[0-9a-f]{32,}$/;

class Identifier {
  #cached: readonly string[] | undefined;
  readonly #attachments = new Map<string, { attachment: Attachment; id: string } | string>();
  readonly #chains = new Map<string, string>();

  /** Whose rule it is, or why nobody can tell. */
  identify({ comment, cidr }: UpstreamRule): Identified | string {
    if (cidr === undefined) return "it is not as upstream's plugins make it";
    const known = this.#attachments.get(comment) ?? this.#find(comment, cidr);
    this.#attachments.set(comment, known);
    return typeof known === "string" ? known : { attachment: known.attachment, id: known.id, cidr };
  }

  #find(comment: string, cidr: Cidr): { attachment: Attachment; id: string } | string {
    const name = parseUpstreamComment(comment);
    if (name === undefined) return "its comment names no attachment";
    const attachment = wholeName(name) ?? this.#complete(name, cidr);
    if (typeof attachment === "string") return attachment;
    return { attachment, id: idText(attachmentId(attachment)) };
  }

  /** Finds the container of a comment that had no room for its id. */
  #complete(name: UpstreamName, cidr: Cidr): Attachment | string {
    const { network, ifname, containerId: beginning } = name;
    if (network === undefined || ifname === undefined || beginning === undefined) {
      return "its comment is cut before the container's id";
    }
    const holder = holderOf(network, cidr.ip);
    if (holder?.containerId.startsWith(beginning) === true) {
      const attachment = { ...holder, ifname };
      if (CERTAIN.test(beginning) || isHashOf(name, attachment)) return attachment;
    }
    this.#cached ??= [...cachedResults()];
    for (const file of this.#cached) {
      if (!file.startsWith(`${network}-${beginning}`) || !file.endsWith(`-${ifname}`)) continue;
      const containerId = file.slice(network.length + 1, file.length - ifname.length - 1);
      const attachment = { network, containerId, ifname };
      if (resultName(attachment) === file && isHashOf(name, attachment)) return attachment;
    }
    return `its comment is cut (${beginning}…), and neither host-local nor a container runtime's record has the rest`;
  }

  /** The chain of the plain policy; of many addresses in one subnet it is the same. */
  chainOf({ ip, prefixLength }: Cidr): string {
    const key = `${ip.subarray(0, (prefixLength + 7) >> 3).join(".")}/${prefixLength}`;
    const chain = this.#chains.get(key) ?? policyFor({ ip, prefixLength }).chain;
    this.#chains.set(key, chain);
    return chain;
  }
}

function wholeName({ network, ifname, containerId, isCut }: UpstreamName): Attachment | undefined {
  if (isCut || network === undefined || ifname === undefined || containerId === undefined) return undefined;
  return { network, ifname, containerId };
}

function isHashOf({ hash }: UpstreamName, { ifname, containerId }: Attachment): boolean {
  return sha512Hex(host.encode(`${ifname}:${containerId}`)).startsWith(hash);
}
