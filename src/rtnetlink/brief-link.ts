// A look at a link for those who make one: the few attributes that change meanwhile. A link has some forty, with a hundred
// more in nests, and to read them all takes the engine five times as long.

import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { errno } from "../sys/errno.ts";
import { attr, pick } from "../wire/attrs.ts";
import { bytes, cstring, u8, u32 } from "../wire/codec.ts";
import { decodeWithin } from "../wire/error.ts";
import type { Mac } from "../wire/mac.ts";
import type { LinkRef } from "./device.ts";
import { ifinfomsg } from "./ifinfomsg.ts";
import { type Link, showLink, showLinks } from "./link.ts";
import { AF, IFF, IFLA, IFLA_INET6, IFLA_INFO } from "./uapi.ts";

/** What a brief look tells; every Link has it. */
export type BriefLink = Pick<
  Link,
  | "index"
  | "name"
  | "flags"
  | "isUp"
  | "operState"
  | "mtu"
  | "mac"
  | "masterIndex"
  | "linkIndex"
  | "txQueueLength"
  | "kind"
>;

/** Like getLink, but for less: undefined when there is no such link. */
export function getBriefLink(connection: Connection, link: LinkRef): BriefLink | undefined {
  return connection.find(showLink(link), decodeBriefLink, errno("ENODEV"));
}

/** Like `ip link show`, but for less: the same of all links. */
export function listBriefLinks(connection: Connection): BriefLink[] {
  return connection.dump(showLinks()).map(decodeBriefLink);
}

/** Whether frames flow, as an operational state (IF_OPER); undefined when there is no such link. */
export function getOperState(connection: Connection, link: LinkRef): number | undefined {
  return connection.find(showLink(link), decodeOperState, errno("ENODEV"));
}

/** The same of an RTM_NEWLINK. Throws DecodeError. */
export function decodeOperState({ payload }: Message): number {
  return pickOperState.decode(payload.subarray(ifinfomsg.size)).operState ?? 0;
}

const pickOperState = pick({ operState: attr(IFLA.OPERSTATE, u8) });

/** What the kernel's IPv6 says of the link (IF_ of include/net/if_inet6.h); undefined where it has no IPv6, or is not there. */
export function getInet6Flags(connection: Connection, link: LinkRef): number | undefined {
  return connection.find(showLink(link), decodeInet6Flags, errno("ENODEV"));
}

function decodeInet6Flags({ payload }: Message): number | undefined {
  return pickInet6Flags.decode(payload.subarray(ifinfomsg.size)).families?.inet6?.flags;
}

const pickInet6Flags = pick({
  families: attr(IFLA.AF_SPEC, pick({ inet6: attr(AF.INET6, pick({ flags: attr(IFLA_INET6.FLAGS, u32) })) })),
});

/** The link's address; undefined when there is no such link, empty where it has none. */
export function getMac(connection: Connection, link: LinkRef): Mac | undefined {
  return connection.find(showLink(link), decodeMac, errno("ENODEV"));
}

function decodeMac({ payload }: Message): Mac {
  return pickMac.decode(payload.subarray(ifinfomsg.size)).mac ?? new Uint8Array(0);
}

const pickMac = pick({ mac: attr(IFLA.ADDRESS, bytes) });

/** Reads an RTM_NEWLINK. Throws DecodeError. */
export function decodeBriefLink({ payload }: Message): BriefLink {
  return decodeWithin("link", () => {
    const { index, flags } = ifinfomsg.decode(payload);
    const found = pickBriefLink.decode(payload.subarray(ifinfomsg.size));
    return {
      index,
      name: found.name ?? "",
      flags,
      isUp: (flags & IFF.UP) !== 0,
      operState: found.operState ?? 0,
      mtu: found.mtu ?? 0,
      mac: found.mac ?? new Uint8Array(0),
      masterIndex: found.masterIndex,
      linkIndex: found.linkIndex,
      txQueueLength: found.txQueueLength ?? 0,
      kind: found.info?.kind,
    };
  });
}

const pickBriefLink = pick({
  mac: attr(IFLA.ADDRESS, bytes),
  name: attr(IFLA.IFNAME, cstring),
  mtu: attr(IFLA.MTU, u32),
  linkIndex: attr(IFLA.LINK, u32),
  masterIndex: attr(IFLA.MASTER, u32),
  txQueueLength: attr(IFLA.TXQLEN, u32),
  operState: attr(IFLA.OPERSTATE, u8),
  info: attr(IFLA.LINKINFO, pick({ kind: attr(IFLA_INFO.KIND, cstring) })),
});
