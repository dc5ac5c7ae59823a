// DEL and GC: everything of an attachment hangs on its id. Its record tells the keys, so the elements go without a listing;
// where there is no record, or the table is not as it should be, what is there is read first.

import type { Attachment } from "../cni/attachment.ts";
import type { Connection } from "../netlink/connection.ts";
import { deleteElements, getElement, listElements } from "../nftables/element.ts";
import type { Command } from "../nftables/message.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { takeOut, tryCommit, untilCommitted } from "../owned/commit.ts";
import { attachmentId, isOfNetwork, networkId } from "../owned/id.ts";
import { hasCode } from "../sys/error.ts";
import { sameBytes } from "../wire/codec.ts";
import { FAMILIES, type Family } from "../wire/ip.ts";
import { deleteUnused, listConditionalChains } from "./chains.ts";
import { bytesText, deleteAll, deleteOwn, elementsOf, partsOf } from "./elements.ts";
import type { Publication } from "./mapping.ts";
import { belongingsOf, readState, without } from "./state.ts";
import { TABLES } from "./table.ts";
import { ATTACHMENTS, EXCEPTIONS, OWNERS, setIn } from "./table-names.ts";

/**
 * Takes out what the attachment publishes, and with the last attachment the table. `known` is what its record tells. Throws
 * NetlinkError.
 */
export function withdraw(nft: Nftables, attachment: Attachment, known?: Publication): void {
  const id = attachmentId(attachment);
  const owners = FAMILIES.flatMap((family): Owner[] => {
    const address = getElement(nft.connection, setIn(family, OWNERS), id)?.data;
    return address instanceof Uint8Array ? [{ family, address }] : [];
  });
  if (owners.length === 0) return;
  const families = owners.map(({ family }) => family);
  const cheap = known === undefined ? undefined : cheapRemoval(attachment, known, owners);
  takeOut(
    () => cheap !== undefined && areOthersThere(nft.connection, families) && tryCommit(nft, cheap),
    () => families.some((family) => isUnused(nft.connection, family)),
    () => withdrawByIds(nft, new Set([bytesText(id)])),
  );
}

/** What the map `owners` of a family says of an attachment. */
interface Owner {
  readonly family: Family;
  readonly address: Uint8Array;
}

/** By the record; undefined where that does not tell all, or where more than elements has to go. */
function cheapRemoval(attachment: Attachment, known: Publication, owners: readonly Owner[]): Command[] | undefined {
  const parts = partsOf(known);
  const isAsRecorded =
    parts.length === owners.length &&
    parts.every(({ container, conditions }, i) => {
      const address = owners[i]?.address;
      return conditions.length === 0 && address !== undefined && sameBytes(address, container.ip);
    });
  if (!isAsRecorded) return undefined;
  return parts.flatMap((part) => deleteOwn(part.family, elementsOf(attachment, part, known)));
}

/** Whether the tables have other attachments, too, by the kernel's own count. */
function areOthersThere(connection: Connection, families: readonly Family[]): boolean {
  return families.every((family) => TABLES[family].countLeadingTo(connection, ATTACHMENTS) > 1);
}

function isUnused(connection: Connection, family: Family): boolean {
  return TABLES[family].countLeadingTo(connection, ATTACHMENTS) === 0 && TABLES[family].exists(connection);
}

/** Takes out everything about attachments with these ids as text, and tables that nobody needs then. Throws NetlinkError. */
export function withdrawByIds(nft: Nftables, ids: ReadonlySet<string>): void {
  untilCommitted(nft, (generation) => {
    const genid = generation();
    const isByGeneration = genid !== undefined;
    nft.commit(
      FAMILIES.flatMap((family) => planRemoval(nft.connection, family, ids, isByGeneration)),
      { genid },
    );
  });
}

function planRemoval(
  connection: Connection,
  family: Family,
  ids: ReadonlySet<string>,
  isByGeneration: boolean,
): readonly Command[] {
  const table = TABLES[family];
  if (!table.exists(connection)) return [];
  const state = readState(connection, family);
  const gone = belongingsOf(state, family, ids);
  const left = without(state, gone);
  const isLast = (left.get(OWNERS) ?? []).length === 0;
  if (isLast && isByGeneration) return table.remove();
  const chains = deleteUnused(family, listConditionalChains(connection, family), left);
  const exceptions = isLast ? (state.get(EXCEPTIONS) ?? []) : [];
  return [
    ...deleteAll(family, gone),
    ...(exceptions.length === 0 ? [] : deleteElements({ ...setIn(family, EXCEPTIONS), elements: exceptions })),
    ...chains,
    ...(isLast ? table.removeEmpty() : []),
  ];
}

/** The ids, as text, of the network's attachments that publish something and are not among the valid ones. Throws NetlinkError. */
export function staleIds(nft: Nftables, network: string, valid: readonly Attachment[]): Set<string> {
  const validIds = new Set(valid.map((attachment) => bytesText(attachmentId(attachment))));
  const ofNetwork = networkId(network);
  const ids = FAMILIES.flatMap((family) => ownerIds(nft.connection, family)).filter((id) => isOfNetwork(id, ofNetwork));
  return new Set(ids.map(bytesText).filter((id) => !validIds.has(id)));
}

function ownerIds(connection: Connection, family: Family): Uint8Array[] {
  try {
    return listElements(connection, setIn(family, OWNERS)).map(({ key }) => key);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
