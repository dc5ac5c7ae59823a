// What DEL and GC have in common, whichever plugin made the attachment.

import type { Invocation } from "../cni/plugin.ts";
import type { Attachment } from "./attachment.ts";
import { withHost, withNamespacesIfAny } from "./namespaces.ts";
import { deleteContainerVeth, deleteHostVeth, isHostEnd } from "./veth.ts";

/** The attachment that ADD, CHECK or DEL is called for. */
export function attachmentOf({ config, containerId, ifname }: Invocation): Attachment {
  return { network: config.name, containerId, ifname };
}

/** Those that GC is to leave alone. */
export function validAttachments({ config }: Invocation): Attachment[] {
  return config.validAttachments.map(({ containerId, ifname }) => ({ network: config.name, containerId, ifname }));
}

/** Takes away something that the configuration, as it now is, may not ask for: then, that it can't be is only logged. */
export function orLog(invocation: Invocation, what: string, isWanted: boolean, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (isWanted || !(error instanceof Error)) throw error;
    invocation.log(`${what}, which the configuration does not ask for, is left alone: ${error.message}`);
  }
}

/**
 * Deletes the attachment's veth pair by its end in the container. Where the namespace can't be found any more, it may
 * still live on in some process: then by the node's end, if the result of ADD tells which that is. That nothing is left
 * to delete is no error.
 */
export function deleteAttachedVeth({ netns, ifname, prevResult }: Invocation): void {
  const found = withNamespacesIfAny(netns, ({ container }) => deleteContainerVeth(container, ifname));
  if (found !== undefined) return;
  const end = prevResult?.interfaces.find(isHostEnd);
  if (end?.mac) withHost((host) => deleteHostVeth(host, end.name, end.mac ?? ""));
}
