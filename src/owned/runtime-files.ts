// What others keep about attachments on this node: the addresses of host-local, and the results that container runtimes
// keep through libcni.

import type { Attachment } from "../cni/attachment.ts";
import { hasCode } from "../sys/error.ts";
import { exists, readDirectory, readText } from "../sys/file.ts";
import { formatIp, type Ip } from "../wire/ip.ts";

/** host-local's directory, unless a network's configuration has another. */
export const NETWORKS = "/var/lib/cni/networks";

/** Where libcni keeps results by default, and where it does for runtimes that give it /var/lib/cni/cache. */
const CACHES = ["/var/lib/cni/results", "/var/lib/cni/cache/results"];

/** Whose an address is by host-local's word; undefined where it has no such address. Throws SyscallError. */
export function holderOf(network: string, ip: Ip): Attachment | undefined {
  try {
    const [containerId = "", ifname = ""] = readText(`${NETWORKS}/${network}/${formatIp(ip)}`).split(/\r?\n/);
    return { network, containerId: containerId.trim(), ifname: ifname.trim() };
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "EISDIR")) return undefined;
    throw error;
  }
}

/** The names of the results that runtimes keep: NETWORK-CONTAINER-IFNAME. Throws SyscallError. */
export function cachedResults(): Set<string> {
  return new Set(
    CACHES.flatMap((directory) => {
      try {
        return readDirectory(directory);
      } catch (error) {
        if (hasCode(error, "ENOENT")) return [];
        throw error;
      }
    }),
  );
}

/** What libcni calls the file of an attachment's result. */
export function resultName({ network, containerId, ifname }: Attachment): string {
  return `${network}-${containerId}-${ifname}`;
}

/** Whether a runtime keeps a result of the attachment. */
export function isCached(attachment: Attachment): boolean {
  return CACHES.some((directory) => exists(`${directory}/${resultName(attachment)}`));
}
