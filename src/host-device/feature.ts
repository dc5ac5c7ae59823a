// The devices of the node that containers have, the door for plugins and for the command.

import type { Attachment } from "../cni/attachment.ts";
import { runAll } from "../cni/undo.ts";
import type { Namespaces } from "../links/namespaces.ts";
import type { Feature } from "../owned/feature.ts";
import { recorded } from "../owned/recorded.ts";
import type { NetDevice } from "../rtnetlink/net-device.ts";
import { logLine } from "../sys/process.ts";
import { giveBack } from "./give-back.ts";
import { listDevices, restoreAliases } from "./inventory.ts";
import { records } from "./records.ts";
import type { Note } from "./restore-device.ts";
import { take } from "./take.ts";

/** What ADD moves; CHECK has the device as it is in the container. */
interface Wanted {
  readonly namespaces: Namespaces;
  readonly device: NetDevice;
}

const toPeople: Note = (line) => logLine(`bauta: ${line}`);

export const hostDevice: Feature<Wanted> = {
  name: "host-device",
  setUp: (attachment, { namespaces, device }) => void take(namespaces, attachment, device, toPeople),
  tearDown: (attachment) => void giveBack(attachment, "", toPeople),
  faults: (attachment, { device }) => aliasFaults(attachment, device),
  collect: (network, valid) => collectDevices(network, valid, toPeople),
  unavailable: () => undefined,
  restore: restoreAliases,
  inventory: (_nft, network) => listDevices(network),
  ...recorded(records),
  tables: [],
};

/** Upstream's DEL finds the old name in the alias alone. */
function aliasFaults(attachment: Attachment, { alias = "" }: NetDevice): string[] {
  const name = records.read(attachment)?.device.name;
  if (name === undefined ? alias !== "" : alias === name) return [];
  return [`its alias is ${JSON.stringify(alias)}, not its name on the node${name === undefined ? "" : `, ${name}`}`];
}

/** GC: gives back the devices of the network's attachments that are not among the valid ones. */
export function collectDevices(network: string, valid: readonly Attachment[], note: Note): void {
  runAll(records.stale(network, valid).map((attachment) => () => void giveBack(attachment, "", note)));
}
