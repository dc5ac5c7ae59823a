// Links: `ip link`.

import type { Connection } from "../netlink/connection.ts";
import { type Message, type Request, request } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { attr, attrs, list } from "../wire/attrs.ts";
import { bytes, cstring, encode, type Infer, s32, u8, u32 } from "../wire/codec.ts";
import { decodeWithin } from "../wire/error.ts";
import { IFNAMSIZ } from "../wire/ifname.ts";
import { formatMac, type Mac } from "../wire/mac.ts";
import { alternativeName, linkName, unterminated } from "./codecs.ts";
import { type Device, deviceText, type LinkRef } from "./device.ts";
import { ifinfomsg, linkHeader } from "./ifinfomsg.ts";
import { kindName, type LinkInfo, linkInfo, type PortInfo } from "./link-info.ts";
import { AF, IFF, IFLA, IFLA_INET6, RTEXT_FILTER, RTM } from "./uapi.ts";

const inet6 = attrs({
  flags: attr(IFLA_INET6.FLAGS, u32),
  addressGenerationMode: attr(IFLA_INET6.ADDR_GEN_MODE, u8),
});

/** include/uapi/linux/if_link.h, IFLA_* */
const linkAttributes = attrs({
  mac: attr(IFLA.ADDRESS, bytes),
  name: attr(IFLA.IFNAME, linkName),
  mtu: attr(IFLA.MTU, u32),
  linkIndex: attr(IFLA.LINK, u32),
  masterIndex: attr(IFLA.MASTER, u32),
  txQueueLength: attr(IFLA.TXQLEN, u32),
  operState: attr(IFLA.OPERSTATE, u8),
  linkInfo: attr(IFLA.LINKINFO, linkInfo),
  alias: attr(IFLA.IFALIAS, unterminated),
  families: attr(IFLA.AF_SPEC, attrs({ inet6: attr(AF.INET6, inet6) })),
  group: attr(IFLA.GROUP, u32),
  netnsFd: attr(IFLA.NET_NS_FD, u32),
  filter: attr(IFLA.EXT_MASK, u32),
  promiscuity: attr(IFLA.PROMISCUITY, u32),
  linkNetnsId: attr(IFLA.LINK_NETNSID, s32),
  properties: attr(IFLA.PROP_LIST, list(IFLA.ALT_IFNAME, alternativeName)),
  alternativeName: attr(IFLA.ALT_IFNAME, alternativeName),
});

type LinkAttributes = Infer<typeof linkAttributes>;

/** Of these what says which link is meant, and what not to tell of it: an ADD asks often, and need not go through all. */
const linkReference = attrs({
  name: attr(IFLA.IFNAME, linkName),
  filter: attr(IFLA.EXT_MASK, u32),
  alternativeName: attr(IFLA.ALT_IFNAME, alternativeName),
});

/** A link as the kernel describes it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly alternativeNames: readonly string[];
  readonly alias: string | undefined;
  /** IFF bits. */
  readonly flags: number;
  /** Whether it is up administratively; see `operState` for whether frames flow. */
  readonly isUp: boolean;
  /** IF_OPER. */
  readonly operState: number;
  readonly mtu: number;
  /** Empty for a link without addresses of its own, a tunnel say. */
  readonly mac: Mac;
  /** The bridge or other master, in the same namespace. */
  readonly masterIndex: number | undefined;
  /** What the link hangs on: a VLAN's parent, a veth's peer. */
  readonly linkIndex: number | undefined;
  /** The id, in this namespace, of the namespace that `linkIndex` counts in; undefined: this one. */
  readonly linkNetnsId: number | undefined;
  readonly txQueueLength: number;
  /** How many times over it is in promiscuous mode. */
  readonly promiscuity: number;
  /** IN6_ADDR_GEN_MODE; undefined where the kernel or the link has no IPv6. */
  readonly addressGenerationMode: number | undefined;
  /** `veth`, `bridge` and so on; undefined for hardware and the loopback. */
  readonly kind: string | undefined;
  readonly info: LinkInfo | undefined;
  readonly port: PortInfo | undefined;
}

/** What can be set of a link, new or old. */
export interface LinkSettings {
  readonly up?: boolean | undefined;
  readonly promisc?: boolean | undefined;
  readonly allMulticast?: boolean | undefined;
  readonly mac?: Mac | undefined;
  readonly mtu?: number | undefined;
  /** 0: none. */
  readonly masterIndex?: number | undefined;
  readonly txQueueLength?: number | undefined;
  readonly alias?: string | undefined;
  /** IN6_ADDR_GEN_MODE */
  readonly addressGenerationMode?: number | undefined;
  /** Descriptor of the namespace to move it to (or to make it in). */
  readonly netnsFd?: number | undefined;
  /** The kind's own options. */
  readonly info?: LinkInfo | undefined;
}

/** A link to be made. */
export interface NewLink extends LinkSettings {
  readonly name: string;
  readonly info: LinkInfo;
  /** Index to have; the kernel chooses when absent. */
  readonly index?: number | undefined;
  /** What it hangs on: the parent of a VLAN. */
  readonly linkIndex?: number | undefined;
}

/** Like `ip link add`. Fails with EEXIST when the name is taken. */
export function addLink(link: NewLink): Request {
  const { flags, change } = flagsOf(link);
  const header = linkHeader({ index: link.index ?? 0, flags, change });
  const attributes = { ...attributesOf(link), name: link.name, linkIndex: link.linkIndex };
  const operation = (): string => {
    const peer = link.info.kind === "veth" && "peer" in link.info ? link.info.peer?.name : undefined;
    return `link add ${link.name} type ${kindName(link.info)}${peer === undefined ? "" : ` peer name ${peer}`}`;
  };
  return linkRequest(RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, operation, header, attributes);
}

/** Like `ip link set`. Fails with ENODEV when there is no such link. */
export function setLink(link: LinkRef, settings: LinkSettings): Request {
  // NEWLINK without CREATE as ip(8) does it, not SETLINK: that one ignores the options of the kind.
  const header = linkHeader({ ...indexOf(link), ...flagsOf(settings) });
  const attributes = { ...attributesOf(settings), ...nameOf(link) };
  return linkRequest(RTM.NEWLINK, 0, () => `link set ${deviceText(link)}${settingsText(settings)}`, header, attributes);
}

/** Like `ip link set … name`. The link may be up since Linux 6.2; before, EBUSY. */
export function renameLink(link: Device, name: string): Request {
  const operation = (): string => `link set ${deviceText(link)} name ${name}`;
  return linkRequest(RTM.NEWLINK, 0, operation, linkHeader({ index: link.index }), { name });
}

/** Like `ip link delete`. Fails with ENODEV when there is no such link. */
export function deleteLink(link: LinkRef): Request {
  const operation = (): string => `link delete ${deviceText(link)}`;
  return linkRequest(RTM.DELLINK, 0, operation, linkHeader(indexOf(link)), nameOf(link));
}

/** The request of getLink. */
export function showLink(link: LinkRef): Request {
  const attributes = { ...nameOf(link), filter: RTEXT_FILTER.SKIP_STATS };
  const operation = (): string => `link show ${deviceText(link)}`;
  return request(RTM.GETLINK, 0, operation, [ifinfomsg, linkHeader(indexOf(link))], [linkReference, attributes]);
}

/** Like `ip link show dev …`; undefined when there is no such link. */
export function getLink(connection: Connection, link: LinkRef): Link | undefined {
  return connection.find(showLink(link), decodeLink, errno("ENODEV"));
}

/** Like `ip link show`, of all links or of the ports of one master or of one kind. */
export function listLinks(
  connection: Connection,
  only: { readonly masterIndex?: number; readonly kind?: string } = {},
): Link[] {
  const all = connection.dump(showLinks(only)).map(decodeLink);
  // The kernel tells of all links where it knows no such kind.
  return only.kind === undefined ? all : all.filter(({ kind }) => kind === only.kind);
}

/** The question for all links, or for the ports of one master, or for the links of one kind. */
export function showLinks(only: { readonly masterIndex?: number; readonly kind?: string } = {}): Request {
  const attributes: LinkAttributes = {
    filter: RTEXT_FILTER.SKIP_STATS,
    masterIndex: only.masterIndex,
    linkInfo: only.kind === undefined ? undefined : { info: { kind: "unknown", name: only.kind, data: undefined } },
  };
  return linkRequest(RTM.GETLINK, 0, () => "link show", linkHeader(), attributes);
}

/** A link from an RTM_NEWLINK or RTM_DELLINK, answered or heard. Throws DecodeError. */
export function decodeLink(message: Message): Link {
  return decodeWithin("link", () => {
    const { index, flags } = ifinfomsg.decode(message.payload);
    const found = linkAttributes.decode(message.payload.subarray(ifinfomsg.size));
    const { info, port } = found.linkInfo ?? {};
    return {
      index,
      name: found.name ?? "",
      alternativeNames: found.properties ?? [],
      alias: found.alias,
      flags,
      isUp: (flags & IFF.UP) !== 0,
      operState: found.operState ?? 0,
      mtu: found.mtu ?? 0,
      mac: found.mac ?? new Uint8Array(0),
      masterIndex: found.masterIndex,
      linkIndex: found.linkIndex,
      linkNetnsId: found.linkNetnsId,
      txQueueLength: found.txQueueLength ?? 0,
      promiscuity: found.promiscuity ?? 0,
      addressGenerationMode: found.families?.inet6?.addressGenerationMode,
      kind: info && kindName(info),
      info,
      port,
    };
  });
}

function linkRequest(
  type: number,
  flags: number,
  operation: () => string,
  header: ReturnType<typeof linkHeader>,
  attributes: LinkAttributes,
): Request {
  return request(type, flags, operation, [ifinfomsg, header], [linkAttributes, attributes]);
}

function indexOf(link: LinkRef): { readonly index: number } {
  return { index: typeof link === "string" ? 0 : link.index };
}

/** The attribute that names the link where there is no index; long names can only be alternative ones. */
function nameOf(link: LinkRef): Infer<typeof linkReference> {
  if (typeof link !== "string") return {};
  // Three bytes is the most that a UTF-16 unit becomes.
  const isShort = link.length * 3 < IFNAMSIZ || encode(cstring, link).length <= IFNAMSIZ;
  return isShort ? { name: link } : { alternativeName: link };
}

function flagsOf({ up, promisc, allMulticast }: LinkSettings): { readonly flags: number; readonly change: number } {
  let flags = 0;
  let change = 0;
  const set = (bit: number, wanted: boolean | undefined): void => {
    if (wanted === undefined) return;
    change |= bit;
    if (wanted) flags |= bit;
  };
  set(IFF.UP, up);
  set(IFF.PROMISC, promisc);
  set(IFF.ALLMULTI, allMulticast);
  return { flags, change };
}

function attributesOf(settings: LinkSettings): LinkAttributes {
  const { mac, mtu, masterIndex, txQueueLength, alias, addressGenerationMode, netnsFd, info } = settings;
  return {
    mac,
    mtu,
    masterIndex,
    txQueueLength,
    alias,
    netnsFd,
    linkInfo: info && { info },
    families: addressGenerationMode === undefined ? undefined : { inet6: { addressGenerationMode } },
  };
}

/** What was to be set, in ip(8)'s words, as far as an error needs them. */
function settingsText(settings: LinkSettings): string {
  const { up, promisc, allMulticast, masterIndex, mtu, mac, alias, netnsFd, info } = settings;
  const onOff = (value: boolean): string => (value ? "on" : "off");
  let text = "";
  if (up !== undefined) text += up ? " up" : " down";
  if (promisc !== undefined) text += ` promisc ${onOff(promisc)}`;
  if (allMulticast !== undefined) text += ` allmulticast ${onOff(allMulticast)}`;
  if (masterIndex !== undefined) text += masterIndex === 0 ? " nomaster" : ` master if${masterIndex}`;
  if (mtu !== undefined) text += ` mtu ${mtu}`;
  if (mac !== undefined) text += ` address ${formatMac(mac)}`;
  if (alias !== undefined) text += ` alias ${JSON.stringify(alias)}`;
  if (netnsFd !== undefined) text += ` netns (descriptor ${netnsFd})`;
  if (info !== undefined) text += ` type ${kindName(info)}`;
  return text;
}
