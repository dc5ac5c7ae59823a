// ADD: the device goes into the container, in one step of the kernel's. Its record comes first.

import type { Attachment } from "../cni/attachment.ts";
import type { Namespaces } from "../links/namespaces.ts";
import { attachmentId, idText } from "../owned/id.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import { deleteAlternativeNames, getNetDevice, moveLink, type NetDevice } from "../rtnetlink/net-device.ts";
import { hasCode } from "../sys/error.ts";
import { netnsIdOf } from "../sys/netns-id.ts";
import { formatMac } from "../wire/mac.ts";
import { type DeviceRecord, records } from "./records.ts";
import { type Note, restoreDevice } from "./restore-device.ts";

/**
 * Moves a device of the node into the container's namespace, down, under the name `ifname`, with its old name as its alias: either
 * implementation's DEL gives it back by that. Returns the device as it is there. Throws an Error that says why the kernel
 * does not let it go; call giveBack then. What cannot be restored of a device that does not go is told to `note`.
 */
export function take(namespaces: Namespaces, attachment: Attachment, device: NetDevice, note: Note): NetDevice {
  const { node, container, netns } = namespaces;
  const name = attachment.ifname;
  const record = recordOf(namespaces, attachment, device);
  records.write(record);
  try {
    // One of its own names would be in the way, too.
    if (device.alternativeNames.includes(name)) node.execute(deleteAlternativeNames(device, [name]));
    node.execute(moveLink(device, { netnsFd: netns, name, alias: device.name }));
  } catch (error) {
    const stays = getNetDevice(node, device);
    const hasStayed = stays?.name === device.name;
    if (hasStayed) restoreDevice(node, stays, record.device, note);
    // Another ADD may have been faster: then the device is none of this attachment's.
    if (hasStayed || hasCode(error, "ENODEV")) records.forget(idText(attachmentId(attachment)));
    throw new Error(problemOf(error, device), { cause: error });
  }
  const moved = getNetDevice(container, name);
  if (moved === undefined) throw new Error(`the device ${device.name} has gone while it was being moved`);
  if (moved.index !== device.index) records.write({ ...record, device: { ...record.device, index: moved.index } });
  return moved;
}

function recordOf({ node, netns, path }: Namespaces, attachment: Attachment, device: NetDevice): DeviceRecord {
  const { index, name, mac, permanentMac, parent, kind, isUp, mtu, alias, alternativeNames, masterIndex } = device;
  const master = masterIndex === undefined ? undefined : getBriefLink(node, { index: masterIndex })?.name;
  return {
    attachment,
    netns: path,
    containerNetns: netnsIdOf(netns),
    device: {
      ...{ name, index, mac: formatMac(mac), permanentMac: permanentMac && formatMac(permanentMac), parent, kind },
      ...{ isUp, mtu, alias, alternativeNames, master },
    },
  };
}

function problemOf(error: unknown, { name, kind = "hardware" }: NetDevice): string {
  if (hasCode(error, "EINVAL")) return `the kernel does not let the device ${name} (${kind}) leave the node`;
  if (hasCode(error, "ENODEV")) return `the device ${name} has left the node meanwhile: another container may have it`;
  if (hasCode(error, "EEXIST")) return `a name of the device ${name} is taken in the container`;
  return `cannot move the device ${name} into the container`;
}
