// The host-device plugin: a device of the node, hardware as a rule, that a container has to itself while it runs.

import { attachmentOf, validAttachments } from "../../cni/attachment.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { collectDevices, hostDevice } from "../../host-device/feature.ts";
import { giveBack } from "../../host-device/give-back.ts";
import { take } from "../../host-device/take.ts";
import { giveBackByAlias } from "../../host-device/unrecorded.ts";
import { CheckError } from "../../links/check.ts";
import { nameTaken } from "../../links/container-link.ts";
import { withNode } from "../../links/namespaces.ts";
import { getBriefLink } from "../../rtnetlink/brief-link.ts";
import { getNetDevice } from "../../rtnetlink/net-device.ts";
import { type Attaching, type Checking, interfacePlugin, type Made } from "../interface.ts";
import { addressKeys } from "../shared-keys.ts";
import { type HostDeviceConfig, hostDeviceSchema, nameIn, readHostDeviceConfig } from "./config.ts";
import { findWanted, isInUserSpace, isRecorded, requireWanted } from "./find.ts";

export const plugin = interfacePlugin({
  name: "host-device",
  keys: [hostDeviceSchema, addressKeys],
  ipam: "optional",
  linkKind: undefined,
  read: readHostDeviceConfig,
  hasLink: (config) => !isInUserSpace(config),
  make,
  checkRest,
  detach,
  collect: (invocation) => collectDevices(invocation.config.name, validAttachments(invocation), invocation.log),
  unavailable,
});

/** A device that a program in user space has is not moved. */
function make(attaching: Attaching<HostDeviceConfig>): Made {
  if (!isInUserSpace(attaching.config)) return moveIn(attaching);
  const device = { index: 0, name: attaching.invocation.ifname, mac: new Uint8Array(0) };
  return { device, staysDown: true, takeBack: () => undefined };
}

function moveIn({ invocation, config: { wanted }, namespaces, undo }: Attaching<HostDeviceConfig>): Made {
  const { ifname, log } = invocation;
  const attachment = attachmentOf(invocation);
  giveBack(attachment, "", log); // what an earlier container of this name has left
  if (getBriefLink(namespaces.container, ifname) !== undefined) {
    throw new CniError(CNI_CODE.INVALID_ENVIRONMENT, `CNI_IFNAME: ${nameTaken(ifname)}`);
  }
  if (wanted === undefined) throw new TypeError("STATUS alone does without a device");
  const device = findWanted(namespaces.node, wanted, log);
  const takeBack = (): void => void giveBack(attachment, invocation.netns, log);
  undo.defer(takeBack);
  return { device: take(namespaces, attachment, device, log), takeBack };
}

function checkRest({ invocation, namespaces, link }: Checking<HostDeviceConfig>): void {
  const device = getNetDevice(namespaces.container, link);
  const faults = device === undefined ? [] : hostDevice.faults(attachmentOf(invocation), { namespaces, device });
  if (faults.length > 0) throw new CheckError(`${link.name} in the container: ${faults.join("; ")}`);
}

function detach(invocation: Invocation): void {
  const { netns, ifname, log } = invocation;
  if (!giveBack(attachmentOf(invocation), netns, log)) giveBackByAlias(netns, ifname, nameIn(invocation), log);
}

/** A device that a container of ours has is where it should be. One that has come back by itself waits for an ADD, or a GC. */
function unavailable(config: HostDeviceConfig): string | undefined {
  const { wanted } = config;
  if (wanted === undefined || isRecorded(wanted)) return undefined;
  try {
    if (!isInUserSpace(config)) withNode((node) => requireWanted(node, wanted));
    return undefined;
  } catch (error) {
    if (error instanceof CniError) return error.message;
    throw error;
  }
}
