// The mode of an ipvlan. All ipvlans of one parent have the mode and the flags of the latest (ipvlan_link_new() in
// drivers/net/ipvlan/ipvlan_main.c): one that is made with others would change the network of containers that run.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { getLink } from "../rtnetlink/link.ts";
import type { LinkInfo } from "../rtnetlink/link-info.ts";
import { IPVLAN_F, IPVLAN_MODE } from "../rtnetlink/uapi.ts";
import { engine } from "../sys/engine.ts";
import { makeDirectories } from "../sys/file.ts";
import { withLock } from "../sys/flock.ts";
import { inNetns } from "../sys/netns.ts";
import { ownNetnsId } from "../sys/netns-id.ts";
import { SmallFile } from "../sys/small-file.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Parent } from "./parent.ts";
import { listUppers, upperText } from "./uppers.ts";

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
  const nameOf = (names: Readonly<Record<string, number>>, value = 0): string =>
    Object.entries(names).find(([, number]) => number === value)?.[0] ?? `${value}`;
  const flags = nameOf(FLAGS, info.flags);
  return flags === "bridge" ? nameOf(MODES, info.mode) : `${nameOf(MODES, info.mode)} ${flags}`;
}

/**
 * Has `create` make an ipvlan with this mode, unless its parent has ipvlans with another: then throws CniError 7. The mode of
 * each parent is noted, so that other containers are looked at only where an attachment asks for another one. The notes end with
 * the boot.
 */
export function withIpvlanMode<T>(namespaces: Namespaces, parent: Parent, wanted: IpvlanMode, create: () => T): T {
  const text = ipvlanModeText(wanted);
  if (parent.link.kind === "ipvlan") {
    // What is made on top of an ipvlan hangs on the parent of that, beside it.
    requireAlike(modeOfInfo(getLink(parent.connection, parent.link)?.info), text, parent.link.name, parent);
    return create();
  }
  makeDirectories(NOTES, 0o700);
  const path = `${NOTES}/${noteOf(namespaces, parent)}`;
  return withLock(path, () => {
    const note = SmallFile.open(path);
    try {
      const isNoted = note !== undefined && engine.decode(note.content) === text;
      for (const upper of isNoted ? [] : listUppers(namespaces, parent, ["ipvlan"])) {
        requireAlike(modeOfInfo(upper.link.info), text, upperText(upper), parent);
      }
      const made = create();
      if (!isNoted) note?.overwrite(engine.encode(text));
      return made;
    } finally {
      note?.close();
    }
  });
}

const NOTES = "/run/bauta/ipvlan";

/** A name for the parent, in its namespace. */
function noteOf({ netns }: Namespaces, { link, linkInContainer }: Parent): string {
  const namespace = linkInContainer ? inNetns(netns, ownNetnsId) : ownNetnsId();
  return `${namespace}:${link.index}`;
}

function requireAlike(found: string | undefined, wanted: string, who: string, { link }: Parent): void {
  if (found === wanted) return;
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `mode: ${wanted} cannot be beside ${found}, which ${who} has: all ipvlans of ${JSON.stringify(link.name)} have one mode`,
    "use the same mode and flags, or another master",
  );
}
