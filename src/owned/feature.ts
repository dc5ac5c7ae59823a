// What a feature is: something that attachments own in the kernel, from the ADD that makes it to the DEL that takes it away.
// IP masquerade is one, MAC spoof checking another. Plugins call a feature by name; the command asks all of them.

import type { Attachment } from "../cni/attachment.ts";
import type { JsonObject } from "../cni/json.ts";
import type { Element } from "../nftables/element.ts";
import type { Nftables } from "../nftables/nftables.ts";
import type { Cidr, Ip } from "../wire/ip.ts";
import type { Keep } from "./commit.ts";
import type { TryOut } from "./tried-out.ts";

/**
 * A feature. `Wanted` is what ADD and CHECK are told besides the attachment's names: a port and a MAC address, say. A list of
 * features is a `Feature[]`, whose `Wanted` is never: nobody can call setUp or faults without knowing which feature it is.
 * @public
 */
export interface Feature<Wanted = never> {
  /** The key of the configuration that asks for it: `ipMasq`, `macspoofchk`. */
  readonly name: string;

  /**
   * ADD: makes what the attachment is to own, and its record first. `netns` is the path of the container's network namespace,
   * for the record. What is there of an attachment of this name is a leftover and is replaced. Throws CniError, NetlinkError
   * or SyscallError; call tearDown then.
   */
  setUp(attachment: Attachment, wanted: Wanted, netns?: string): void;

  /**
   * DEL: takes away what the attachment owns, unless it has become another's, and then its record. Does nothing, without an
   * error, where there is nothing. `hints` are addresses of the attachment that the caller knows of, from a prevResult say.
   * `keep` is of closingLast. Throws NetlinkError or SyscallError.
   */
  tearDown(attachment: Attachment, hints: readonly Cidr[], keep?: Keep): void;

  /** CHECK: what is missing or altered, each as a phrase; empty when all is well. Throws NetlinkError or SyscallError. */
  faults(attachment: Attachment, wanted: Wanted): readonly string[];

  /** GC: tears down every attachment of the network that is not among the valid ones. Throws NetlinkError or SyscallError. */
  collect(network: string, valid: readonly Attachment[]): void;

  /**
   * STATUS: why this node cannot do it now, or undefined when it can. `tryOut` makes the attempts that this takes: absent, by
   * tryOutOnce, which leaves marks.
   */
  unavailable(tryOut?: TryOut): string | undefined;

  /**
   * `bauta restore`: puts back what the records of live attachments tell of and the kernel does not have. `nft` is undefined
   * where the kernel has no nf_tables. Throws NetlinkError or SyscallError.
   */
  restore(nft: Nftables | undefined): Restoration;

  /**
   * `bauta list`: what attachments own, by the kernel and the records, of all networks or of one. `nft` is undefined where the
   * kernel has no nf_tables. Throws NetlinkError or SyscallError.
   */
  inventory(nft: Nftables | undefined, network?: string): Inventory;

  /** `bauta gc`: the records, also of attachments whose removal was begun and has not ended. Throws SyscallError. */
  records(): readonly OwnedRecord[];

  /** The record of one attachment, or undefined where there is none. Throws SyscallError. */
  recordOf(attachment: Attachment): OwnedRecord | undefined;

  /** The attachment of the live record with this id (32 hexadecimal digits), or undefined. Throws SyscallError. */
  attachmentById(id: string): Attachment | undefined;

  /**
   * `bauta adopt`: moves what containernetworking/plugins have made for attachments to where it is ours; with `isDryRun` it
   * only tells. Absent where there is nothing to move. Throws NetlinkError, SyscallError or IptablesError.
   */
  adopt?(nft: Nftables, isDryRun: boolean): Adoption;

  /**
   * `bauta explain`: what becomes of a packet by other means than rules, as phrases. `way` is seen from the container: whether it
   * receives the packet or sends it; `peer` is the address of the other side. Absent where there are rules alone. Throws
   * NetlinkError or SyscallError.
   */
  effects?(attachment: Attachment, way: "ingress" | "egress", peer: Ip): readonly string[];

  /** `bauta monitor`: the private tables, and how to tell whose an element in them is. */
  readonly tables: readonly OwnTable[];
}

/** What is known of an attachment's names; undefined where nothing is. */
export interface AttachmentName {
  readonly network: string | undefined;
  readonly containerId: string | undefined;
  readonly ifname: string | undefined;
  /** Whether the last of the names that are there was cut, because it comes from a comment that had no room for it. */
  readonly isCut: boolean;
}

/**
 * How something that is owned stands: `ok`; `missing`, recorded but not in the kernel; `taken` by a later attachment;
 * `no-policy`, `other-policy`: in the kernel, but its packets go nowhere or elsewhere; `no-record`, `no-owner`: only the
 * kernel knows of it; `leaving`: its removal has begun and not ended; `unknown`: it cannot be read.
 */
export type OwnedState =
  | "ok"
  | "missing"
  | "taken"
  | "no-policy"
  | "other-policy"
  | "no-record"
  | "no-owner"
  | "leaving"
  | "unknown";

/** One thing that an attachment owns: an address under masquerade, a guarded port. */
export interface ListedItem {
  /** What people know it by: `10.22.0.5/16`, `0a:58:0a:16:00:05`. */
  readonly address: string;
  /** What holds for it: the chain of a policy, or the feature and the port. Undefined where nothing does. */
  readonly policy: string | undefined;
  /** Undefined where nothing counts. */
  readonly packets: bigint | undefined;
  readonly bytes: bigint | undefined;
  readonly state: OwnedState;
}

/** What one attachment owns by one feature. */
export interface ListedAttachment {
  /** 32 hexadecimal digits; empty for things without an owner. */
  readonly id: string;
  readonly name: AttachmentName;
  /** The options in force, by its record; undefined where there are none. */
  readonly options: JsonObject | undefined;
  readonly items: readonly ListedItem[];
}

/** What attachments own by one feature. */
export interface Inventory {
  /** In the order of network, container and interface; what nobody can name comes last. */
  readonly attachments: readonly ListedAttachment[];
  /** What is wrong with the feature's tables themselves, as phrases. */
  readonly faults: readonly string[];
}

/** What `bauta restore` has put back. */
export interface Restoration {
  /** The ids of the live attachments, as text. */
  readonly attachments: readonly string[];
  /** How many of the things that they own were missing or altered. */
  readonly restored: number;
  /** What was wrong with the tables themselves, as phrases. */
  readonly mended: readonly string[];
  /** What was passed over because it is no record, each as a phrase. */
  readonly passedOver: readonly string[];
  /** What could not be put back or mended, and why, each as a phrase. */
  readonly problems: readonly string[];
}

/** An attachment that is ours from now on. */
export interface Adopted {
  readonly attachment: Attachment;
  /** What it owns, as people know it: addresses with their prefix lengths, say. */
  readonly addresses: readonly string[];
}

/** What `bauta adopt` has moved. */
export interface Adoption {
  readonly adopted: readonly Adopted[];
  /** Rules that are left, and why, each as a phrase. */
  readonly left: readonly string[];
  /** What could not be put into our tables, each as a phrase. */
  readonly problems: readonly string[];
}

/** A record, as `bauta gc` needs it. */
export interface OwnedRecord {
  readonly attachment: Attachment;
  /** The path of the network namespace that the container was attached in; undefined where nobody knew it. */
  readonly netns: string | undefined;
  /** When it was written, in nanoseconds since 1970; undefined where it is gone by now. Throws SyscallError. */
  readonly written: () => bigint | undefined;
  /** The addresses that it tells of, with their prefix lengths; empty for features that own none. */
  readonly addresses: readonly Cidr[];
}

/** A private table of one feature. */
export interface OwnTable {
  /** NFPROTO_ of include/uapi/linux/netfilter.h: the families that have a table of this name. */
  readonly families: readonly number[];
  readonly table: string;
  /** The set or map whose elements name an attachment: its id, and the names in the comment. */
  readonly owners: string;
  /** The names in the comment of such an element; undefined where it tells none. */
  nameIn(comment: string | undefined): AttachmentName | undefined;
  /**
   * What an element is known by, so that elements of one attachment are told to belong together: the text of the id first,
   * where it says that, and then what other elements say, too. Empty for sets that are not the feature's.
   */
  keysOf(set: string, element: Element): readonly string[];
}
