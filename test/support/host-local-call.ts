// Calls of host-local for tests.

import { readdirSync } from "node:fs";
import { parseConfig } from "../../src/cni/config.ts";
import { parseResult, type Result } from "../../src/cni/result.ts";
import type { IpamCall } from "../../src/ipam/ipam.ts";
import { engine } from "../../src/sys/engine.ts";
import { parseIp } from "../../src/wire/ip.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export type Json = Readonly<Record<string, unknown>>;

/** What differs from an ADD of container abc, interface eth0. */
export interface Options {
  readonly ipam?: Json;
  readonly network?: Json;
  readonly containerId?: string;
  readonly ifname?: string;
  readonly args?: string;
  readonly prevResult?: Json;
  readonly log?: (line: string) => void;
}

export const DUAL = { ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00::/64" }]] };

/** A call of host-local as a runtime makes it. */
export function call(options: Options = {}): IpamCall {
  const { ipam = DUAL, network = {}, containerId = "abc", ifname = "eth0", args = "", prevResult } = options;
  const { log = () => {} } = options;
  const json = { cniVersion: "1.1.0", name: "net", type: "bridge", ipam: { type: "host-local", ...ipam }, ...network };
  const config = parseConfig(engine.encode(JSON.stringify(json)), "ADD");
  const result: Result | undefined =
    prevResult === undefined
      ? undefined
      : parseResult(JSON.parse(JSON.stringify(prevResult)), config.cniVersion, "prevResult");
  return { config, containerId, ifname, args, prevResult: result, log };
}

/** Calls that share a data directory. */
export function inDirectory(): { dataDir: string; with: (options?: Options) => IpamCall; taken: () => string[] } {
  const dataDir = temporaryDirectory();
  return {
    dataDir,
    with: (options = {}) => call({ ...options, ipam: { ...(options.ipam ?? DUAL), dataDir } }),
    taken: () => readdirSync(`${dataDir}/net`).filter((name) => parseIp(name) !== undefined),
  };
}
