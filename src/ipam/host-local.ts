// The host-local IPAM plugin: addresses of configured ranges, noted in files of this host.

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Dns, Result } from "../cni/result.ts";
import { errnoText } from "../sys/errno.ts";
import { hasCode, SyscallError } from "../sys/error.ts";
import { readText } from "../sys/file.ts";
import { OddEntryError } from "../sys/regular-file.ts";
import { formatIp } from "../wire/ip.ts";
import { allocate, hasFree } from "./allocator.ts";
import { readHostLocalConfig, storeDirectory } from "./host-local-config.ts";
import type { Ipam, IpamCall } from "./ipam.ts";
import { capacityOf, formatSet, type RangeSet, rangeFor } from "./range.ts";
import { parseResolvConf } from "./resolv-conf.ts";
import { type Store, withExistingStore, withStore } from "./store.ts";

export const hostLocal: Ipam = { add, check, del, gc, status };

function add(call: IpamCall): Result {
  const { directory, sets, routes, resolvConf, requested } = readHostLocalConfig(call);
  const dns = resolvConf === "" ? {} : readResolvConf(resolvConf);
  const allocations = inStore(directory, "take addresses", () =>
    withStore(directory, (store) => allocate(store, sets, call, requested), call.log),
  );
  const ips = allocations.map(({ ip, range: { subnet, gateway } }) => {
    return { ip, prefixLength: subnet.prefixLength, gateway };
  });
  return { interfaces: [], ips, routes, dns };
}

function readResolvConf(path: string): Dns {
  try {
    return parseResolvConf(readText(path));
  } catch (error) {
    throw CniError.because(error, CNI_CODE.IO_FAILURE, `ipam.resolvConf: cannot read ${JSON.stringify(path)}`);
  }
}

/** Every address that the result names must be noted, and in any case one. */
function check(call: IpamCall): void {
  const { directory, sets } = readHostLocalConfig(call);
  const ours = (call.prevResult?.ips ?? []).flatMap(({ ip }) => {
    return sets.some((set) => rangeFor(set, ip) !== undefined) ? [formatIp(ip)] : [];
  });
  const held = (store: Store): readonly string[] => store.addressesOf(call).map(formatIp);
  const isMissing = (found: readonly string[]): boolean => found.length === 0 || ours.some((ip) => !found.includes(ip));
  inStore(directory, "look for addresses", () => {
    const look = (store: Store): readonly string[] => {
      const first = held(store);
      return isMissing(first) && store.refreshIfOld() ? held(store) : first;
    };
    const found = withExistingStore(directory, look, call.log);
    if (!isMissing(found ?? [])) return;
    const missing = ours.filter((ip) => !found?.includes(ip));
    const what = missing.length === 0 ? "no address is noted" : `${missing.join(", ")} is not noted`;
    const whose = `container ${call.containerId}, interface ${call.ifname}`;
    throw new CniError(CNI_CODE.INTERNAL, `host-local: ${what} in ${directory} for ${whose}`);
  });
}

function del(call: IpamCall): void {
  const directory = storeDirectory(call.config);
  inStore(directory, "give addresses back", () =>
    withExistingStore(directory, (store) => store.releaseAll(call), call.log),
  );
}

function gc({ config, log }: IpamCall): void {
  const directory = storeDirectory(config);
  inStore(directory, "give stale addresses back", () =>
    withExistingStore(directory, (store) => store.keepOnly(config.validAttachments), log),
  );
}

/** Looks at the number of addresses first, which costs next to nothing, and closely only where it is large. */
function status(call: IpamCall): void {
  const { directory, sets } = readHostLocalConfig(call);
  const smallest = Math.min(...sets.map(capacityOf));
  const look = (store: Store): RangeSet | undefined =>
    store.countAtMost() < smallest ? undefined : sets.find((set) => !hasFree(store, set));
  const work = (): RangeSet | undefined => withExistingStore(directory, look, call.log);
  // STATUS has a code of its own for a plugin that could not serve an ADD, whatever the reason.
  const exhausted = inStore(directory, "look for free addresses", work, CNI_CODE.NOT_AVAILABLE);
  if (exhausted === undefined && smallest > 0) return;
  const set = exhausted ?? sets.find((one) => capacityOf(one) === 0) ?? [];
  throw new CniError(CNI_CODE.NOT_AVAILABLE, `no IP addresses available in range set: ${formatSet(set)}`);
}

/** Runs work on the network's store; a system call that fails is told with what it was for. */
function inStore<T>(directory: string, purpose: string, work: () => T, code: number = CNI_CODE.IO_FAILURE): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof OddEntryError) {
      const problem = `host-local: cannot ${purpose}: ${error.message}`;
      throw CniError.because(error, code, problem, `remove ${error.path}: nothing is lost with it`);
    }
    if (!(error instanceof SyscallError)) throw error;
    const advice = hasCode(error, "ENOSPC", "EDQUOT")
      ? "make room on its file system"
      : hasCode(error, "EROFS", "EACCES", "EPERM")
        ? "ipam.dataDir must be a directory that this process can write to"
        : undefined;
    const problem = `host-local: cannot ${purpose} in ${directory}: ${errnoText(error.errno)}`;
    throw CniError.because(error, code, problem, advice);
  }
}
