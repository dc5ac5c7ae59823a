// The attachment of a rule of containernetworking/plugins' nftables back end. The rule's comment names it; where the comment is
// cut, the files of host-local or of a container runtime complete the name.

import type { Attachment } from "../../cni/attachment.ts";
import { sha512Hex } from "../../hash/sha512.ts";
import { attachmentId, idText } from "../../owned/id.ts";
import { cachedResults, holderOf, resultName } from "../../owned/runtime-files.ts";
import type { Cidr } from "../../wire/ip.ts";
import { parseUpstreamComment, type UpstreamName, type UpstreamRule } from "./rules.ts";

/** The subject of a rule: an attachment, and one of its addresses. */
export interface Identified {
  readonly attachment: Attachment;
  readonly id: string;
  readonly cidr: Cidr;
}

/** So many digits of a container's id, 128 bits, are enough to tell the container, unless ids are given by hand. */
const CERTAIN = /^[0-9a-f]{32,}$/;

export class Identifier {
  #cached: readonly string[] | undefined;
  readonly #attachments = new Map<string, { attachment: Attachment; id: string } | string>();

  /** The attachment of the rule, or the reason why it can't be told. */
  identify({ comment, cidr }: UpstreamRule): Identified | string {
    if (cidr === undefined) return "it is not as upstream's plugins make it";
    const known = this.#attachments.get(comment) ?? this.#find(comment, cidr);
    this.#attachments.set(comment, known);
    return typeof known === "string" ? known : { attachment: known.attachment, id: known.id, cidr };
  }

  #find(comment: string, cidr: Cidr): { attachment: Attachment; id: string } | string {
    const name = parseUpstreamComment(comment);
    if (name === undefined) return "its comment names no attachment";
    const attachment = wholeName(name) ?? this.#complete(name, cidr);
    if (typeof attachment === "string") return attachment;
    return { attachment, id: idText(attachmentId(attachment)) };
  }

  /** Finds the container of a comment that had no room for its id. */
  #complete(name: UpstreamName, cidr: Cidr): Attachment | string {
    const { network, ifname, containerId: beginning } = name;
    if (network === undefined || ifname === undefined || beginning === undefined) {
      return "its comment is cut before the container's id";
    }
    const holder = holderOf(network, cidr.ip);
    if (holder?.containerId.startsWith(beginning) === true) {
      const attachment = { ...holder, ifname };
      if (CERTAIN.test(beginning) || isHashOf(name, attachment)) return attachment;
    }
    this.#cached ??= [...cachedResults()];
    for (const file of this.#cached) {
      if (!file.startsWith(`${network}-${beginning}`) || !file.endsWith(`-${ifname}`)) continue;
      const containerId = file.slice(network.length + 1, file.length - ifname.length - 1);
      const attachment = { network, containerId, ifname };
      if (resultName(attachment) === file && isHashOf(name, attachment)) return attachment;
    }
    return `its comment is cut (${beginning}…), and neither host-local nor a container runtime's record has the rest`;
  }
}

function wholeName({ network, ifname, containerId, isCut }: UpstreamName): Attachment | undefined {
  if (isCut || network === undefined || ifname === undefined || containerId === undefined) return undefined;
  return { network, ifname, containerId };
}

function isHashOf({ hash }: UpstreamName, { ifname, containerId }: Attachment): boolean {
  return sha512Hex(`${ifname}:${containerId}`, hash.length) === hash;
}
