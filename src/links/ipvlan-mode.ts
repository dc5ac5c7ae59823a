// The mode of an ipvlan. All ipvlans of one parent have the mode and the flags of the latest (ipvlan_link_new() in
// drivers/net/ipvlan/ipvlan_main.c): one that is made with others would change the network of containers that run.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { getLink } from "../rtnetlink/link.ts";
import type { LinkInfo } from "../rtnetlink/link-info.ts";
import { IPVLAN_F, IPVLAN_MODE } from "../rtnetlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { makeDirectories, replaceFile } from "../sys/file.ts";
import { withLock } from "../sys/flock.ts";
import { inNetns } from "../sys/netns.ts";
import { ownNetnsId } from "../sys/netns-id.ts";
import { OddEntryError, readRegularText } from "../sys/regular-file.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Parent } from "./parent.ts";
import { findUpper, upperText } from "./uppers.ts";

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
 * Has `create` make an ipvlan with this mode, unless its parent has ipvlans with another: then throws CniError 7. As all have one
 * mode, any of them tells it. Where one is, is noted, so that it need not be looked for.
 */
export function withIpvlanMode<T>(namespaces: Namespaces, parent: Parent, wanted: IpvlanMode, create: () => T): T {
  const text = ipvlanModeText(wanted);
  if (parent.link.kind === "ipvlan") {
    // What is made on top of an ipvlan hangs on the parent of that, beside it.
    requireAlike(modeOfInfo(getLink(parent.connection, parent.link)?.info), text, parent.link.name, parent);
    return create();
  }
  makeDirectories(NOTES, 0o700);
  const path = `${NOTES}/${nameOf(namespaces, parent)}`;
  return withLock(`${path}.lock`, () => {
    const noted = readNote(path);
    const there = findUpper(namespaces, parent, ["ipvlan"], noted);
    if (there !== undefined) requireAlike(modeOfInfo(there.link.info), text, upperText(there), parent);
    const made = create();
    if (there?.netns === undefined || there.netns !== noted) replaceFile(path, namespaces.path, 0o600);
    return made;
  });
}

const NOTES = "/run/bauta/ipvlan";

/** A name for the parent, in its namespace. */
function nameOf({ netns }: Namespaces, { link, linkInContainer }: Parent): string {
  const namespace = linkInContainer ? inNetns(netns, ownNetnsId) : ownNetnsId();
  return `${namespace}:${link.index}`;
}

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

function requireAlike(found: string | undefined, wanted: string, who: string, { link }: Parent): void {
  if (found === wanted) return;
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `mode: ${wanted} cannot be beside ${found}, which ${who} has: all ipvlans of ${JSON.stringify(link.name)} have one mode`,
    "use the same mode and flags, or another master",
  );
}
