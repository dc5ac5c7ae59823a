// What is known of the devices that are in containers, as records: see owned/records.ts. Upstream's plugin keeps the old name
// alone, in the alias of the device, where the container can change that; here is what it takes to find the device again and to
// give it back as it was.

import type { Attachment } from "../cni/attachment.ts";
import { hasTexts, RecordStore, type StoredRecord } from "../owned/records.ts";
import type { ParentDevice } from "../rtnetlink/net-device.ts";

/** A device as it was on the node, before it was moved. */
export interface RecordedDevice {
  /** On the node. */
  readonly name: string;
  /** In the container's namespace: the kernel keeps that of the node, where it is free there. */
  readonly index: number;
  readonly mac: string;
  readonly permanentMac?: string | undefined;
  readonly parent?: ParentDevice | undefined;
  /** The kind of the link; absent for hardware. */
  readonly kind?: string | undefined;
  readonly isUp: boolean;
  readonly mtu: number;
  readonly alias?: string | undefined;
  readonly alternativeNames: readonly string[];
  /** The bridge or other master that it was a port of. */
  readonly master?: string | undefined;
}

export interface DeviceRecord {
  readonly attachment: Attachment;
  readonly device: RecordedDevice;
  /** The path of the container's network namespace. */
  readonly netns?: string;
  /** What tells that namespace from one that has its path by now: see netnsIdOf. */
  readonly containerNetns?: string;
}

/** A record, and the id of its attachment. */
export type StoredDevice = StoredRecord<DeviceRecord>;

/** The records. See RecordStore for what each of its functions throws. */
export const records = new RecordStore<DeviceRecord>("/run/bauta/host-device", {
  toJson: (record) => record,
  fromJson({ attachment, device, netns, containerNetns }) {
    const read = deviceFrom(device);
    if (read === undefined) return undefined;
    return {
      ...{ attachment, device: read },
      ...(typeof netns === "string" ? { netns } : {}),
      ...(typeof containerNetns === "string" ? { containerNetns } : {}),
    };
  },
});

function deviceFrom(value: unknown): RecordedDevice | undefined {
  if (!hasTexts(value, ["name", "mac"])) return undefined;
  const text = (key: string): string | undefined => textOf(Reflect.get(value, key));
  const number = (key: string): number => Number(Reflect.get(value, key));
  const [index, mtu, names] = [number("index"), number("mtu"), Reflect.get(value, "alternativeNames")];
  if (!Number.isInteger(index) || !Number.isInteger(mtu) || !Array.isArray(names)) return undefined;
  const parent = Reflect.get(value, "parent");
  return {
    name: text("name") ?? "",
    index,
    mac: text("mac") ?? "",
    permanentMac: text("permanentMac"),
    parent: hasTexts(parent, ["bus", "name"]) ? parentOf(parent) : undefined,
    kind: text("kind"),
    isUp: Reflect.get(value, "isUp") === true,
    mtu,
    alias: text("alias"),
    alternativeNames: names.filter((name) => typeof name === "string"),
    master: text("master"),
  };
}

function parentOf(value: object): ParentDevice {
  return { bus: String(Reflect.get(value, "bus")), name: String(Reflect.get(value, "name")) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
