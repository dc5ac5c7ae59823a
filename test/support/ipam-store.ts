// Stores of host-local's addresses for tests, and what such a store looks like on disk.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { type Holder, withStore } from "../../src/ipam/store.ts";
import { formatIp, type Ip, parseIp } from "../../src/wire/ip.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The text as an address; an empty address where the text is none. */
export const ip = (text: string): Ip => parseIp(text) ?? new Uint8Array();
export const holder = (containerId: string, ifname = "eth0"): Holder => ({ containerId, ifname });
/** The addresses that the attachment holds. */
export const held = (directory: string, who: Holder): string[] =>
  withStore(directory, (store) => store.addressesOf(who).map(formatIp).sort());
/** The files of a directory that are named like addresses. */
export const addressFiles = (directory: string): string[] =>
  readdirSync(directory).filter((name) => parseIp(name) !== undefined);

/** Writes the files that upstream's plugin writes for one attachment. */
export function writeAsUpstream(directory: string, address: string, content: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/${address}`, content, { mode: 0o600 });
}

/** A directory with this many addresses of 10.1.0.0/16 taken, each by a container of its own, and an index. */
export function filled(count: number): string {
  const directory = `${temporaryDirectory()}/net`;
  withStore(directory, (store) => {
    for (let n = 0; n < count; n++) store.reserve(Uint8Array.of(10, 1, n >> 8, n & 255), holder(`c${n}`));
  });
  withStore(directory, (store) => store.addressesOf(holder("c0"))); // the next call makes an index of the right size
  return directory;
}
