// Devices as /sys shows them: which links are those of a PCI or auxiliary device, and which driver it has.

import { hasCode } from "../sys/error.ts";
import { exists, readDirectoryIfAny, readLink } from "../sys/file.ts";
import type { RecordedDevice } from "./records.ts";

const BUSES = "/sys/bus";

/** Drivers that hand a device to a program in user space (DPDK): there is no link that could be moved. */
const USER_SPACE_DRIVERS: readonly string[] = ["vfio-pci", "uio_pci_generic", "igb_uio"];

/** Where a device of a bus is. */
export function deviceDirectory(bus: "pci" | "auxiliary", id: string): string {
  return `${BUSES}/${bus}/devices/${id}`;
}

/** Whether the driver of the PCI device is one of user space. Undefined where the device has no driver, or isn't there. */
export function hasUserSpaceDriver(id: string): boolean | undefined {
  try {
    const driver = readLink(`${deviceDirectory("pci", id)}/driver`);
    return USER_SPACE_DRIVERS.includes(driver.slice(driver.lastIndexOf("/") + 1));
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "EINVAL")) return undefined;
    throw error;
  }
}

/** The names of the links of the device in this directory, in alphabetical order: none where it has none. */
export function linksOf(directory: string): readonly string[] {
  return readDirectoryIfAny(`${directory}/net`).sort();
}

/** The same of a PCI device. A virtio one has its links a step further down. */
export function linksOfPci(id: string): readonly string[] {
  const directory = deviceDirectory("pci", id);
  const own = linksOf(directory);
  if (own.length > 0) return own;
  const virtio = readDirectoryIfAny(directory).filter((name) => name.startsWith("virtio"));
  return virtio.sort().flatMap((name) => linksOf(`${directory}/${name}`));
}

/**
 * Whether the machine still has the device, as far as that can be known without its link. A virtual one is its link. Before
 * Linux 5.14 nobody tells what hardware a link belongs to.
 */
export function isPresent({ parent, kind }: RecordedDevice): boolean {
  return parent === undefined ? kind === undefined : exists(`${BUSES}/${parent.bus}/devices/${parent.name}`);
}
