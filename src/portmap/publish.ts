// ADD: one transaction for both families and any number of ports. Where the table is there, and nobody has any of the ports,
// it is only the elements. Where something is missing, or is another's, what is there is read first.

import type { Attachment } from "../cni/attachment.ts";
import type { Command } from "../nftables/message.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { readComment } from "../owned/comment.ts";
import { cheapThenExact, tryCommit } from "../owned/commit.ts";
import { attachmentId } from "../owned/id.ts";
import { type Fault, repairsOf } from "../owned/table.ts";
import { FAMILIES } from "../wire/ip.ts";
import { conditionFaults } from "./chains.ts";
import {
  bytesText,
  createAll,
  deleteAll,
  type Elements,
  type Entry,
  elementsOf,
  entryName,
  type Part,
  partsOf,
} from "./elements.ts";
import type { Publication } from "./mapping.ts";
import { belongingsOf, readState, without } from "./state.ts";
import { tableFaults } from "./table-faults.ts";
import { ADDRESSES, PORTS } from "./table-names.ts";

/** A mapping whose port another attachment has, and who that is, in words. */
export interface Taken {
  readonly entry: Entry;
  readonly holder: string;
}

/**
 * Leads the ports to the container. What is there of the attachment, or of another with the same address, is a leftover, and
 * goes. Where another attachment has a port, `onTaken` throws, or returns what is published instead; it is asked again where that has
 * changed meanwhile. Returns what is published in the end. Throws NetlinkError, and CniError for conditions that are wrong; nothing
 * has been done in the kernel then.
 */
export function publish(
  nft: Nftables,
  attachment: Attachment,
  publication: Publication,
  onTaken: (taken: readonly Taken[]) => Publication,
): Publication {
  const create = creationOf(attachment, publication);
  if (create.length === 0) return publication;
  let left = publication;
  cheapThenExact(
    nft,
    () => {
      left = publication;
      return tryCommit(nft, create);
    },
    (generation) => {
      const genid = generation();
      const plan = planPublication(nft, attachment, publication, onTaken);
      left = plan.left;
      nft.commit([...plan.preparation, ...creationOf(attachment, left)], { genid });
    },
  );
  return left;
}

function creationOf(attachment: Attachment, publication: Publication): Command[] {
  return partsOf(publication).flatMap((part) => createAll(part.family, elementsOf(attachment, part, publication)));
}

interface Plan {
  /** What makes room for the elements. */
  readonly preparation: readonly Command[];
  /** What can be published. */
  readonly left: Publication;
}

function planPublication(
  nft: Nftables,
  attachment: Attachment,
  publication: Publication,
  onTaken: (taken: readonly Taken[]) => Publication,
): Plan {
  const { connection } = nft;
  const ids = new Set([bytesText(attachmentId(attachment))]);
  const removal: Command[] = [];
  const taken: Taken[] = [];
  const parts = new Map(partsOf(publication).map((part) => [part.family, part]));
  const faults: Fault[] = [];
  for (const family of FAMILIES) {
    const part = parts.get(family);
    const state = readState(connection, family);
    if (part !== undefined)
      faults.push(...tableFaults(connection, family, state), ...conditionFaults(connection, part));
    const gone = belongingsOf(state, family, ids, new Set(part === undefined ? [] : [bytesText(part.container.ip)]));
    removal.push(...deleteAll(family, gone));
    if (part !== undefined) taken.push(...takenOf(part, holdersIn(without(state, gone))));
  }
  return {
    preparation: [...repairsOf(faults), ...removal],
    left: taken.length === 0 ? publication : onTaken(taken),
  };
}

/** Whose each port is: the comments of the elements in the two maps, by entryName. */
export function holdersIn(there: Elements): Map<string, string | undefined> {
  return new Map(
    ([ADDRESSES, PORTS] as const).flatMap((set) =>
      (there.get(set) ?? []).map(({ key, comment }) => [entryName({ set, key }), comment] as const),
    ),
  );
}

/** The mappings of a part whose ports have holders. */
export function takenOf(part: Part, holders: ReadonlyMap<string, string | undefined>): Taken[] {
  return part.entries.flatMap((entry) => {
    const name = entryName(entry);
    return holders.has(name) ? [{ entry, holder: holderText(holders.get(name)) }] : [];
  });
}

/** Who has a port, by the comment of its element. */
export function holderText(comment: string | undefined): string {
  const name = readComment(comment, false);
  if (name === undefined) return "somebody whom no comment names";
  const { network, containerId, ifname, isCut } = name;
  const words = [
    ...(containerId === undefined ? [] : [`container ${containerId}`]),
    ...(ifname === undefined ? [] : [`interface ${ifname}`]),
    `network ${network}`,
  ].join(", ");
  return isCut ? `${words} (the names are cut)` : words;
}
