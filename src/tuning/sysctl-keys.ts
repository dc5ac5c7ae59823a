// The keys of "sysctl": which kernel parameters they mean.

import type { NetworkConfig } from "../cni/config.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { repeatedKey } from "../cni/repeated-key.ts";
import { engine } from "../sys/engine.ts";
import type { SysctlName } from "../sys/sysctl.ts";

/** A kernel parameter, and the value that is wanted. */
export interface Sysctl {
  /** The path of the key: `sysctl["net.ipv4.conf.IFNAME.arp_filter"]`. */
  readonly at: string;
  /** As the configuration has it. */
  readonly key: string;
  readonly name: SysctlName;
  readonly value: string;
}

/** More than the path of any parameter takes, and little enough for an expression to be tried on. */
const KEY_LIMIT = 512;

type Given = Readonly<Record<string, ReadonlyMap<string, string> | undefined>>;

/**
 * The parameters of several objects, by the paths of these, for an interface of this name. Where two keys mean one parameter
 * the later counts, in the place of the earlier. Throws CniError 7 for a key that means none, or is there twice.
 */
export function mergeSysctls(config: Pick<NetworkConfig, "bytes">, ifname: string, given: Given): readonly Sysctl[] {
  const found = new Map<string, Sysctl>();
  for (const [path, keys] of Object.entries(given)) {
    if (keys === undefined || keys.size === 0) continue;
    const repeated = repeatedKey(engine.decode(config.bytes), path.split("."), [...keys.keys()]);
    if (repeated !== undefined) throw wrong(pathOf(path, repeated), "is there twice");
    for (const [key, value] of keys) {
      const at = pathOf(path, key);
      const name = parameterOf(key, ifname);
      if (name === undefined) throw wrong(at, "is no kernel parameter below net.", EXPLANATION);
      found.set(name, { at, key, name, value });
    }
  }
  return [...found.values()];
}

const EXPLANATION =
  "only parameters of the container's network namespace can be set, without empty parts and ..: net.ipv4.conf.IFNAME.arp_filter, or with slashes";

function wrong(at: string, problem: string, details?: string): CniError {
  return new CniError(CNI_CODE.INVALID_CONFIG, `${at} ${problem}`, details);
}

function pathOf(path: string, key: string): string {
  return `${path}[${JSON.stringify(key.length > KEY_LIMIT ? `${key.slice(0, 40)}...` : key)}]`;
}

/** As upstream's plugin: dots become slashes, and the first IFNAME becomes the interface's name, whose dots stay. */
function parameterOf(key: string, ifname: string): SysctlName | undefined {
  const path = key.replaceAll(".", "/").replace("IFNAME", () => ifname);
  const [first, ...rest] = path.split("/");
  const isPath = rest.length > 0 && rest.every((part) => part !== "" && part !== "..");
  return first === "net" && isPath && key.length <= KEY_LIMIT && !key.includes("\0")
    ? `net/${rest.join("/")}`
    : undefined;
}
