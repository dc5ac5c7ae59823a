// `bauta list` and `bauta restore`: the devices that containers have, by their records.

import { withRecordedNetns } from "../links/namespaces.ts";
import type { Connection } from "../netlink/connection.ts";
import type { AttachmentName, Inventory, ListedAttachment, OwnedState, Restoration } from "../owned/feature.ts";
import { inOrder } from "../owned/inventory.ts";
import { setLink } from "../rtnetlink/link.ts";
import type { NetDevice } from "../rtnetlink/net-device.ts";
import { findDevice } from "./identity.ts";
import { type DeviceRecord, records, type StoredDevice } from "./records.ts";

/** Lists the devices of all networks, or of one. Throws NetlinkError or SyscallError. */
export function listDevices(network?: string): Inventory {
  const { live, leaving, problems } = records.survey();
  const isWanted = ({ record }: StoredDevice): boolean =>
    network === undefined || record.attachment.network === network;
  const attachments = [
    ...live.filter(isWanted).map((one) => listed(one, isThere(one.record) ? "ok" : "missing")),
    ...leaving.filter(isWanted).map((one) => listed(one, "leaving")),
  ];
  return { attachments: inOrder(attachments), faults: problems };
}

function listed({ id, record: { attachment, device } }: StoredDevice, state: OwnedState): ListedAttachment {
  const name: AttachmentName = { ...attachment, isCut: false };
  const address = device.permanentMac ?? device.mac;
  const policy = `host-device ${device.name}`;
  const item = { address, policy, packets: undefined, bytes: undefined, state };
  return { id, name, options: undefined, items: [item] };
}

function isThere(record: DeviceRecord): boolean {
  return inContainer(record, () => true) === true;
}

/** Undefined where the device is not in the container's namespace, or that is gone. */
function inContainer<T>(record: DeviceRecord, use: (container: Connection, link: NetDevice) => T): T | undefined {
  return withRecordedNetns(record, (container) => {
    const link = findDevice(container, record.device, "container");
    return link === undefined ? undefined : use(container, link);
  });
}

/** Puts back the old name in the alias of each device that a container has: upstream's DEL needs it. Throws SyscallError. */
export function restoreAliases(): Restoration {
  const { live, problems: passedOver } = records.survey();
  const problems: string[] = [];
  let restored = 0;
  for (const { record } of live) {
    try {
      restored += inContainer(record, (container, link) => putBack(container, link, record.device.name)) ?? 0;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      problems.push(`the alias of the device ${record.device.name}: ${error.message}`);
    }
  }
  return { attachments: live.map(({ id }) => id), restored, mended: [], passedOver, problems };
}

function putBack(container: Connection, link: NetDevice, name: string): number {
  if (link.alias === name) return 0;
  container.execute(setLink(link, { alias: name }));
  return 1;
}
