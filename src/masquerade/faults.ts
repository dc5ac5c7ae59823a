// What CHECK says where an attachment's masquerade is not what it should be.

import type { Attachment } from "../cni/attachment.ts";

/** The masquerade of an attachment is not what it should be. */
export class MasqueradeError extends Error {
  override readonly name: string = "MasqueradeError";
}

/** Throws MasqueradeError, which names all faults, unless there are none. */
export function requireNoFaults({ containerId, ifname, network }: Attachment, faults: readonly string[]): void {
  if (faults.length === 0) return;
  const what = `IP masquerade of ${containerId} ${ifname} on ${network}`;
  throw new MasqueradeError(`${what}: ${faults.join("; ")}; \`bauta restore\` puts it back`);
}
