// Links as devices that move from one network namespace to another: what they are known by there, and what goes along.

import type { Connection } from "../netlink/connection.ts";
import { type Message, type Request, request } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { attr, attrs, list, pick } from "../wire/attrs.ts";
import { bytes, cstring, u32 } from "../wire/codec.ts";
import { decodeWithin } from "../wire/error.ts";
import type { Mac } from "../wire/mac.ts";
import { alternativeName, linkName, unterminated } from "./codecs.ts";
import { type Device, deviceText, type LinkRef } from "./device.ts";
import { ifinfomsg, linkHeader } from "./ifinfomsg.ts";
import { type Link, showLink } from "./link.ts";
import { IFF, IFLA, IFLA_INFO, RTEXT_FILTER, RTM } from "./uapi.ts";

/** What there is to know of a device: a part of what a Link tells, and what identifies hardware. */
export interface NetDevice
  extends Pick<
    Link,
    "index" | "name" | "alternativeNames" | "alias" | "isUp" | "mtu" | "mac" | "masterIndex" | "kind"
  > {
  /** The address that the hardware was made with, whatever `mac` is by now; undefined where the driver tells none. */
  readonly permanentMac: Mac | undefined;
  /** What the device is a part of: `pci` and `0000:00:1f.6`. Undefined for virtual ones, and before Linux 5.14. */
  readonly parent: ParentDevice | undefined;
}

/** A device of the kernel's, as it is called below /sys/bus/BUS/devices. */
export interface ParentDevice {
  readonly bus: string;
  readonly name: string;
}

/** Like `ip -d link show dev …`; undefined when there is no such link. */
export function getNetDevice(connection: Connection, link: LinkRef): NetDevice | undefined {
  return connection.find(showLink(link), decodeNetDevice, errno("ENODEV"));
}

/** Like `ip -d link show`. */
export function listNetDevices(connection: Connection): NetDevice[] {
  const filter = { filter: RTEXT_FILTER.SKIP_STATS };
  const dump = request(RTM.GETLINK, 0, () => "link show", [ifinfomsg, linkHeader()], [listFilter, filter]);
  return connection.dump(dump).map(decodeNetDevice);
}

const listFilter = attrs({ filter: attr(IFLA.EXT_MASK, u32) });

/** Reads an RTM_NEWLINK. Throws DecodeError. */
export function decodeNetDevice({ payload }: Message): NetDevice {
  return decodeWithin("link", () => {
    const { index, flags } = ifinfomsg.decode(payload);
    const found = pickNetDevice.decode(payload.subarray(ifinfomsg.size));
    const { parentBus: bus, parentName } = found;
    return {
      index,
      name: found.name ?? "",
      alternativeNames: found.properties ?? [],
      alias: found.alias,
      isUp: (flags & IFF.UP) !== 0,
      mtu: found.mtu ?? 0,
      mac: found.mac ?? new Uint8Array(0),
      permanentMac: found.permanentMac,
      masterIndex: found.masterIndex,
      kind: found.info?.kind,
      parent: bus === undefined || parentName === undefined ? undefined : { bus, name: parentName },
    };
  });
}

const pickNetDevice = pick({
  mac: attr(IFLA.ADDRESS, bytes),
  name: attr(IFLA.IFNAME, cstring),
  mtu: attr(IFLA.MTU, u32),
  masterIndex: attr(IFLA.MASTER, u32),
  info: attr(IFLA.LINKINFO, pick({ kind: attr(IFLA_INFO.KIND, cstring) })),
  alias: attr(IFLA.IFALIAS, unterminated),
  properties: attr(IFLA.PROP_LIST, list(IFLA.ALT_IFNAME, alternativeName)),
  permanentMac: attr(IFLA.PERM_ADDRESS, bytes),
  parentName: attr(IFLA.PARENT_DEV_NAME, cstring),
  parentBus: attr(IFLA.PARENT_DEV_BUS_NAME, cstring),
});

/** Where a device goes, and what is changed of it on the way. */
const destination = attrs({
  name: attr(IFLA.IFNAME, linkName),
  alias: attr(IFLA.IFALIAS, unterminated),
  netnsFd: attr(IFLA.NET_NS_FD, u32),
});

const names = attrs({ properties: attr(IFLA.PROP_LIST, list(IFLA.ALT_IFNAME, alternativeName)) });

/**
 * Like `ip link set … netns … name … alias …`. The kernel moves the device, down, and renames it where it is then, in one step
 * that nobody sees the middle of. It moves the device under its own name, where that is free, and under `name` otherwise: EEXIST
 * where both names are taken, with nothing done, but also where `name` alone is, with the device moved.
 */
export function moveLink(
  link: Device,
  to: { readonly netnsFd: number; readonly name: string; readonly alias?: string | undefined },
): Request {
  const operation = (): string => `link set ${deviceText(link)} netns (descriptor ${to.netnsFd}) name ${to.name}`;
  return request(RTM.NEWLINK, 0, operation, [ifinfomsg, linkHeader({ index: link.index })], [destination, to]);
}

/** Like `ip link property add … altname …`. */
export function addAlternativeNames(link: Device, added: readonly string[]): Request {
  const flags = NLM_F.CREATE | NLM_F.EXCL | NLM_F.APPEND;
  return nameRequest(RTM.NEWLINKPROP, flags, "add", link, added);
}

/** Like `ip link property del … altname …`. */
export function deleteAlternativeNames(link: Device, deleted: readonly string[]): Request {
  return nameRequest(RTM.DELLINKPROP, 0, "del", link, deleted);
}

function nameRequest(type: number, flags: number, verb: string, link: Device, properties: readonly string[]): Request {
  const operation = (): string =>
    `link property ${verb} dev ${deviceText(link)} altname ${properties.join(" altname ")}`;
  return request(type, flags, operation, [ifinfomsg, linkHeader({ index: link.index })], [names, { properties }]);
}
