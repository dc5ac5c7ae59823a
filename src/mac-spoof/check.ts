// CHECK of macspoofchk: is the guard of an attachment still what it was made as?

import type { Attachment } from "../cni/attachment.ts";
import { macSpoof } from "./feature.ts";
import type { GuardedPort } from "./guard.ts";

/** The guard against forged source addresses is not what it should be. */
export class MacSpoofError extends Error {
  override readonly name: string = "MacSpoofError";
}

/** Throws MacSpoofError, which names all that is missing or altered, and what puts it back. */
export function checkGuard(attachment: Attachment, wanted: GuardedPort): void {
  const faults = macSpoof.faults(attachment, wanted);
  if (faults.length === 0) return;
  const { network, containerId, ifname } = attachment;
  const what = `macspoofchk of ${containerId} ${ifname} on ${network}`;
  throw new MacSpoofError(`${what}: ${faults.join("; ")}; \`bauta restore\` puts it back`);
}
