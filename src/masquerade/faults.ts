// The error of CHECK where an attachment's masquerade is not as it should be.

import type { Attachment } from "../cni/attachment.ts";

/** The masquerade of an attachment is not as it should be. */
export class MasqueradeError extends Error {
  override readonly name: string = "MasqueradeError";
}

/** The remedies for a faulty masquerade, as phrases. */
export const REMEDY = {
  RESTORE: "`bauta restore` puts it back",
  ADOPT: "`bauta adopt` takes it over and puts it right",
  OTHER_OPTIONS: "the container was attached with other ipMasqOptions: delete the attachment, and add it again",
  NO_RECORD:
    "no record under /run/bauta tells of it, so no command can put it back: delete the attachment, and add it again",
} as const;

/** Throws MasqueradeError, which names all faults and the remedy, unless there are none. */
export function requireNoFaults(
  { containerId, ifname, network }: Attachment,
  faults: readonly string[],
  remedy: string = REMEDY.RESTORE,
): void {
  if (faults.length === 0) return;
  const what = `IP masquerade of ${containerId} ${ifname} on ${network}`;
  throw new MasqueradeError(`${what}: ${faults.join("; ")}; ${remedy}`);
}
