// What several features own, as one list.

import type { AttachmentName, Inventory, ListedAttachment } from "./feature.ts";

/**
 * The attachments of all, each with what it owns by any feature, in the order of network, container and interface; what nobody
 * can name comes last.
 */
export function joinInventories(inventories: readonly Inventory[]): Inventory {
  const joined = new Map<string, ListedAttachment>();
  const anonymous: ListedAttachment[] = [];
  for (const one of inventories.flatMap(({ attachments }) => attachments)) {
    if (one.id === "") anonymous.push(one);
    else joined.set(one.id, withMore(joined.get(one.id), one));
  }
  return {
    attachments: inOrder([...joined.values(), ...anonymous]),
    faults: inventories.flatMap(({ faults }) => faults),
  };
}

function withMore(first: ListedAttachment | undefined, more: ListedAttachment): ListedAttachment {
  if (first === undefined) return more;
  // One feature may have the record of an attachment, and another only a comment.
  const isKnown = first.name.containerId !== undefined && !first.name.isCut;
  return {
    id: first.id,
    name: isKnown ? first.name : more.name,
    options: first.options ?? more.options,
    items: [...first.items, ...more.items],
  };
}

/** The same attachments in that order. */
export function inOrder(attachments: readonly ListedAttachment[]): ListedAttachment[] {
  return attachments
    .map((one) => ({ key: sortKey(one.id, one.name), one }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ one }) => one);
}

function sortKey(id: string, name: AttachmentName): string {
  const last = "\uffff";
  return [name.network ?? last, name.containerId ?? last, name.ifname ?? last, id].join("\0");
}
