// What DEL and GC have in common, whichever plugin made the attachment.

import type { Invocation } from "../cni/plugin.ts";
import { withNamespacesIfAny, withNode } from "./namespaces.ts";
import { deleteContainerVeth, deleteNodeVeth, isNodeEnd } from "./veth.ts";

/**
 * Deletes the attachment's veth pair by its end in the container. Where the namespace can't be found any more, it may
 * still live on in some process: then by the node's end, if the result of ADD tells which that is. That nothing is left
 * to delete is no error.
 */
export function deleteAttachedVeth({ netns, ifname, prevResult }: Invocation): void {
  const found = withNamespacesIfAny(netns, ({ container }) => deleteContainerVeth(container, ifname));
  if (found !== undefined) return;
  const end = prevResult?.interfaces.find(isNodeEnd);
  if (end?.mac) withNode((node) => deleteNodeVeth(node, end.name, end.mac ?? ""));
}
