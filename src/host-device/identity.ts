// Which link is the recorded device, whatever name, index or address it has by now: the container's processes may have changed
// all that can be changed, and the kernel chooses another index or name where the old one is taken.

import type { Connection } from "../netlink/connection.ts";
import { getNetDevice, listNetDevices, type NetDevice } from "../rtnetlink/net-device.ts";
import { formatMac } from "../wire/mac.ts";
import type { RecordedDevice } from "./records.ts";

/** The device, among the links of a namespace; undefined where it isn't there. Throws NetlinkError. */
export function findDevice(
  connection: Connection,
  device: RecordedDevice,
  where: "node" | "container",
): NetDevice | undefined {
  const found = getNetDevice(connection, { index: device.index });
  if (found !== undefined && isDevice(found, device, where)) return found;
  return findAmong(listNetDevices(connection), device, where);
}

/** The device, among these links. */
export function findAmong(
  links: readonly NetDevice[],
  device: RecordedDevice,
  where: "node" | "container",
): NetDevice | undefined {
  const others = links.filter((link) => isDevice(link, device, where));
  const known = others.find(({ index }) => index === device.index);
  if (known !== undefined) return known;
  // Ports of one card may look alike: ADD has given the device its old name as the alias.
  return others.find(({ alias }) => alias === device.name) ?? (others.length === 1 ? others[0] : undefined);
}

/**
 * Hardware is known by what no process can change: its parent device and its permanent address. A virtual device has neither;
 * it is known by its kind, and by its index in the container or the old name in its alias; on the node also by its name and
 * address, where it has never left, or somebody has given it back.
 */
export function isDevice(link: NetDevice, device: RecordedDevice, where: "node" | "container"): boolean {
  if (link.kind !== device.kind) return false;
  const { parent, permanentMac } = device;
  if (parent === undefined && permanentMac === undefined) {
    if (link.alias === device.name) return true;
    return where === "container" ? link.index === device.index : isAsBefore(link, device);
  }
  const isSameParent = link.parent?.bus === parent?.bus && link.parent?.name === parent?.name;
  return isSameParent && (link.permanentMac && formatMac(link.permanentMac)) === permanentMac;
}

function isAsBefore({ name, mac }: NetDevice, device: RecordedDevice): boolean {
  return name === device.name && formatMac(mac) === device.mac;
}
