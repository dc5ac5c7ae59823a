// Which link of the node the configuration means.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { reclaimReturned } from "../../host-device/give-back.ts";
import { type RecordedDevice, records } from "../../host-device/records.ts";
import type { Note } from "../../host-device/restore-device.ts";
import { deviceDirectory, hasUserSpaceDriver, linksOf, linksOfPci } from "../../host-device/sysfs.ts";
import type { Connection } from "../../netlink/connection.ts";
import { getNetDevice, listNetDevices, type NetDevice } from "../../rtnetlink/net-device.ts";
import { exists } from "../../sys/file.ts";
import { sameBytes } from "../../wire/codec.ts";
import { formatMac, type Mac } from "../../wire/mac.ts";
import type { HostDeviceConfig, Wanted } from "./config.ts";

/** Whether a program in user space has the device, so that there is no link to move. Throws CniError 7. */
export function isInUserSpace({ wanted, isInUserSpace: isSaid }: HostDeviceConfig): boolean {
  if (wanted === undefined || !("id" in wanted) || busOf(wanted) === "auxiliary") return isSaid;
  const isDriverOfUserSpace = hasUserSpaceDriver(wanted.id);
  if (isDriverOfUserSpace !== undefined) return isDriverOfUserSpace;
  const isThere = exists(deviceDirectory("pci", wanted.id));
  throw absent(wanted, isThere ? `the PCI device ${wanted.id} has no driver` : `there is no PCI device ${wanted.id}`);
}

function busOf(wanted: Extract<Wanted, { id: string }>): "pci" | "auxiliary" {
  const { key, id } = wanted;
  if (key === "pciBusID" || exists(deviceDirectory("pci", id))) return "pci";
  if (exists(deviceDirectory("auxiliary", id))) return "auxiliary";
  throw absent(wanted, `there is no PCI or auxiliary device ${id}`);
}

/**
 * The device, for ADD, which restores what the kernel has given back. Throws CniError 7 that says what is missing, or which container
 * has the device.
 */
export function findWanted(node: Connection, wanted: Wanted, note: Note): NetDevice {
  const found = look(node, wanted);
  // The kernel has given it back under another name, or the other name leads to it.
  if (found === undefined || found.alias) reclaimReturned(node, note);
  return requireWanted(node, wanted);
}

/** The same, without a change to the node: for STATUS. */
export function requireWanted(node: Connection, wanted: Wanted): NetDevice {
  const found = look(node, wanted);
  if (found !== undefined) return found;
  throw absent(wanted, `the node has no such device: ${textOf(wanted)}`, holderOf(wanted));
}

function look(node: Connection, wanted: Wanted): NetDevice | undefined {
  if (wanted.key === "device") return getNetDevice(node, wanted.name);
  if (wanted.key === "hwaddr") return byAddress(listNetDevices(node), wanted.mac);
  if (wanted.key === "kernelpath") return firstOf(node, linksOf(wanted.path));
  const isPci = busOf(wanted) === "pci";
  return firstOf(node, isPci ? linksOfPci(wanted.id) : linksOf(deviceDirectory("auxiliary", wanted.id)));
}

/** A VLAN, a macvlan or a bond has the address of the device below it: hardware that was made with the address comes first. */
function byAddress(devices: readonly NetDevice[], mac: Mac): NetDevice | undefined {
  const alike = devices.filter((device) => sameBytes(device.mac, mac));
  return (
    devices.find(({ permanentMac }) => permanentMac !== undefined && sameBytes(permanentMac, mac)) ??
    alike.find(({ kind }) => kind === undefined) ??
    alike[0]
  );
}

/** /sys has names of the namespace that it was mounted in. */
function firstOf(node: Connection, names: readonly string[]): NetDevice | undefined {
  for (const name of names) {
    const device = getNetDevice(node, name);
    if (device !== undefined) return device;
  }
  return undefined;
}

function textOf(wanted: Wanted): string {
  if (wanted.key === "device") return JSON.stringify(wanted.name);
  if (wanted.key === "hwaddr") return `no link has the address ${formatMac(wanted.mac)}`;
  return `no link is below ${JSON.stringify(wanted.key === "kernelpath" ? wanted.path : wanted.id)}`;
}

/** Whether a container of ours has the device, or has had the device and not yet given it back. */
export function isRecorded(wanted: Wanted): boolean {
  return records.list().some(({ record: { device } }) => isMeant(wanted, device));
}

/** Which container has the device, by the records. */
function holderOf(wanted: Wanted): string | undefined {
  const holder = records.listLive().find(({ record: { device } }) => isMeant(wanted, device));
  if (holder === undefined) return undefined;
  const { network, containerId, ifname } = holder.record.attachment;
  return `the container ${containerId} has it, as ${ifname} of the network ${network}`;
}

function isMeant(wanted: Wanted, { name, alternativeNames, mac, permanentMac, parent }: RecordedDevice): boolean {
  if (wanted.key === "device") return [name, ...alternativeNames].includes(wanted.name);
  if (wanted.key === "hwaddr") return (permanentMac ?? mac) === formatMac(wanted.mac);
  const last = wanted.key === "kernelpath" ? wanted.path.replace(/\/+$/, "").replace(/^.*\//, "") : wanted.id;
  return parent?.name === last;
}

function absent({ key }: Wanted, problem: string, details?: string): CniError {
  return new CniError(CNI_CODE.INVALID_CONFIG, `${key}: ${problem}`, details);
}
