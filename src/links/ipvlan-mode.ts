// The mode of an ipvlan. All ipvlans of one parent have the mode and the flags of the latest (ipvlan_link_new() in
// drivers/net/ipvlan/ipvlan_main.c): one that is made with others would change the network of containers that run.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { getLink } from "../rtnetlink/link.ts";
import type { LinkInfo } from "../rtnetlink/link-info.ts";
import { IPVLAN_F, IPVLAN_MODE } from "../rtnetlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { makeDirectories } from "../sys/file.ts";
import { withLock } from "../sys/flock.ts";
import { ownNetnsId } from "../sys/netns-id.ts";
import { OddEntryError, readRegularText } from "../sys/regular-file.ts";
import { replaceFile } from "../sys/whole-file.ts";
import { type Namespaces, withLockedNetns } from "./namespaces.ts";
import type { Parent } from "./parent.ts";
import { findUpper, type Upper, upperText } from "./uppers.ts";

/** In the words of ip-link(8). */
export interface IpvlanMode {
  readonly mode: keyof typeof MODES;
  readonly flags: keyof typeof FLAGS;
}

const MODES = { l2: IPVLAN_MODE.L2, l3: IPVLAN_MODE.L3, l3s: IPVLAN_MODE.L3S } as const;
const FLAGS = { bridge: 0, private: IPVLAN_F.PRIVATE, vepa: IPVLAN_F.VEPA } as const;

/** What the kernel is asked for. */
export function ipvlanInfo({ mode, flags }: IpvlanMode): LinkInfo {
  return { kind: "ipvlan", mode: MODES[mode], flags: FLAGS[flags] };
}

/** `l2`, `l3 private`, for people and for the notes. */
export function ipvlanModeText({ mode, flags }: IpvlanMode): string {
  return flags === "bridge" ? mode : `${mode} ${flags}`;
}

/** The same of a link that the kernel has told of; undefined where it is no ipvlan. */
export function modeOfInfo(info: LinkInfo | undefined): string | undefined {
  if (info?.kind !== "ipvlan" || !("mode" in info)) return undefined;
  const wordFor = (names: Readonly<Record<string, number>>, value = 0): string =>
    Object.entries(names).find(([, number]) => number === value)?.[0] ?? `${value}`;
  const flags = wordFor(FLAGS, info.flags);
  return flags === "bridge" ? wordFor(MODES, info.mode) : `${wordFor(MODES, info.mode)} ${flags}`;
}

/**
 * Calls `create`, which makes an ipvlan with this mode, and returns what that returns. Throws CniError 7, without the call, where
 * the parent has ipvlans of another mode. All ipvlans of a parent have one mode, so any of them tells the mode.
 */
export function withIpvlanMode<T>(namespaces: Namespaces, parent: Parent, wanted: IpvlanMode, create: () => T): T {
  const text = ipvlanModeText(wanted);
  if (parent.link.kind === "ipvlan") {
    // What is made on top of an ipvlan hangs on the parent of that, beside it.
    requireAlike(modeOfInfo(getLink(parent.connection, parent.link)?.info), text, parent.link.name, parent);
    return create();
  }
  return parent.linkInContainer
    ? withModeInContainer(namespaces, parent, text, create)
    : withModeOnNode(namespaces, parent, text, create);
}

/** The ipvlans of a link in the container are beside it. The lock is that of the container's namespace: no file is left behind. */
function withModeInContainer<T>(namespaces: Namespaces, parent: Parent, wanted: string, create: () => T): T {
  return withLockedNetns(namespaces.path, () => {
    requireMode(findUpper(namespaces, parent, ["ipvlan"], undefined), wanted, parent);
    return create();
  });
}

/** The ipvlans of a link on the node are in any container. Where one is, is noted, so that the next ADD need not look for it. */
function withModeOnNode<T>(namespaces: Namespaces, parent: Parent, wanted: string, create: () => T): T {
  makeDirectories(NOTES, 0o700);
  const path = `${NOTES}/${ownNetnsId()}:${parent.link.index}`;
  return withLock(`${path}.lock`, () => {
    const noted = readNote(path);
    const there = findUpper(namespaces, parent, ["ipvlan"], noted);
    requireMode(there, wanted, parent);
    const made = create();
    if (there?.netns === undefined || there.netns !== noted) replaceFile(path, namespaces.path, 0o600);
    return made;
  });
}

const NOTES = "/run/bauta/ipvlan";

const PATH_MAX = 4096;

/** The path of a network namespace that had an ipvlan; undefined where nothing is noted. */
function readNote(path: string): string | undefined {
  try {
    return readRegularText(path, PATH_MAX) || undefined;
  } catch (error) {
    if (error instanceof OddEntryError || hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function requireMode(there: Upper | undefined, wanted: string, parent: Parent): void {
  if (there !== undefined) requireAlike(modeOfInfo(there.link.info), wanted, upperText(there), parent);
}

function requireAlike(found: string | undefined, wanted: string, who: string, { link }: Parent): void {
  if (found === wanted) return;
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `mode: ${wanted} cannot be beside ${found}, which ${who} has: all ipvlans of ${JSON.stringify(link.name)} have one mode`,
    "use the same mode and flags, or another master",
  );
}
