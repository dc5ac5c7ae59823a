// The two network namespaces that an attachment is between, each with a netlink socket: nothing further up switches
// namespaces to talk to the kernel.

import { openContainerNetns } from "../cni/netns.ts";
import { Connection } from "../netlink/connection.ts";
import { NETLINK } from "../netlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { LockedError, waitForLock } from "../sys/flock.ts";
import { NotNetnsError, openNetns } from "../sys/netns.ts";
import { netnsIdOf } from "../sys/netns-id.ts";

/** Both ends of an attachment, open. */
export interface Namespaces {
  /** rtnetlink in the namespace of this process, the node's. */
  readonly node: Connection;
  /** rtnetlink in the container's namespace. */
  readonly container: Connection;
  /** Descriptor of the container's namespace. */
  readonly netns: number;
  /** Its path, as CNI_NETNS has it. */
  readonly path: string;
}

/**
 * Opens both for ADD or CHECK, and closes them when `use` has returned. Throws CniError 3 where nothing is under the path
 * and 8 where something else than a network namespace is.
 */
export function withNamespaces<T>(path: string, use: (namespaces: Namespaces) => T): T {
  return withSockets(openContainerNetns(path), path, use);
}

/**
 * The same for DEL: undefined, without calling `use`, where the path is empty, leads nowhere, or is the empty file that
 * an unmounted namespace leaves behind.
 */
export function withNamespacesIfAny<T>(path: string, use: (namespaces: Namespaces) => T): T | undefined {
  const netns = openIfAny(path);
  return netns === undefined ? undefined : withSockets(netns, path, use);
}

/** A descriptor of the container's namespace alone, for ADD or CHECK. Throws as withNamespaces. */
export function withContainerNetns<T>(path: string, use: (netns: number) => T): T {
  return closing(openContainerNetns(path), use);
}

/** The same for DEL: undefined, without calling `use`, where withNamespacesIfAny does not call it either. */
export function withContainerNetnsIfAny<T>(path: string, use: (netns: number) => T): T | undefined {
  const netns = openIfAny(path);
  return netns === undefined ? undefined : closing(netns, use);
}

/** The container's namespace alone, open and locked. */
export interface LockedNetns extends Pick<Namespaces, "container" | "netns" | "path"> {}

/**
 * Opens the container's namespace for ADD or CHECK, locked against others that choose routing tables there: upstream's sbr
 * locks the same file. Throws as withNamespaces, and LockedError.
 */
export function withLockedNetns<T>(path: string, use: (namespace: LockedNetns) => T): T {
  return withContainerNetns(path, (netns) => {
    waitForLock(netns, path);
    return withRtnetlink(netns, (container) => use({ container, netns, path }));
  });
}

/**
 * The same for DEL: undefined, without calling `use`, where withNamespacesIfAny does not call it either. Goes on without the
 * lock where somebody has held it for seconds: a process of the container can lock the container's own namespace.
 */
export function withLockedNetnsIfAny<T>(path: string, use: (namespace: LockedNetns) => T): T | undefined {
  return withContainerNetnsIfAny(path, (netns) => {
    try {
      waitForLock(netns, path, DEL_LOCK_TIMEOUT_MS);
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
    }
    return withRtnetlink(netns, (container) => use({ container, netns, path }));
  });
}

const DEL_LOCK_TIMEOUT_MS = 2000;

/** What a record tells of a container's namespace. */
export interface RecordedNetns {
  /** Its path; undefined where nobody knew it. */
  readonly netns?: string | undefined;
  /** The id that netnsIdOf gave it; undefined: whichever namespace has the path. */
  readonly containerNetns?: string | undefined;
}

/**
 * Calls `use` with a socket in the namespace that a record tells of. Returns undefined, without the call, where the namespace is
 * gone, or another has its path by now.
 */
export function withRecordedNetns<T>(record: RecordedNetns, use: (container: Connection) => T): T | undefined {
  return withContainerNetnsIfAny(record.netns ?? "", (netns) =>
    isRecordedNetns(netns, record) ? withRtnetlink(netns, use) : undefined,
  );
}

/** Whether the namespace with this descriptor is the one that the record tells of. Throws SyscallError. */
export function isRecordedNetns(netns: number, { containerNetns }: RecordedNetns): boolean {
  return containerNetns === undefined || containerNetns === netnsIdOf(netns);
}

/** One rtnetlink socket in the namespace with this descriptor. */
export function withRtnetlink<T>(netns: number, use: (container: Connection) => T): T {
  const container = Connection.open(NETLINK.ROUTE, { netns });
  try {
    return use(container);
  } finally {
    container.close();
  }
}

/** One rtnetlink socket in the node's namespace, for what needs no container. */
export function withNode<T>(use: (node: Connection) => T): T {
  const node = Connection.open(NETLINK.ROUTE);
  try {
    return use(node);
  } finally {
    node.close();
  }
}

function openIfAny(path: string): number | undefined {
  if (path === "") return undefined;
  try {
    return openNetns(path);
  } catch (error) {
    if (error instanceof NotNetnsError || hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

function withSockets<T>(netns: number, path: string, use: (namespaces: Namespaces) => T): T {
  return closing(netns, () =>
    withNode((node) => withRtnetlink(netns, (container) => use({ node, container, netns, path }))),
  );
}

function closing<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}
