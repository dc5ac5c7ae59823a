// `bauta list`: what each tuned interface was like before, by its backup file.

import type { AttachmentName, Inventory, ListedAttachment, ListedItem, OwnedState } from "../owned/feature.ts";
import { inOrder } from "../owned/inventory.ts";
import type { StoredRecord } from "../owned/records.ts";
import { hasCode } from "../sys/error.ts";
import { OddEntryError } from "../sys/regular-file.ts";
import { formatMac } from "../wire/mac.ts";
import { type Backup, readBackup } from "./backup.ts";
import { records, type TuningRecord } from "./records.ts";

/** Lists the attachments with backup files, of all networks or of one. Throws SyscallError. */
export function listBackups(network?: string): Inventory {
  const { live, leaving, problems } = records.survey();
  const isWanted = ({ record }: StoredRecord<TuningRecord>): boolean =>
    network === undefined || record.attachment.network === network;
  return {
    attachments: inOrder([
      ...live.filter(isWanted).map((one) => listed(one)),
      ...leaving.filter(isWanted).map((one) => listed(one, "leaving")),
    ]),
    faults: problems,
  };
}

function listed({ id, record }: StoredRecord<TuningRecord>, state?: OwnedState): ListedAttachment {
  const name: AttachmentName = { ...record.attachment, isCut: false };
  return { id, name, options: undefined, items: record.files.map((file) => itemOf(file, state)) };
}

function itemOf(file: string, state: OwnedState | undefined): ListedItem {
  const found = read(file);
  const [policy, stands] =
    found === undefined
      ? ["tuning", "missing" as const]
      : found === "illegible"
        ? ["tuning", "unknown" as const]
        : [["tuning", ...wordsOf(found)].join(" "), "ok" as const];
  return { address: file, policy, packets: undefined, bytes: undefined, state: state ?? stands };
}

function read(file: string): Backup | "illegible" | undefined {
  try {
    return readBackup(file);
  } catch (error) {
    if (error instanceof OddEntryError || hasCode(error, "EACCES", "EPERM")) return "illegible";
    throw error;
  }
}

/** `mtu 1500`, `promisc off`: as ip(8) says what DEL brings back; of kernel parameters the number alone. */
function wordsOf({ mac, promisc, mtu, allmulti, txQLen, sysctl }: Backup): string[] {
  const onOff = (value: boolean): string => (value ? "on" : "off");
  return [
    ...(mac === undefined ? [] : [`address ${formatMac(mac)}`]),
    ...(promisc === undefined ? [] : [`promisc ${onOff(promisc)}`]),
    ...(mtu === undefined ? [] : [`mtu ${mtu}`]),
    ...(allmulti === undefined ? [] : [`allmulticast ${onOff(allmulti)}`]),
    ...(txQLen === undefined ? [] : [`txqueuelen ${txQLen}`]),
    ...(sysctl === undefined ? [] : [`sysctl ${sysctl.size}`]),
  ];
}
