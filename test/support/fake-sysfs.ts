// A /sys of the test's own: a tmpfs over the machine's, in the mount namespace of the tests. Plugins find devices there that the
// machine does not have.

import { mkdirSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { onTestFinished } from "vitest";
import { run } from "./netns.ts";

/** Covers /sys until the test ends. */
export function coverSysfs(): void {
  run("mount", "-t", "tmpfs", "tmpfs", "/sys");
  onTestFinished(() => {
    run("umount", "/sys");
  });
}

/** What a device has in /sys: its driver, and its links, each in a directory below the device's. */
export interface FakeDevice {
  readonly bus: "pci" | "auxiliary";
  readonly id: string;
  readonly driver?: string;
  /** `net`, or `virtio3/net`. */
  readonly directory?: string;
  readonly links?: readonly string[];
}

/** Adds a device to the covered /sys, and returns the path of its hardware. */
export function addFakeDevice({ bus, id, driver, directory = "net", links }: FakeDevice): string {
  const hardware = `/sys/devices/${bus}0000:00/${id}`;
  mkdirSync(hardware, { recursive: true });
  for (const link of links ?? []) mkdirSync(`${hardware}/${directory}/${link}`, { recursive: true });
  const alias = `/sys/bus/${bus}/devices/${id}`;
  mkdirSync(dirname(alias), { recursive: true });
  symlinkSync(`../../../devices/${bus}0000:00/${id}`, alias);
  if (driver === undefined) return hardware;
  mkdirSync(`/sys/bus/${bus}/drivers/${driver}`, { recursive: true });
  symlinkSync(`../../../bus/${bus}/drivers/${driver}`, `${hardware}/driver`);
  return hardware;
}
