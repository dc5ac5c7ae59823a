import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addressesOf, ipConfig } from "../../test/support/cni-result.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { parseConfig } from "../cni/config.ts";
import type { Invocation } from "../cni/plugin.ts";
import { Undo } from "../cni/undo.ts";
import { engine } from "../sys/engine.ts";
import {
  allocateAddresses,
  allocatorStatus,
  checkAllocation,
  collectAllocations,
  dnsOf,
  releaseAddresses,
} from "./call.ts";

type Keys = Readonly<Record<string, unknown>>;

function invocation(keys: Keys, path = ""): Invocation {
  const config = parseConfig(
    engine.encode(JSON.stringify({ cniVersion: "1.1.0", name: "net1", type: "ptp", ...keys })),
    "ADD",
  );
  const rest = {
    command: "ADD",
    containerId: "c",
    netns: "/x",
    ifname: "eth0",
    args: "",
    prevResult: undefined,
  } as const;
  return { ...rest, path, config, log: () => undefined };
}

const result = { interfaces: [], ips: [ipConfig("10.1.2.3/24")], routes: [], dns: { domain: "ipam.example" } };
const fixed = { type: "static", addresses: [{ address: "10.1.2.3/24", gateway: "10.1.2.1" }] };

/** A CNI_PATH where `name` is the program that runs, or else a script that prints one address. */
function directoryWith(name: string, isOwn: boolean): string {
  const directory = join(temporaryDirectory(), "cni");
  mkdirSync(directory);
  if (isOwn) symlinkSync(process.execPath, join(directory, name));
  else
    writeFileSync(join(directory, name), `#!/bin/sh\necho '{"ips":[{"address":"192.0.2.9/24"}]}'\n`, { mode: 0o755 });
  return directory;
}

describe("IPAM", () => {
  it("is called as a function where CNI_PATH leads to the executable that runs, and executed elsewhere", () => {
    const addressesWith = (isOwn: boolean): unknown =>
      addressesOf(allocateAddresses(invocation({ ipam: fixed }, directoryWith("static", isOwn)), new Undo()));
    expect([addressesWith(true), addressesWith(false)]).toEqual([["10.1.2.3/24"], ["192.0.2.9/24"]]);
  });

  it("is called as a function under a longer name, too", () => {
    const ipam = { ...fixed, type: "buildkit-cni-static" };
    const addressesWith = (isOwn: boolean): unknown =>
      addressesOf(allocateAddresses(invocation({ ipam }, directoryWith(ipam.type, isOwn)), new Undo()));
    expect([addressesWith(true), addressesWith(false)]).toEqual([["10.1.2.3/24"], ["192.0.2.9/24"]]);
  });

  it("must be named where it is needed", () => {
    for (const ask of [
      (): unknown => allocateAddresses(invocation({}), new Undo()),
      checkAllocation,
      allocatorStatus,
    ]) {
      expect(() => ask(invocation({}))).toThrow(
        expect.objectContaining({
          code: 7,
          message: "ipam.type is missing: ptp takes its addresses from an IPAM plugin",
        }),
      );
    }
  });

  it("has nothing to give back where it isn't named", () => {
    for (const ask of [releaseAddresses, collectAllocations]) expect(() => ask(invocation({}))).not.toThrow();
  });

  it("gives back the addresses of an ADD that fails later, or that got none", () => {
    const dataDir = temporaryDirectory();
    const ipam = { type: "host-local", dataDir, subnet: "10.1.2.0/24" };
    const undo = new Undo();
    const call = invocation({ ipam }, directoryWith("host-local", true));
    allocateAddresses(call, undo);
    expect(() => checkAllocation(call)).not.toThrow();
    expect(undo.unwind()).toEqual([]);
    expect(() => checkAllocation(call)).toThrow(/no address is noted/);
    const none = invocation({ ipam: { type: "static", addresses: [] } }, directoryWith("static", true));
    expect(() => allocateAddresses(none, undo)).toThrow("IPAM plugin returned missing IP config");
  });
});

describe("dnsOf", () => {
  it.each<[Keys, unknown]>([
    [{}, { domain: "ipam.example" }],
    [{ domain: "" }, { domain: "ipam.example" }],
    [{ domain: "own.example" }, { domain: "own.example" }],
    [{ nameservers: [] }, { nameservers: [] }],
    [{ search: [] }, { search: [] }],
    [{ options: [] }, { options: [] }],
  ])("the configuration's %j makes it %j", (dns, expected) => {
    expect(JSON.parse(JSON.stringify(dnsOf(invocation({ dns }).config, result)))).toEqual(expected);
  });
});
