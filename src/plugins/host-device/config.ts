// The keys of the plugin's configuration, and which device they mean. One of them is needed; of several the first in this order
// counts, as in upstream's: runtimeConfig.deviceID, device, hwaddr, kernelpath, pciBusID.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { linkReference } from "../../cni/fields.ts";
import type { Invocation } from "../../cni/plugin.ts";
import {
  emptyIsAbsent,
  judgedLater,
  object,
  optional,
  type Schema,
  string,
  text,
  withDefault,
} from "../../cni/schema.ts";
import { type Mac, parseHardwareAddress } from "../../wire/mac.ts";
import { flag } from "../keys.ts";

/** Which device, by the key that says so. */
export type Wanted =
  | { readonly key: "device"; readonly name: string }
  | { readonly key: "hwaddr"; readonly mac: Mac }
  | { readonly key: "kernelpath"; readonly path: string }
  | { readonly key: "pciBusID" | "runtimeConfig.deviceID"; readonly id: string };

export interface HostDeviceConfig {
  /** Undefined for STATUS of a network whose devices the runtime chooses. */
  readonly wanted: Wanted | undefined;
  /** Whether the configuration says that a program in user space has the device. */
  readonly isInUserSpace: boolean;
}

const kernelPath = (given: string): string | undefined =>
  given.startsWith("/sys/devices/") && !given.includes("\0") ? given : undefined;

/** A name below /sys/bus/…/devices, which must not lead anywhere else. */
function busName(about: string): Schema<string | undefined> {
  const parse = (given: string): string | undefined => (/^[\w][\w.:-]*$/.test(given) ? given : undefined);
  return optional(emptyIsAbsent(text("the name of a device on its bus, 0000:00:1f.6 say", parse, about)));
}

/** The plugin's own keys, for reading and for its JSON Schema. */
export const hostDeviceSchema = object({
  device: optional(emptyIsAbsent(linkReference("name of the device on the node"))),
  hwaddr: optional(judgedLater(text("a MAC address", parseHardwareAddress, "MAC address of the device"))),
  kernelpath: optional(
    judgedLater(
      text("a path that begins with /sys/devices/", kernelPath, "directory of the device's hardware in /sys"),
    ),
  ),
  pciBusID: busName("PCI address of the device"),
  DPDKMode: flag(
    "true: a program in user space has the device, which stays where it is; with pciBusID the driver decides",
  ),
  runtimeConfig: withDefault(
    object({ deviceID: busName("PCI or auxiliary device that the runtime has chosen, before the keys above") }),
    { deviceID: undefined },
  ),
});

/** Whether the runtime is to choose the device: libcni gives it what `capabilities` names. */
const choiceSchema = object({ capabilities: optional(object({ deviceID: flag("") })) });

/** Reads the configuration. Throws CniError 6 for a wrong type, and 7 for a wrong value or where no key says which device. */
export function readHostDeviceConfig({ config, command }: Invocation): HostDeviceConfig {
  const keys = hostDeviceSchema.read(config.raw, "");
  const wanted = wantedIn(keys);
  if (wanted !== undefined) return { wanted, isInUserSpace: keys.DPDKMode };
  const isChosen = choiceSchema.read(config.raw, "").capabilities?.deviceID === true;
  if (isChosen && command === "STATUS") return { wanted, isInUserSpace: keys.DPDKMode };
  const hint = isChosen ? "the runtime has given no runtimeConfig.deviceID, which it is asked for" : undefined;
  const problem = 'which device? specify "device", "hwaddr", "kernelpath" or "pciBusID"';
  throw new CniError(CNI_CODE.INVALID_CONFIG, problem, hint);
}

function wantedIn(keys: ReturnType<typeof hostDeviceSchema.read>): Wanted | undefined {
  const { device, hwaddr, kernelpath, pciBusID, runtimeConfig } = keys;
  const { deviceID } = runtimeConfig;
  if (deviceID !== undefined) return { key: "runtimeConfig.deviceID", id: deviceID };
  if (device !== undefined) return { key: "device", name: device };
  if (hwaddr !== undefined) return { key: "hwaddr", mac: hwaddr() };
  if (kernelpath !== undefined) return { key: "kernelpath", path: kernelpath() };
  if (pciBusID !== undefined) return { key: "pciBusID", id: pciBusID };
  return undefined;
}

const deviceSchema = object({ device: optional(string()) });

/** The name that the configuration has for the device, for DEL: whatever is wrong with the configuration is no reason to fail. */
export function nameIn({ config }: Invocation): string | undefined {
  try {
    return deviceSchema.read(config.raw, "").device || undefined;
  } catch (error) {
    if (error instanceof CniError) return undefined;
    throw error;
  }
}
