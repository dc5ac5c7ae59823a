// CHECK: whether the kernel has what an attachment publishes.

import type { Attachment } from "../cni/attachment.ts";
import type { Connection } from "../netlink/connection.ts";
import { type Element, getElement } from "../nftables/element.ts";
import { familyName } from "../nftables/message.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { nfproto } from "../nftables/uapi.ts";
import { conditionFaults } from "./chains.ts";
import { type Entry, elementsOf, isSameData, type Part, partsOf } from "./elements.ts";
import { endpointText, hostText, type Publication } from "./mapping.ts";
import { tableFaultsFor } from "./table-faults.ts";
import { SETS, type SetName, setIn, TABLE } from "./table-names.ts";

/** What is missing or altered, each as a phrase. Throws NetlinkError, or CniError for conditions that are wrong. */
export function faultsOf(nft: Nftables, attachment: Attachment, publication: Publication): string[] {
  const { connection } = nft;
  return partsOf(publication).flatMap((part) => {
    const ofTable = [...tableFaultsFor(connection, part), ...conditionFaults(connection, part)];
    if (ofTable.length > 0) return ofTable.map(({ text }) => text);
    return elementFaults(connection, attachment, part, publication);
  });
}

/** The same without a look at chains and sets themselves. */
export function elementFaults(
  connection: Connection,
  attachment: Attachment,
  part: Part,
  publication: Publication,
): string[] {
  const elements = elementsOf(attachment, part, publication);
  return SETS.flatMap((set) =>
    (elements.get(set) ?? []).flatMap((wanted) => {
      const found = getElement(connection, setIn(part.family, set), wanted.key);
      return faultIn(found, wanted, set, part) ?? [];
    }),
  );
}

function faultIn(found: Element | undefined, wanted: Element, set: SetName, part: Part): string | undefined {
  const entry = part.entries.find((one) => one.set === set && one.key === wanted.key);
  const what = entry === undefined ? `the attachment's element of ${set}` : `host port ${portText(entry)}`;
  const where = `of table ${familyName(nfproto(part.family))} ${TABLE}`;
  if (found === undefined) return `${what} ${entry === undefined ? where : `(map ${set} ${where})`} is missing`;
  if (isSameData(found, wanted)) return undefined;
  if (entry === undefined || !(found.data instanceof Uint8Array)) return `${what} ${where} has been altered`;
  const length = part.container.ip.length;
  const port = ((found.data[length] ?? 0) << 8) | (found.data[length + 1] ?? 0);
  const wantedText = endpointText(part.container.ip, entry.mapping.containerPort);
  return `${what} leads to ${endpointText(found.data.slice(0, length), port)} instead of ${wantedText}`;
}

const portText = ({ mapping }: Entry): string => `${hostText(mapping)}/${mapping.protocol}`;
