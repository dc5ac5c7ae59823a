// A look at a link for those who make one: the few attributes that change meanwhile. A link has some forty, with a hundred
// more in nests, and to read them all takes the engine five times as long.

import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { errno } from "../sys/errno.ts";
import { firstAttribute, pickAttributes } from "../wire/attrs.ts";
import { cstring, u8, u32 } from "../wire/codec.ts";
import { decodeWithin } from "../wire/error.ts";
import type { Mac } from "../wire/mac.ts";
import type { LinkRef } from "./device.ts";
import { ifinfomsg } from "./ifinfomsg.ts";
import { type Link, showLink } from "./link.ts";
import { IFF, IFLA, IFLA_INFO } from "./uapi.ts";

/** What a brief look tells; every Link has it. */
export type BriefLink = Pick<
  Link,
  "index" | "name" | "flags" | "isUp" | "operState" | "mtu" | "mac" | "masterIndex" | "linkIndex" | "kind"
>;

/** Like getLink, but for less: undefined when there is no such link. */
export function getBriefLink(connection: Connection, link: LinkRef): BriefLink | undefined {
  return connection.find(showLink(link), decodeBriefLink, errno("ENODEV"));
}

/** Whether frames flow, as an operational state (IF_OPER); undefined when there is no such link. */
export function getOperState(connection: Connection, link: LinkRef): number | undefined {
  return connection.find(showLink(link), decodeOperState, errno("ENODEV"));
}

/** The same of an RTM_NEWLINK. Throws DecodeError. */
export function decodeOperState({ payload }: Message): number {
  const state = firstAttribute(payload.subarray(ifinfomsg.size), IFLA.OPERSTATE);
  return state === undefined ? 0 : u8.decode(state);
}

/** The link's address; undefined when there is no such link, empty where it has none. */
export function getMac(connection: Connection, link: LinkRef): Mac | undefined {
  return connection.find(showLink(link), decodeMac, errno("ENODEV"));
}

function decodeMac({ payload }: Message): Mac {
  return firstAttribute(payload.subarray(ifinfomsg.size), IFLA.ADDRESS)?.slice() ?? new Uint8Array(0);
}

/** Reads an RTM_NEWLINK. Throws DecodeError. */
export function decodeBriefLink({ payload }: Message): BriefLink {
  return decodeWithin("link", () => {
    const { index, flags } = ifinfomsg.decode(payload);
    const found = pickAttributes(payload.subarray(ifinfomsg.size), WANTED);
    const [mac, name, mtu, linkIndex, masterIndex, operState, info] = found;
    const kind = info && firstAttribute(info, IFLA_INFO.KIND);
    return {
      index,
      name: name === undefined ? "" : cstring.decode(name),
      flags,
      isUp: (flags & IFF.UP) !== 0,
      operState: operState === undefined ? 0 : u8.decode(operState),
      mtu: mtu === undefined ? 0 : u32.decode(mtu),
      mac: mac === undefined ? new Uint8Array(0) : mac.slice(),
      masterIndex: masterIndex && u32.decode(masterIndex),
      linkIndex: linkIndex && u32.decode(linkIndex),
      kind: kind && cstring.decode(kind),
    };
  });
}

const WANTED = [IFLA.ADDRESS, IFLA.IFNAME, IFLA.MTU, IFLA.LINK, IFLA.MASTER, IFLA.OPERSTATE, IFLA.LINKINFO] as const;
