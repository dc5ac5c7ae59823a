// What `bauta explain` asks of masquerade: where its rules are, whose an address is, and whether invalid packets of it are dropped.

import type { Attachment } from "../cni/attachment.ts";
import { getElement } from "../nftables/element.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { readComment, UNKNOWN_NAME } from "../owned/comment.ts";
import type { AttachmentName } from "../owned/feature.ts";
import { idText } from "../owned/id.ts";
import { compareIp, familyOf, type Ip } from "../wire/ip.ts";
import { chainOf } from "./iptables/names.ts";
import { iptablesRecords } from "./iptables/records.ts";
import { idOf } from "./nftables/elements.ts";
import { records } from "./nftables/records.ts";
import { OWNERS, STRICT, setIn } from "./nftables/table-names.ts";

/** The table's name, and the chain that a packet comes to. */
export { POSTROUTING, TABLE } from "./nftables/table-names.ts";

/** Whose the address is by the map of owners; undefined where it is nobody's there. Throws NetlinkError or SyscallError. */
export function ownerByNftables(nft: Nftables, ip: Ip): AttachmentName | undefined {
  const element = getElement(nft.connection, setIn(familyOf(ip), OWNERS), ip);
  const id = idOf(element);
  if (id === undefined) return undefined;
  const attachment = records.byId(idText(id))?.attachment;
  return attachment === undefined ? (readComment(element?.comment) ?? UNKNOWN_NAME) : { ...attachment, isCut: false };
}

/** Whose it is by iptables' records, and the chain that the attachment's packets go through. Throws SyscallError. */
export function ownerByIptables(ip: Ip): { readonly attachment: Attachment; readonly chain: string } | undefined {
  const found = iptablesRecords
    .listLive()
    .find(({ record }) => record.addresses.some((one) => compareIp(one.ip, ip) === 0));
  if (found === undefined) return undefined;
  const { attachment } = found.record;
  return { attachment, chain: chainOf(attachment) };
}

/** Whether invalid packets of the address are dropped ("dropInvalid"). Throws NetlinkError. */
export function isStrict(nft: Nftables, ip: Ip): boolean {
  return getElement(nft.connection, setIn(familyOf(ip), STRICT), ip) !== undefined;
}
