// Stores of addresses for tests, and what is to be seen of them from outside.

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { type Holder, withStore } from "../../src/ipam/store.ts";
import { formatIp, type Ip, parseIp } from "../../src/wire/ip.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The address, or one that is none. */
export const ip = (text: string): Ip => parseIp(text) ?? new Uint8Array();
export const holder = (containerId: string, ifname = "eth0"): Holder => ({ containerId, ifname });
/** What the attachment holds. */
export const held = (directory: string, who: Holder): string[] =>
  withStore(directory, (store) => store.addressesOf(who).map(formatIp).sort());
/** The files of addresses in a directory. */
export const addressFiles = (directory: string): string[] =>
  readdirSync(directory).filter((name) => parseIp(name) !== undefined);

/** What upstream's plugin would leave for one attachment. */
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
  withStore(directory, (store) => store.addressesOf(holder("c0"))); // an index that fits is made by whoever comes next
  return directory;
}
