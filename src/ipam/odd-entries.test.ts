// What may lie in a network's directory under the name of an address, and is no reservation.

import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { addressesOf } from "../../test/support/cni-result.ts";
import { call, DUAL } from "../../test/support/host-local-call.ts";
import { textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { CniError } from "../cni/error.ts";
import { hostLocal } from "./host-local.ts";
import type { IpamCall } from "./ipam.ts";

const KINDS: Record<string, (path: string) => Promise<void> | void> = {
  "a directory": (path) => void mkdirSync(`${path}/10.1.0.9`, { recursive: true }),
  "a FIFO": (path) => void execFileSync("mkfifo", [path]),
  "a symbolic link": (path) => symlinkSync("/etc/hostname", path),
  "a socket or a device without a driver": (path) =>
    new Promise((resolve) => {
      const server = createServer().listen(path, resolve);
      onTestFinished(() => void server.close());
    }),
  "larger than 511 bytes": (path) => writeFileSync(path, "x".repeat(100_000)),
};

/** A data directory with such an entry in place of 10.1.0.2, and host-local's calls on it. */
async function world(kind: string, name = "10.1.0.2") {
  const dataDir = temporaryDirectory();
  const path = `${dataDir}/net/${name}`;
  mkdirSync(`${dataDir}/net`);
  await KINDS[kind]?.(path);
  const log = vi.fn();
  const at = (containerId: string, network = {}): IpamCall =>
    call({ containerId, network, log, ipam: { ...DUAL, dataDir } });
  return { path, directory: `${dataDir}/net`, at, lines: () => log.mock.calls.flat() };
}

describe.each(Object.keys(KINDS))("%s in place of a reservation", (kind) => {
  it("blocks its address and nothing else, and is told once a call", async () => {
    const { path, directory, at, lines } = await world(kind);
    const line = `${directory}: 10.1.0.2 is ${kind}: passed over`;
    const first = hostLocal.add(at("first"));
    expect(addressesOf(first)).toEqual(["10.1.0.3/24", "fd00::2/64"]);
    expect(lines()).toEqual([line]);
    expect(addressesOf(hostLocal.add(at("second")))[0]).toBe("10.1.0.4/24");
    hostLocal.status(at("second"));
    hostLocal.check({ ...at("first"), prevResult: first });
    hostLocal.del(at("first"));
    hostLocal.gc(at("any", { "cni.dev/valid-attachments": [{ containerID: "second", ifname: "eth0" }] }));
    hostLocal.gc(at("any", { "cni.dev/valid-attachments": [] }));
    expect(new Set(lines())).toEqual(new Set([line]));
    // Nothing but reservations has been removed.
    expect(lstatSync(path)).toBeDefined();
  });

  it("is no address to ask for", async () => {
    const { at } = await world(kind);
    expect(() => hostLocal.add({ ...at("first"), args: "IP=10.1.0.2" })).toThrow(
      "requested IP address 10.1.0.2 is not available",
    );
  });

  it("does not stop an ADD under the name of another file of the store", async () => {
    for (const name of ["last_reserved_ip.0", ".bauta.index", "notes.txt", "10.1.0.300", "fd00:0::2"]) {
      const { at } = await world(kind, name);
      for (let n = 0; n < 20; n++) hostLocal.add(at(`c${n}`));
      expect(addressesOf(hostLocal.add(at("last")))).toEqual(["10.1.0.22/24", "fd00::16/64"]);
    }
  });
});

it("a reservation that this process may not read blocks its address only", async () => {
  const { path, directory, at, lines } = await world("");
  writeFileSync(path, "someone\r\neth0");
  const unreadable = (name: string, args: readonly unknown[]) =>
    name === "openat" && textOf(args[1]) === path ? "EACCES" : undefined;
  const result = withSyscalls(unreadable, () => hostLocal.add(at("first")));
  expect(addressesOf(result)[0]).toBe("10.1.0.3/24");
  expect(lines()).toEqual([`${directory}: 10.1.0.2 is unreadable (EACCES: Permission denied): passed over`]);
});

it("many odd entries are told in one short line", async () => {
  const { directory, at, lines } = await world("");
  for (let n = 2; n < 9; n++) mkdirSync(`${directory}/10.1.0.${n}`);
  expect(addressesOf(hostLocal.add(at("first")))[0]).toBe("10.1.0.9/24");
  expect(lines()).toEqual([
    expect.stringMatching(/(10\.1\.0\.\d is a directory, ){4}10\.1\.0\.\d is a directory and 2 more/),
  ]);
});

it.each(["a FIFO", "a directory"])("a lock that is %s is an error that says so, and nothing waits", async (kind) => {
  const { directory, at } = await world(kind, "lock");
  let error: unknown;
  try {
    hostLocal.add(at("first"));
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(CniError);
  expect(error).toMatchObject({ code: 5, message: expect.stringContaining(directory) });
});
