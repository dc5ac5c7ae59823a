// What others keep about attachments on this node: the addresses of host-local, and the results that container runtimes
// keep through libcni.

import type { Attachment } from "../cni/attachment.ts";
import { hasCode } from "../sys/error.ts";
import { exists, readDirectoryIfAny } from "../sys/file.ts";
import { OddEntryError, readRegularText } from "../sys/regular-file.ts";
import { formatIp, type Ip } from "../wire/ip.ts";

/** host-local's directory, unless a network's configuration has another. */
export const NETWORKS = "/var/lib/cni/networks";

/** libcni's own cache, unless a runtime gives it another directory. */
export const DEFAULT_CACHE = "/var/lib/cni";

/** The caches that runtimes give libcni. */
export const CACHES: readonly string[] = [DEFAULT_CACHE, "/var/lib/cni/cache"];

/** Where a cache has the results of attachments. */
export function resultsOf(cache: string): string {
  return `${cache}/results`;
}

/** Longer than any reservation: see ipam/reservation.ts. */
const RESERVATION_LIMIT = 511;

/**
 * Whose an address is by host-local's word; undefined where it has no such address, or something else has its name. Throws
 * SyscallError.
 */
export function holderOf(network: string, ip: Ip): Attachment | undefined {
  try {
    const text = readRegularText(`${NETWORKS}/${network}/${formatIp(ip)}`, RESERVATION_LIMIT);
    const [containerId = "", ifname = ""] = text.split(/\r?\n/);
    return { network, containerId: containerId.trim(), ifname: ifname.trim() };
  } catch (error) {
    if (error instanceof OddEntryError || hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** The names of the results that runtimes keep: NETWORK-CONTAINER-IFNAME. Throws SyscallError. */
export function cachedResults(): Set<string> {
  return new Set(CACHES.flatMap((cache) => readDirectoryIfAny(resultsOf(cache), "files")));
}

/** What libcni calls the file of an attachment's result. */
export function resultName({ network, containerId, ifname }: Attachment): string {
  return `${network}-${containerId}-${ifname}`;
}

/** Whether a runtime keeps a result of the attachment. */
export function isCached(attachment: Attachment): boolean {
  return CACHES.some((cache) => exists(`${resultsOf(cache)}/${resultName(attachment)}`));
}
