// What tuning keeps of attachments, the door for plugins and for the command: not in the kernel but in files, the backups of
// interfaces. Upstream's plugin leaves a backup behind wherever a DEL finds no network namespace.

import type { Attachment } from "../cni/attachment.ts";
import type { Feature } from "../owned/feature.ts";
import { attachmentId, idText } from "../owned/id.ts";
import { recorded } from "../owned/recorded.ts";
import { removeReplaced } from "../sys/whole-file.ts";
import { listBackups } from "./inventory.ts";
import { records } from "./records.ts";

/** ADD is told the path of the backup file. */
export const tuning: Feature<string> = {
  name: "tuning",
  setUp(attachment, file, netns) {
    const files = [...new Set([...filesOf(attachment), file])];
    records.write({ attachment, files, ...(netns === undefined ? {} : { netns }) });
  },
  tearDown(attachment) {
    const files = filesOf(attachment);
    if (files.length > 0) removeFiles(files, attachment);
    forget(attachment);
  },
  faults: () => [],
  collect(network, valid) {
    for (const attachment of records.stale(network, valid)) tuning.tearDown(attachment, []);
  },
  unavailable: () => undefined,
  restore() {
    const { live, problems } = records.survey();
    return { attachments: live.map(({ id }) => id), restored: 0, mended: [], passedOver: problems, problems: [] };
  },
  inventory: (_nft, network) => listBackups(network),
  ...recorded(records),
  tables: [],
};

/** The backup files that the attachment's record names. Throws SyscallError. */
export function filesOf(attachment: Attachment): readonly string[] {
  return records.read(attachment)?.files ?? [];
}

/** Forgets the record, where there is one, and leaves the files. Throws SyscallError. */
export function forget(attachment: Attachment): void {
  records.forget(idOf(attachment));
}

/** A container's interface may be in two networks of different runtimes: what both have noted stays for the other. */
function removeFiles(files: readonly string[], attachment: Attachment): void {
  const id = idOf(attachment);
  const others = new Set(records.listLive().flatMap((one) => (one.id === id ? [] : one.record.files)));
  for (const file of files) if (!others.has(file)) removeReplaced(file);
}

function idOf(attachment: Attachment): string {
  return idText(attachmentId(attachment));
}
