// A device that is on the node again gets back what it had there: its name first.

import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import type { Request } from "../netlink/message.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import type { Device } from "../rtnetlink/device.ts";
import { renameLink, setLink } from "../rtnetlink/link.ts";
import { addAlternativeNames, type NetDevice } from "../rtnetlink/net-device.ts";
import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { IFNAMSIZ } from "../wire/ifname.ts";
import { formatMac, parseHardwareAddress } from "../wire/mac.ts";
import type { RecordedDevice } from "./records.ts";

/** Takes a line for people on what could not be restored. */
export type Note = (line: string) => void;

const ATTEMPTS = 100;

/**
 * The name for a device that comes to the node: its old one, or where another link has that, the old one with a number. `index` is
 * that of the device itself, where it is on the node already.
 */
export function nameOnNode(node: Connection, wanted: string, index?: number): string {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const suffix = attempt === 0 ? "" : `_${attempt}`;
    const name = beginningOf(wanted, IFNAMSIZ - 1 - suffix.length) + suffix;
    const holder = getBriefLink(node, name);
    if (holder === undefined || holder.index === index) return name;
  }
  throw new Error(`${JSON.stringify(wanted)} and ${ATTEMPTS - 1} names like it are taken on the node`);
}

/** As much of a name as fits into so many bytes. */
function beginningOf(name: string, size: number): string {
  const characters = [...name];
  while (engine.encode(characters.join("")).length > size) characters.pop();
  return characters.join("");
}

/**
 * Gives a device on the node its old name and all that was recorded of it. What the kernel refuses is told to `note`: the device
 * is back all the same. Throws NetlinkError where the kernel does not rename it, and Error where no name like its own is free.
 */
export function restoreDevice(node: Connection, found: NetDevice, device: RecordedDevice, note: Note): void {
  const name = renamed(node, found, device.name);
  const link: Device = { index: found.index, name };
  const hasName = name === device.name;
  if (!hasName) {
    const [old, now] = [JSON.stringify(device.name), JSON.stringify(name)];
    note(`another link has the name ${old} by now: the device is called ${now}, with the old name as its alias`);
  }
  const mac = parseHardwareAddress(device.mac);
  const names = device.alternativeNames.filter((one) => !found.alternativeNames.includes(one));
  const master = device.master === undefined ? undefined : getBriefLink(node, device.master);
  if (device.master !== undefined && master === undefined) note(`its master ${device.master} is gone`);
  carryOut(node, note, [
    setLink(link, { alias: hasName ? (device.alias ?? "") : device.name }),
    ...(found.mtu === device.mtu ? [] : [setLink(link, { mtu: device.mtu })]),
    ...(mac === undefined || formatMac(found.mac) === device.mac ? [] : [setLink(link, { mac })]),
    ...names.map((one) => addAlternativeNames(link, [one])),
    ...(master === undefined ? [] : [setLink(link, { masterIndex: master.index })]),
    ...(device.isUp ? [setLink(link, { up: true })] : []),
  ]);
}

/** The name that the device then has. Before Linux 6.2 a device must be down to be renamed. */
function renamed(node: Connection, { index, name }: NetDevice, wanted: string): string {
  if (name === wanted) return name;
  const free = nameOnNode(node, wanted, index);
  if (free === name) return name;
  node.executeAll([setLink({ index, name }, { up: false }), renameLink({ index, name }, free)]);
  return free;
}

function carryOut(node: Connection, note: Note, requests: readonly Request[]): void {
  const acks = node.tryAll(requests);
  requests.forEach((request, i) => {
    const ack = acks[i];
    if (ack === undefined || ack.errno === 0) return;
    const error = new NetlinkError(request.operation(), ack);
    if (!hasCode(error, "EEXIST")) note(error.message); // an alternative name that it has already
  });
}
