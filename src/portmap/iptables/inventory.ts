// `bauta list`: the ports that are published by iptables, by the records, and the state of their rules.

import { type NatListing, readListing } from "../../iptables/listing.ts";
import { IptablesError, saveNat } from "../../iptables/program.ts";
import type { Inventory, ListedAttachment, ListedItem, OwnedState } from "../../owned/feature.ts";
import { inOrder } from "../../owned/inventory.ts";
import type { StoredRecord } from "../../owned/records.ts";
import { FAMILIES, type Family } from "../../wire/ip.ts";
import { itemOf } from "../inventory.ts";
import { endpointText, hostText } from "../mapping.ts";
import { faultsOf } from "./iptables.ts";
import { recordedParts } from "./plan.ts";
import { type IptablesRecord, records } from "./records.ts";

/** Lists the attachments that publish by iptables, or those of one network. Throws SyscallError. */
export function iptablesInventory(network?: string): Inventory {
  const isWanted = ({ record }: StoredRecord<IptablesRecord>): boolean =>
    network === undefined || record.attachment.network === network;
  const survey = records.survey();
  const [live, leaving] = [survey.live.filter(isWanted), survey.leaving.filter(isWanted)];
  const faults = new Set<string>(survey.problems);
  if (live.length + leaving.length === 0) return { attachments: [], faults: [...faults] };
  const listings = new Map<Family, NatListing>();
  for (const family of FAMILIES) {
    try {
      listings.set(family, readListing(saveNat(family)));
    } catch (error) {
      if (!(error instanceof IptablesError)) throw error;
      faults.add(error.message);
    }
  }
  const all = survey.live.map(({ record }) => record);
  const attachments = [
    ...live.map((one) => listed(one, all, listings, (text) => faults.add(text))),
    ...leaving.map((one) => listed(one, [one.record], listings, () => {}, "leaving")),
  ];
  return { attachments: inOrder(attachments), faults: [...faults] };
}

function listed(
  { id, record }: StoredRecord<IptablesRecord>,
  all: readonly IptablesRecord[],
  listings: ReadonlyMap<Family, NatListing>,
  tell: (fault: string) => void,
  state?: OwnedState,
): ListedAttachment {
  const { network, containerId } = record.attachment;
  const container = all.filter(
    ({ attachment }) => attachment.network === network && attachment.containerId === containerId,
  );
  const inFamily = (family: Family): ListedItem[] => {
    const listing = listings.get(family);
    const faults =
      listing === undefined
        ? undefined
        : faultsOf(family, listing, recordedParts(container, family), record.attachment);
    const own = recordedParts([record], family);
    if (own.length > 0) faults?.forEach(tell);
    const stands = faults === undefined ? "unknown" : faults.length === 0 ? "ok" : "missing";
    return own.flatMap(({ part }) =>
      part.entries.map(({ mapping }) => {
        const target = `${endpointText(part.container.ip, mapping.containerPort)} iptables`;
        return itemOf(family, hostText(mapping), mapping.protocol, target, state ?? stands);
      }),
    );
  };
  return { id, name: { ...record.attachment, isCut: false }, options: undefined, items: FAMILIES.flatMap(inFamily) };
}
