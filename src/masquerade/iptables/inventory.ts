// The addresses under masquerade by iptables, for `bauta list`: the records, and the state of the rules that they tell of.

import { type Counters, countersIn, type NatListing, readListing } from "../../iptables/listing.ts";
import { IptablesError, saveNatCounters } from "../../iptables/program.ts";
import { lineOf } from "../../iptables/rule.ts";
import type { Inventory, ListedAttachment, ListedItem, OwnedState } from "../../owned/feature.ts";
import { attachmentId, idText } from "../../owned/id.ts";
import { type Cidr, FAMILIES, type Family, familyOf, formatCidr } from "../../wire/ip.ts";
import { chainOf } from "./names.ts";
import { chainFaults } from "./plan.ts";
import { type IptablesRecord, iptablesRecords } from "./records.ts";
import { jumpRule } from "./rules.ts";

/** What stands for the chain in the place of a policy. */
const POLICY = "iptables";

/** Lists the attachments under iptables, or those of one network. Throws SyscallError. */
export function iptablesInventory(network?: string): Inventory {
  const inventory = take(network);
  const isAllOk = inventory.attachments.every(({ items }) => items.every(({ state }) => state === "ok"));
  // Records and rules are read one after the other, and attachments come and go meanwhile.
  return isAllOk ? inventory : take(network);
}

/** The rules of one family; undefined where they can't be read. */
interface Rules {
  readonly listing: NatListing;
  readonly counters: ReadonlyMap<string, Counters>;
}

function take(network: string | undefined): Inventory {
  const isWanted = ({ attachment }: IptablesRecord): boolean => network === undefined || attachment.network === network;
  const survey = iptablesRecords.survey();
  const live = survey.live.map(({ record }) => record).filter(isWanted);
  const leaving = survey.leaving.map(({ record }) => record).filter(isWanted);
  const faults = new Set<string>(survey.problems);
  if (live.length + leaving.length === 0) return { attachments: [], faults: [...faults] };
  const rules = new Map<Family, Rules>();
  for (const family of FAMILIES) {
    try {
      const text = saveNatCounters(family);
      rules.set(family, { listing: readListing(text), counters: countersIn(text) });
    } catch (error) {
      if (!(error instanceof IptablesError)) throw error;
      faults.add(error.message);
    }
  }
  const attachments = [
    ...live.map((record) => listed(record, rules, (text) => faults.add(text))),
    ...leaving.map((record) => ({ ...listed(record, rules, () => {}, "leaving") })),
  ];
  return { attachments, faults: [...faults] };
}

function listed(
  { attachment, addresses }: IptablesRecord,
  rules: ReadonlyMap<Family, Rules>,
  tell: (fault: string) => void,
  state?: OwnedState,
): ListedAttachment {
  const chain = chainOf(attachment);
  const inFamily = (family: Family): ListedItem[] => {
    const own = addresses.filter(({ ip }) => familyOf(ip) === family);
    const known = rules.get(family);
    if (own.length === 0 || known === undefined)
      return own.map((cidr) => addressOf(cidr, undefined, state ?? "unknown"));
    const faults = chainFaults(known.listing.get(chain), attachment, family, own, chain);
    faults.forEach(tell);
    return own.map((cidr) => {
      const counters = known.counters.get(lineOf(jumpRule(attachment, cidr, chain)));
      const isThere = counters !== undefined && faults.length === 0;
      return addressOf(cidr, counters, state ?? (isThere ? "ok" : "missing"));
    });
  };
  const id = idText(attachmentId(attachment));
  return { id, name: { ...attachment, isCut: false }, options: undefined, items: FAMILIES.flatMap(inFamily) };
}

function addressOf(cidr: Cidr, counters: Counters | undefined, state: OwnedState): ListedItem {
  const { packets, bytes } = counters ?? {};
  return { address: formatCidr(cidr), policy: POLICY, packets, bytes, state };
}
