// What the kernel's tables should hold by the word of the records.

import type { JsonObject } from "../../cni/json.ts";
import { writeComment } from "../../owned/comment.ts";
import { idBytes } from "../../owned/id.ts";
import { type Family, familyOf, type Ip, parseCidr } from "../../wire/ip.ts";
import { type Excluded, readExcluded } from "../options/exclude-file.ts";
import { type MasqueradeOptions, PLAIN, readOptions } from "../options/options.ts";
import type { NewAddress } from "./elements.ts";
import { DestinationSets, type Policy, policyFor } from "./policy.ts";
import { baseOf } from "./policy-name.ts";
import { type LiveRecord, type MasqueradeRecord, type RecordedAddress, records } from "./records.ts";

/** An address that an attachment should own. The chain is the record's; the policy's other chain may be needed instead. */
export interface WantedAddress extends NewAddress {
  /** The attachment's id as text. */
  readonly owner: string;
}

/** What one family's table should hold. */
export interface WantedTable {
  /** By address, without its prefix length. */
  readonly addresses: ReadonlyMap<string, WantedAddress>;
  /** By name of the chain that goes by the network. */
  readonly policies: ReadonlyMap<string, Policy>;
}

export interface Wanted {
  readonly tables: Readonly<Record<Family, WantedTable>>;
  /** The files of excluded destinations that policies are made with. */
  readonly files: readonly Excluded[];
  /** Attachments left out, and why, each as a phrase. */
  readonly problems: readonly string[];
}

/** An attachment that should own an address by the word of its record. */
interface Candidate {
  readonly live: LiveRecord;
  readonly address: RecordedAddress;
}

/** Where two records have one address, the newest candidate gets it. Throws SyscallError. */
export function wantedBy(all: readonly LiveRecord[]): Wanted {
  const collector = new Collector();
  const candidates = new Map<string, Candidate>();
  for (const live of all) {
    for (const address of live.record.addresses) {
      const ip = address.cidr.slice(0, address.cidr.indexOf("/"));
      const other = candidates.get(ip);
      const candidate = { live, address };
      candidates.set(ip, other === undefined ? candidate : newer(ip, other, candidate));
    }
  }
  for (const [ip, candidate] of candidates) collector.add(ip, candidate);
  return collector.wanted();
}

/** A candidate that has displaced the other is the newer one. Where neither has, the times of the records tell. */
function newer(ip: string, a: Candidate, b: Candidate): Candidate {
  const hasDisplaced = (one: Candidate, other: Candidate): boolean =>
    one.live.record.displaced.some(({ owner, cidr }) => owner === other.live.id && cidr.startsWith(`${ip}/`));
  if (hasDisplaced(a, b)) return a;
  if (hasDisplaced(b, a)) return b;
  return (records.time(a.live.id) ?? 0n) > (records.time(b.live.id) ?? 0n) ? a : b;
}

class Collector {
  readonly #addresses: Record<Family, Map<string, WantedAddress>> = { 4: new Map(), 6: new Map() };
  readonly #policies: Record<Family, Map<string, Policy>> = { 4: new Map(), 6: new Map() };
  /** By the `listKey` of the options. */
  readonly #files = new Map<string, Excluded>();
  readonly #lists = new DestinationSets();
  readonly #problems = new Set<string>();
  readonly #options = new Map<JsonObject, MasqueradeOptions>();
  readonly #ids = new Map<string, Uint8Array>();

  add(ip: string, { live, address }: Candidate): void {
    const cidr = parseCidr(address.cidr);
    if (cidr === undefined) return;
    const family = familyOf(cidr.ip);
    const chain = baseOf(address.policy);
    if (!this.#policies[family].has(chain) && !this.#addPolicy(family, cidr, chain, live.record)) return;
    this.#addresses[family].set(ip, {
      owner: live.id,
      ip: cidr.ip,
      id: this.#idOf(live.id),
      comment: writeComment(live.record.attachment, address.cidr),
      chain: address.policy,
      isStrict: address.isStrict === true,
    });
  }

  #idOf(id: string): Uint8Array {
    const bytes = this.#ids.get(id) ?? idBytes(id);
    this.#ids.set(id, bytes);
    return bytes;
  }

  /** Returns false where the policy can't be made. */
  #addPolicy(
    family: Family,
    cidr: { readonly ip: Ip; readonly prefixLength: number },
    chain: string,
    { attachment, options }: MasqueradeRecord,
  ): boolean {
    try {
      const read = this.#read(options);
      const file = this.#files.get(read.listKey) ?? readExcluded(read);
      this.#files.set(read.listKey, file);
      // Made here, where a list that makes no sense stops only the attachments that have the list.
      const contents = policyFor(cidr, read, file.prefixes, this.#lists).contents();
      this.#policies[family].set(chain, { chain, contents: () => contents });
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const { containerId, ifname, network } = attachment;
      this.#problems.add(`${containerId} ${ifname} on ${network}: ${reason}`);
      return false;
    }
  }

  /** Records with the same options have the same object. */
  #read(options: JsonObject | undefined): MasqueradeOptions {
    if (options === undefined) return PLAIN;
    const read = this.#options.get(options) ?? readOptions(options);
    this.#options.set(options, read);
    return read;
  }

  wanted(): Wanted {
    const table = (family: Family): WantedTable => ({
      addresses: this.#addresses[family],
      policies: this.#policies[family],
    });
    return { tables: { 4: table(4), 6: table(6) }, files: [...this.#files.values()], problems: [...this.#problems] };
  }
}
