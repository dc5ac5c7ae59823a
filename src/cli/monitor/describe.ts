// What an event says, in nft's words and as fields: a line each, several for a message with several elements.

import { FEATURES } from "../../features.ts";
import type { Message } from "../../netlink/message.ts";
import type { Chain } from "../../nftables/chain.ts";
import type { Element, SetElements } from "../../nftables/element.ts";
import { familyName, readReply } from "../../nftables/message.ts";
import type { Change, NftEvent } from "../../nftables/monitor.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { listSets, type NftSet, type SetName } from "../../nftables/set.ts";
import { NF, NF_BR_PRI, NF_INET, NF_IP_PRI, NF_NETDEV, NFPROTO, NFT_MSG, NFT_SET } from "../../nftables/uapi.ts";
import type { AttachmentName } from "../../owned/feature.ts";
import { attr, attrs } from "../../wire/attrs.ts";
import { cstring } from "../../wire/codec.ts";
import { DecodeError } from "../../wire/error.ts";
import { joinIntervals } from "./intervals.ts";
import type { KnownNames } from "./known-names.ts";
import { KnownPolicies, type KnownPolicy } from "./known-policies.ts";
import { ruleText } from "./rule-text.ts";
import { rangeText, valueText } from "./value-text.ts";

/** One line of the monitor. What does not apply is absent. */
export interface Description {
  readonly change: "add" | "delete";
  readonly kind: "table" | "chain" | "rule" | "set" | "map" | "element" | "object" | "flowtable" | "unknown";
  readonly family: string;
  readonly table: string;
  /** Of a chain or a rule: the chain. */
  readonly chain?: string;
  /** Of a rule, where it has one. */
  readonly comment?: string;
  /** Of a set, a map or an element: the set. */
  readonly set?: string;
  readonly key?: string;
  readonly value?: string;
  /** Of an element of ours: whose it is, if that is known. */
  readonly name?: AttachmentName | undefined;
  /** Of an element of ours, a policy's chain or a rule in one: the policy, if that is known. */
  readonly policy?: KnownPolicy | undefined;
  /** The whole as nft would write it, without the name. */
  readonly text: string;
}

/** What events leave to be known: the types of sets, and the names of attachments. */
export class Describer {
  readonly #names: KnownNames;
  readonly #policies = new KnownPolicies();
  readonly #sets = new Map<string, NftSet>();

  constructor(names: KnownNames) {
    this.#names = names;
  }

  /** Learns what there is. Throws NetlinkError or SyscallError. */
  learnAll(nft: Nftables): void {
    this.#sets.clear();
    for (const set of listSets(nft.connection)) this.#sets.set(nameOf(set), set);
    this.#names.learnAll(nft);
    this.#policies.learnAll(FEATURES.flatMap((feature) => feature.inventory(nft).attachments));
  }

  /** What the transaction says, in the order of its events; a line for each of those that are wanted, or several. */
  describeAll(events: readonly NftEvent[], isWanted: (event: NftEvent) => boolean): Description[] {
    this.#policies.begin(events);
    return joinIntervals(events.filter(isWanted)).flatMap((event) => this.describe(event));
  }

  /** The event as lines; in the order of events. */
  describe(event: NftEvent): Description[] {
    switch (event.kind) {
      case "table":
        return [object(event.change, "table", event.table.family, event.table.name, "")];
      case "chain": {
        const { family, table, name } = event.chain;
        const details = event.change === "new" ? baseChainText(event.chain) : "";
        const policy = this.#policies.ofChain(table, name);
        return [{ ...object(event.change, "chain", family, table, `${name}${details}`), chain: name, policy }];
      }
      case "rule": {
        const { family, table, chain, expressions, comment } = event.rule;
        const policy = this.#policies.ofChain(table, chain);
        const line = object(event.change, "rule", family, table, `${chain} ${ruleText(expressions)}`);
        return [{ ...line, chain, ...(comment === undefined ? {} : { comment }), policy }];
      }
      case "set":
        return [this.#set(event.change, event.set)];
      case "elements":
        return event.elements.elements.map((element) => this.#element(event.change, event.elements, element));
      case "other":
        return [otherObject(event.message)];
    }
  }

  #set(change: Change, set: NftSet): Description {
    // Of a set that is deleted the kernel tells the name only.
    const known = change === "new" ? set : (this.#sets.get(nameOf(set)) ?? set);
    if (change === "new") this.#sets.set(nameOf(set), set);
    else this.#sets.delete(nameOf(set));
    const kind = (known.flags & NFT_SET.MAP) === 0 ? "set" : "map";
    return { ...object(change, kind, set.family, set.table, set.name), set: set.name };
  }

  #element(change: Change, set: SetElements, element: Element): Description {
    const types = this.#sets.get(nameOf({ ...set, name: set.set }));
    const key = keyText(types?.keyType, element);
    const value = element.data === undefined ? element.object : valueText(types?.dataType, element.data);
    const text = `${set.set} { ${value === undefined ? key : `${key} : ${value}`} }`;
    const name = isOurs(set.table) ? this.#names.nameOf(change, set, element) : undefined;
    const fields = value === undefined ? { key } : { key, value };
    const policy = this.#policies.ofElement(set, element);
    return { ...object(change, "element", set.family, set.table, text), set: set.set, ...fields, name, policy };
  }
}

/** Whether a table is one that bauta made. */
export function isOurs(table: string): boolean {
  return table.startsWith("bauta_");
}

/** The table that an event is about; empty where that is not known. */
export function tableOf(event: NftEvent): string {
  switch (event.kind) {
    case "table":
      return event.table.name;
    case "chain":
      return event.chain.table;
    case "rule":
      return event.rule.table;
    case "set":
      return event.set.table;
    case "elements":
      return event.elements.table;
    case "other":
      return ""; // objects and flowtables, which our tables have none of
  }
}

function object(change: Change, kind: Description["kind"], family: number, table: string, rest: string): Description {
  const verb = change === "new" ? "add" : "delete";
  const text = [verb, kind, familyName(family), table, rest].filter((word) => word !== "").join(" ");
  return { change: verb, kind, family: familyName(family), table, text };
}

const nameOf = ({ family, table, name }: SetName): string => `${family} ${table} ${name}`;

function keyText(type: number | undefined, element: Element): string {
  if (element.catchAll === true) return "*";
  if (element.intervalEnd === true) return `end ${valueText(type, element.key)}`;
  return rangeText(type, element.key, element.keyEnd ?? element.key);
}

const HOOKS = new Map<number, string>([
  [NF_INET.PRE_ROUTING, "prerouting"],
  [NF_INET.LOCAL_IN, "input"],
  [NF_INET.FORWARD, "forward"],
  [NF_INET.LOCAL_OUT, "output"],
  [NF_INET.POST_ROUTING, "postrouting"],
  [NF_INET.INGRESS, "ingress"],
]);

function hookName(family: number, hook: number): string {
  if (family === NFPROTO.NETDEV) return hook === NF_NETDEV.INGRESS ? "ingress" : "egress";
  if (family === NFPROTO.ARP) return hook === 0 ? "input" : "output"; // NF_ARP_IN, NF_ARP_OUT
  return HOOKS.get(hook) ?? String(hook);
}

const PRIORITIES = new Map<number, string>([
  [NF_IP_PRI.RAW, "raw"],
  [NF_IP_PRI.MANGLE, "mangle"],
  [NF_IP_PRI.NAT_DST, "dstnat"],
  [NF_IP_PRI.FILTER, "filter"],
  [NF_IP_PRI.SECURITY, "security"],
  [NF_IP_PRI.NAT_SRC, "srcnat"],
]);
const BRIDGE_PRIORITIES = new Map<number, string>([
  [NF_BR_PRI.NAT_DST_BRIDGED, "dstnat"],
  [NF_BR_PRI.FILTER_BRIDGED, "filter"],
  [NF_BR_PRI.NAT_DST_OTHER, "out"],
  [NF_BR_PRI.NAT_SRC, "srcnat"],
]);

function priorityName(family: number, priority = 0): string {
  const names = family === NFPROTO.BRIDGE ? BRIDGE_PRIORITIES : PRIORITIES;
  return names.get(priority) ?? String(priority);
}

/** ` { type nat hook postrouting priority srcnat; policy accept; }`, or nothing for a chain without a hook. */
function baseChainText({ family, type, hook, priority, policy, device }: Chain): string {
  if (hook === undefined) return "";
  const where = device === undefined ? "" : ` device "${device}"`;
  const then = policy === undefined ? "" : ` policy ${policy === NF.DROP ? "drop" : "accept"};`;
  return ` { type ${type} hook ${hookName(family, hook)}${where} priority ${priorityName(family, priority)};${then} }`;
}

/** Objects and flowtables both begin so: NFTA_OBJ_TABLE, NFTA_FLOWTABLE_TABLE; NFTA_OBJ_NAME, NFTA_FLOWTABLE_NAME. */
const namedObject = attrs({ table: attr(1, cstring), name: attr(2, cstring) });

const OBJECTS = new Map<number, readonly [Change, Description["kind"]]>([
  [NFT_MSG.NEWOBJ, ["new", "object"]],
  [NFT_MSG.DELOBJ, ["delete", "object"]],
  [NFT_MSG.NEWFLOWTABLE, ["new", "flowtable"]],
  [NFT_MSG.DELFLOWTABLE, ["delete", "flowtable"]],
]);

function otherObject(message: Message): Description {
  const type = message.type & 0xff;
  const [change, kind] = OBJECTS.get(type) ?? ["new", "unknown"];
  try {
    const { family, attributes } = readReply(message, kind, namedObject);
    const { table = "", name = "" } = attributes;
    if (kind !== "unknown") return object(change, kind, family, table, name);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  return { change: "add", kind: "unknown", family: "", table: "", text: `unknown event of type ${type}` };
}
