// The links that hang on a link: macvlans, ipvlans and VLANs, which are in the namespaces of their containers. The kernel does not
// list them by their parent, so each namespace is looked into. That takes as long as there are containers: it is for the texts of
// errors, and for ipvlan, whose mode nothing else tells.

import type { Connection } from "../netlink/connection.ts";
import { type Link, listLinks } from "../rtnetlink/link.ts";
import { getNetnsId } from "../rtnetlink/netns-id.ts";
import { hasCode, SyscallError } from "../sys/error.ts";
import { readDirectory, stat, statOpen } from "../sys/file.ts";
import { OWN_NETNS } from "../sys/netns.ts";
import { type Namespaces, withContainerNetnsIfAny, withRtnetlink } from "./namespaces.ts";
import { type Parent, withParentNetns } from "./parent.ts";

/** A link that hangs on another. */
export interface Upper {
  readonly link: Link;
  /** The path of the namespace that it is in; undefined: that of its parent. */
  readonly netns: string | undefined;
}

/** Where container runtimes keep network namespaces, besides the directory of the container's own. */
const DIRECTORIES = ["/run/netns", "/run/docker/netns"];

/** What is looked for, and from where. */
interface Search {
  readonly namespaces: Namespaces;
  readonly parent: Parent;
  readonly kinds: readonly string[];
  /** A descriptor of the parent's namespace. */
  readonly home: number;
  /** Whether an error means that there is no namespace to look into. */
  readonly isNone: (error: unknown) => boolean;
}

/** The links of these kinds that hang on the parent, in its own namespace and in those that have a name. */
export function listUppers(namespaces: Namespaces, parent: Parent, kinds: readonly string[]): Upper[] {
  // The list is for the text of an error that is on its way: what cannot be looked at must not take its place.
  const isNone = (error: unknown): boolean => error instanceof SyscallError;
  return withParentNetns(namespaces, parent, (home) => {
    const search = { namespaces, parent, kinds, home, isNone };
    return [...uppersBeside(search), ...namedNamespaces(search).flatMap((netns) => uppersIn(search, netns))];
  });
}

/**
 * One of them, whichever is found first: in the namespace of the path `hint`, if there is one. What hangs on a link of the
 * container's is looked for beside that link only: it is the container's own. Throws SyscallError where a namespace cannot be
 * looked into, as nobody knows then whether it has one.
 */
export function findUpper(
  namespaces: Namespaces,
  parent: Parent,
  kinds: readonly string[],
  hint: string | undefined,
): Upper | undefined {
  return withParentNetns(namespaces, parent, (home) => {
    const search = { namespaces, parent, kinds, home, isNone: isNoNetns };
    const [hinted] = hint === undefined ? [] : uppersIn(search, hint);
    if (hinted !== undefined) return hinted;
    const [own] = uppersBeside(search);
    if (own !== undefined || parent.linkInContainer) return own;
    for (const netns of namedNamespaces(search)) {
      const [found] = uppersIn(search, netns);
      if (found !== undefined) return found;
    }
    return undefined;
  });
}

/** The path leads to no namespace, or to none that this process may look into. */
function isNoNetns(error: unknown): boolean {
  return hasCode(error, "ENOENT", "ENOTDIR", "ESRCH", "ELOOP", "ENXIO", "EACCES", "EPERM");
}

/** Those in the parent's namespace. */
function uppersBeside({ parent, kinds }: Search): Upper[] {
  return upon(parent, undefined, parent.connection, kinds).map((link) => ({ link, netns: undefined }));
}

/** Those in the namespace of this path, which is not the parent's. */
function uppersIn({ parent, kinds, home, isNone }: Search, netns: string): Upper[] {
  const look = (connection: Connection): Upper[] => {
    const id = getNetnsId(connection, home);
    return id === undefined ? [] : upon(parent, id, connection, kinds).map((link) => ({ link, netns }));
  };
  return orNone(isNone, () => withContainerNetnsIfAny(netns, (fd) => withRtnetlink(fd, look)) ?? []);
}

/** `eth0 in /run/netns/x`, for errors. */
export function upperText({ link, netns }: Upper): string {
  return `${JSON.stringify(link.name)}${netns === undefined ? "" : ` in ${netns}`}`;
}

/** Names a few of them. */
export function uppersText(uppers: readonly Upper[]): string {
  const named = uppers.slice(0, 3).map(upperText).join(", ");
  return uppers.length > 3 ? `${named} and ${uppers.length - 3} more` : named;
}

function upon({ link: parent }: Parent, id: number | undefined, at: Connection, kinds: readonly string[]): Link[] {
  const all = kinds.flatMap((kind) => listLinks(at, { kind }));
  return all.filter(({ linkIndex, linkNetnsId }) => linkIndex === parent.index && linkNetnsId === id);
}

/** A path of each namespace but that of the parent. */
function namedNamespaces({ namespaces: { path, netns }, home, isNone }: Search): string[] {
  const found = new Map<string, string>();
  for (const directory of [path.slice(0, path.lastIndexOf("/")), ...DIRECTORIES]) {
    for (const one of orNone(isNone, () => readDirectory(directory).map((name) => `${directory}/${name}`))) {
      for (const id of orNone(isNone, () => [idOf(stat(one))])) if (!found.has(id)) found.set(id, one);
    }
  }
  const own = idOf(statOpen(netns, path));
  if (!found.has(own)) found.set(own, path);
  found.delete(idOf(statOpen(home, OWN_NETNS)));
  return [...found.values()];
}

function idOf({ device, inode }: ReturnType<typeof stat>): string {
  return `${device}:${inode}`;
}

function orNone<T>(isNone: Search["isNone"], work: () => T[]): T[] {
  try {
    return work();
  } catch (error) {
    if (isNone(error)) return [];
    throw error;
  }
}
