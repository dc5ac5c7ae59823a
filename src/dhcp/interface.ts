// An interface of a container, as the daemon finds it again: by its network namespace and its index. A path may lead to
// another namespace by then, and a name to another interface. The MAC address is no mark: chained plugins change it.

import { withRtnetlink } from "../links/namespaces.ts";
import type { Connection } from "../netlink/connection.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import { setLink } from "../rtnetlink/link.ts";
import { hasCode } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { NotNetnsError, openNetns } from "../sys/netns.ts";
import { netnsIdOf } from "../sys/netns-id.ts";

/** The container, its namespace or its interface is not there any more. */
export class GoneError extends Error {
  override readonly name: string = "GoneError";
}

/** Which interface it is: a later one of the same name is another. */
export interface Interface {
  /** Path of the network namespace, as the daemon finds it. */
  readonly path: string;
  /** The network namespace that the path led to: see ownNetnsId. */
  readonly netnsId: string;
  readonly ifname: string;
  readonly ifindex: number;
}

/** An interface whose network namespace is open. */
export interface OpenInterface {
  /** Descriptor of the namespace. */
  readonly netns: number;
  /** rtnetlink in the namespace. */
  readonly container: Connection;
  readonly link: BriefLink;
}

const MAC_SIZE = 6;

/**
 * Looks an interface up by its name, and brings it up where it is down; `prepare` comes before, with a descriptor of the network
 * namespace. Throws GoneError; Error where it has no MAC address, as on a link that is not Ethernet.
 */
export function findInterface(
  path: string,
  ifname: string,
  prepare?: (netns: number) => void,
): Interface & Pick<BriefLink, "kind" | "mac"> {
  return inside(path, (netns, container) => {
    const link = getBriefLink(container, ifname);
    if (link === undefined) throw new GoneError(`there is no interface ${ifname} in ${path}`);
    if (link.mac.length !== MAC_SIZE) {
      throw new Error(`the interface ${ifname} in ${path} has no MAC address: DHCP works on Ethernet links only`);
    }
    prepare?.(netns);
    if (!link.isUp) container.execute(setLink(link, { up: true }));
    return { path, netnsId: netnsIdOf(netns), ifname, ifindex: link.index, kind: link.kind, mac: link.mac };
  });
}

/** Whether it is one interface. */
export function isSameInterface(one: Interface, other: Interface): boolean {
  return one.netnsId === other.netnsId && one.ifindex === other.ifindex;
}

/** Opens the network namespace of the interface for `use`. Throws GoneError where that or the interface is gone. */
export function withInterface<T>({ path, netnsId, ifname, ifindex }: Interface, use: (open: OpenInterface) => T): T {
  return inside(path, (netns, container) => {
    if (netnsIdOf(netns) !== netnsId) throw new GoneError(`another network namespace has the path ${path} now`);
    const link = getBriefLink(container, { index: ifindex });
    if (link === undefined) throw new GoneError(`the interface ${ifname} is gone`);
    return use({ netns, container, link });
  });
}

function inside<T>(path: string, use: (netns: number, container: Connection) => T): T {
  const netns = openOrGone(path);
  try {
    return withRtnetlink(netns, (container) => use(netns, container));
  } finally {
    close(netns);
  }
}

function openOrGone(path: string): number {
  try {
    return openNetns(path);
  } catch (error) {
    if (error instanceof NotNetnsError || hasCode(error, "ENOENT", "ENOTDIR", "ESRCH")) {
      throw new GoneError(`there is no network namespace at ${path}`, { cause: error });
    }
    throw error;
  }
}
