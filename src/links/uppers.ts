// Who hangs on a link: macvlans, ipvlans and VLANs, which are in the namespaces of their containers. The kernel does not tell from
// below, so this looks into each namespace: it takes as long as there are containers, and is for errors, and for what nothing else
// tells.

import type { Connection } from "../netlink/connection.ts";
import { type Link, listLinks } from "../rtnetlink/link.ts";
import { getNetnsId } from "../rtnetlink/netns-id.ts";
import { SyscallError } from "../sys/error.ts";
import { readDirectory, stat } from "../sys/file.ts";
import { OWN_NETNS } from "../sys/netns.ts";
import { type Namespaces, withContainerNetns, withContainerNetnsIfAny, withRtnetlink } from "./namespaces.ts";
import type { Parent } from "./parent.ts";

/** A link that hangs on another. */
export interface Upper {
  readonly link: Link;
  /** The path of the namespace that it is in; undefined: that of its parent. */
  readonly netns: string | undefined;
}

/** Where container runtimes keep network namespaces, besides the directory of the container's own. */
const DIRECTORIES = ["/run/netns", "/run/docker/netns"];

/** The links of these kinds that hang on the parent, in its own namespace and in those that have a name. */
export function listUppers(namespaces: Namespaces, parent: Parent, kinds: readonly string[]): Upper[] {
  const { path } = namespaces;
  const home = homeOf(namespaces, parent);
  const own = upon(parent, undefined, parent.connection, kinds).map((link) => ({ link, netns: undefined }));
  return [...own, ...namedNamespaces(path, home).flatMap((netns) => uppersIn(namespaces, parent, kinds, netns))];
}

/**
 * One of them, whichever is found first: in the namespace of the path `hint`, if there is one. What hangs on a link of the
 * container's is looked for beside that link only: it is the container's own.
 */
export function findUpper(
  namespaces: Namespaces,
  parent: Parent,
  kinds: readonly string[],
  hint: string | undefined,
): Upper | undefined {
  const [hinted] = hint === undefined ? [] : uppersIn(namespaces, parent, kinds, hint);
  if (hinted !== undefined) return hinted;
  const [own] = upon(parent, undefined, parent.connection, kinds);
  if (own !== undefined) return { link: own, netns: undefined };
  if (parent.linkInContainer) return undefined;
  for (const netns of namedNamespaces(namespaces.path, homeOf(namespaces, parent))) {
    const [found] = uppersIn(namespaces, parent, kinds, netns);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Those in the namespace of this path, which is not the parent's. */
function uppersIn(namespaces: Namespaces, parent: Parent, kinds: readonly string[], netns: string): Upper[] {
  return within(netns, (connection) => {
    const id = withContainerNetns(homeOf(namespaces, parent), (fd) => getNetnsId(connection, fd));
    return id === undefined ? [] : upon(parent, id, connection, kinds).map((link) => ({ link, netns }));
  });
}

/** The path of the parent's namespace. */
function homeOf({ path }: Namespaces, { linkInContainer }: Parent): string {
  return linkInContainer ? path : OWN_NETNS;
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
function namedNamespaces(path: string, home: string): string[] {
  const found = new Map<string, string>();
  for (const directory of [path.slice(0, path.lastIndexOf("/")), ...DIRECTORIES]) {
    for (const one of orNone(() => readDirectory(directory).map((name) => `${directory}/${name}`))) {
      for (const id of orNone(() => [idOf(one)])) if (!found.has(id)) found.set(id, one);
    }
  }
  if (!found.has(idOf(path))) found.set(idOf(path), path);
  found.delete(idOf(home));
  return [...found.values()];
}

function idOf(path: string): string {
  const { device, inode } = stat(path);
  return `${device}:${inode}`;
}

/** Nothing of a namespace that is gone by now, or is none. */
function within<T>(path: string, use: (connection: Connection) => T[]): T[] {
  return orNone(() => withContainerNetnsIfAny(path, (fd) => withRtnetlink(fd, use)) ?? []);
}

function orNone<T>(work: () => T[]): T[] {
  try {
    return work();
  } catch (error) {
    if (error instanceof SyscallError) return [];
    throw error;
  }
}
