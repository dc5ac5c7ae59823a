// Which policy an event is about, in the words of `bauta list`: the chain by name, and the options of those whose
// addresses go to it. A chain's name tells the subnet, the records of attachments tell the options; what is gone is
// remembered for a while, because a chain goes after the last of its addresses.

import type { JsonObject } from "../../cni/json.ts";
import { chainOf, idOf } from "../../masquerade/nftables/elements.ts";
import { baseOf, subnetOf } from "../../masquerade/nftables/policy-name.ts";
import { records } from "../../masquerade/nftables/records.ts";
import { NETWORKS, OWNERS, POLICIES, TABLE } from "../../masquerade/nftables/table-names.ts";
import type { Element, SetElements } from "../../nftables/element.ts";
import type { NftEvent } from "../../nftables/monitor.ts";
import type { ListedAttachment } from "../../owned/feature.ts";
import { idText } from "../../owned/id.ts";
import { formatCidr, formatIp } from "../../wire/ip.ts";
import { optionsText } from "../options-text.ts";

/** How many chains' options are remembered. */
const CHAINS_MAX = 4096;

export interface KnownPolicy {
  readonly chain: string;
  /** The "ipMasqOptions"; undefined where there are none, or nobody knows them. */
  readonly options: JsonObject | undefined;
}

export class KnownPolicies {
  /** By chain, the longest known first. */
  readonly #options = new Map<string, JsonObject>();
  /** The chains that addresses go to, or went to, by the transaction that is being described. */
  #chains = new Map<string, string>();

  /** Learns the options of all that is there. */
  learnAll(attachments: readonly ListedAttachment[]): void {
    for (const { options, items } of attachments) {
      for (const { policy } of items) if (policy !== undefined) this.#learn(policy, options);
    }
  }

  /** Looks through the events of a transaction: a chain is made before the first of its addresses comes. */
  begin(events: readonly NftEvent[]): void {
    this.#chains = new Map();
    for (const event of events) {
      if (event.kind !== "elements" || event.elements.table !== TABLE) continue;
      for (const element of event.elements.elements) {
        if (event.elements.set === POLICIES) this.#chains.set(formatIp(element.key), chainOf(element) ?? "");
        else if (event.elements.set === OWNERS && event.change === "new") this.#learnOwner(element);
      }
    }
  }

  #learnOwner(element: Element): void {
    const id = idOf(element);
    const record = id === undefined ? undefined : records.byId(idText(id));
    for (const { cidr, policy } of record?.addresses ?? []) {
      this.#learn(policy, record?.options);
      const ip = cidr.slice(0, cidr.indexOf("/"));
      if (!this.#chains.has(ip)) this.#chains.set(ip, policy); // an address that is taken over goes where it went
    }
  }

  #learn(name: string, options: JsonObject | undefined): void {
    const chain = baseOf(name); // what the options have to do with; the network may be another policy's
    this.#options.delete(chain);
    if (options === undefined) return;
    this.#options.set(chain, options);
    const [oldest] = this.#options.keys();
    if (this.#options.size > CHAINS_MAX && oldest !== undefined) this.#options.delete(oldest);
  }

  /** The policy that an element of one of our maps is about; undefined where it is not known. */
  ofElement(set: SetElements, element: Element): KnownPolicy | undefined {
    if (set.table !== TABLE) return undefined;
    const chain = set.set === NETWORKS ? chainOf(element) : this.#chains.get(formatIp(element.key));
    return this.ofChain(set.table, chain ?? "");
  }

  /** The policy that a chain is; undefined for chains that are none. */
  ofChain(table: string, chain: string): KnownPolicy | undefined {
    if (table !== TABLE || subnetOf(chain) === undefined) return undefined;
    return { chain, options: this.#options.get(baseOf(chain)) };
  }
}

/** `outside 198.18.0.0/17, exclude 3, to 192.0.2.1` */
export function policyText({ chain, options }: KnownPolicy): string {
  const subnet = subnetOf(chain);
  const where = `outside ${subnet === undefined ? chain : formatCidr(subnet)}`;
  return options === undefined ? where : `${where}, ${optionsText(options)}`;
}
