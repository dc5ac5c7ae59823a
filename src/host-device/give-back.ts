// DEL, and all who find a device whose container is gone: the device comes back to the node under its old name, from wherever it
// is by then. When a namespace ends the kernel gives hardware back by itself, under the name that it had there.

import type { Attachment } from "../cni/attachment.ts";
import { type Namespaces, withNode, withRecordedNetns } from "../links/namespaces.ts";
import { awaitEvent, withWatch } from "../links/watch.ts";
import type { Connection } from "../netlink/connection.ts";
import { renameLink, setLink } from "../rtnetlink/link.ts";
import { getNetDevice, listNetDevices, moveLink, type NetDevice } from "../rtnetlink/net-device.ts";
import { RTNLGRP } from "../rtnetlink/uapi.ts";
import { close, O, open } from "../sys/fd.ts";
import { OWN_NETNS } from "../sys/netns.ts";
import { findAmong, findDevice } from "./identity.ts";
import { type DeviceRecord, type RecordedDevice, records } from "./records.ts";
import { type Note, nameOnNode, restoreDevice } from "./restore-device.ts";
import { isPresent } from "./sysfs.ts";

/**
 * Gives the attachment's device back, by its record: from the namespace under `netns` or under the recorded path, or on the node,
 * where it has come by itself. Returns whether there was a record. A device that is nowhere is gone, and no error. Throws
 * NetlinkError or SyscallError; the record stays then.
 */
export function giveBack(attachment: Attachment, netns: string, note: Note): boolean {
  const record = records.beginRelease(attachment);
  if (record === undefined) return false;
  if (record === "illegible") note("the record of the device is illegible");
  else if (!comesBack(record, netns, note)) {
    note(`the device ${record.device.name} is neither in the container nor on the node: bauta gc will look again`);
    return true;
  }
  records.endRelease(attachment);
  return record !== "illegible";
}

/** False where the device is elsewhere: it is still there. */
function comesBack(record: DeviceRecord, netns: string, note: Note): boolean {
  const { device } = record;
  const paths = new Set([netns, record.netns ?? ""]);
  for (const path of paths) if (takeFrom(path, record, note)) return true;
  return withNode((node) => {
    const found = arrivedAt(node, device);
    if (found !== undefined) restoreDevice(node, found, device, note);
    return found !== undefined || !isPresent(device);
  });
}

/** Whether the device was in the namespace under this path. */
function takeFrom(path: string, { device, containerNetns }: DeviceRecord, note: Note): boolean {
  // Another container may have the path by now, and the device, too.
  const taken = withRecordedNetns({ netns: path, containerNetns }, (container) => {
    const link = findDevice(container, device, "container");
    if (link !== undefined) withNode((node) => bringBack({ container, node }, link, device, note));
    return link !== undefined;
  });
  return taken === true;
}

/**
 * Moves a link of the container to the node and restores it there. It gets its name in the container, where that can be: udev and
 * NetworkManager of the node then meet it under no other.
 */
export function bringBack(
  { container, node }: Pick<Namespaces, "container" | "node">,
  link: NetDevice,
  device: RecordedDevice,
  note: Note,
): void {
  const name = nameOnNode(node, device.name);
  container.tryAll([setLink(link, { up: false }), renameLink(link, name)]);
  const netnsFd = open(OWN_NETNS, O.RDONLY);
  try {
    container.execute(moveLink(link, { netnsFd, name }));
  } finally {
    close(netnsFd);
  }
  const arrived = getNetDevice(node, name);
  if (arrived !== undefined) restoreDevice(node, arrived, device, note);
}

// The kernel takes a namespace apart after its last user has gone, a few grace periods long.
const PATIENCE_MS = 3000;

/** The device on the node; where its namespace is being taken apart, once the kernel has given the device back. */
function arrivedAt(node: Connection, device: RecordedDevice): NetDevice | undefined {
  const look = (): NetDevice | undefined => findDevice(node, device, "node");
  const found = look();
  if (found !== undefined || !isPresent(device)) return found;
  return withWatch(undefined, [RTNLGRP.LINK], (watch) => awaitEvent(watch, PATIENCE_MS, look));
}

/**
 * Restores the devices that the kernel has given back to the node, for an ADD that comes before the DEL of their containers.
 * Returns whether there was one. Throws NetlinkError or SyscallError.
 */
export function reclaimReturned(node: Connection, note: Note): boolean {
  const all = records.list();
  if (all.length === 0) return false;
  const links = listNetDevices(node);
  const returned = all.filter(({ record: { device } }) => {
    const link = findAmong(links, device, "node");
    return link !== undefined && link.name !== device.name && link.alias === device.name;
  });
  for (const { record } of returned) giveBack(record.attachment, "", note);
  return returned.length > 0;
}
