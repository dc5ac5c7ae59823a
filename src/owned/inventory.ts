// What several features own, as one list.

import type { AttachmentName, Inventory, ListedAttachment } from "./feature.ts";

/** The attachments of all, in the order of network, container and interface; what nobody can name comes last. */
export function joinInventories(inventories: readonly Inventory[]): Inventory {
  return {
    attachments: inOrder(inventories.flatMap(({ attachments }) => attachments)),
    faults: inventories.flatMap(({ faults }) => faults),
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
