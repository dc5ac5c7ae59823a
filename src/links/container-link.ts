// A link that is in a container alone: nothing of it is on the node.

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Undo } from "../cni/undo.ts";
import { NetlinkError } from "../netlink/error.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import { addLink, type NewLink } from "../rtnetlink/link.ts";
import { kindName, type LinkInfo } from "../rtnetlink/link-info.ts";
import { hasCode } from "../sys/error.ts";
import { randomBytes } from "../sys/process.ts";
import { compareBytes } from "../wire/codec.ts";
import { localMac } from "./local-mac.ts";
import { type Namespaces, withNode } from "./namespaces.ts";
import { deleteLinkIfAny } from "./veth.ts";

/**
 * Makes a link in the container, down, like `ip -n CONTAINER link add NAME [address MAC] [mtu MTU] type KIND`, and notes in
 * `undo` how to remove the link. A link that is given no MAC address gets a random one. Returns the link as the kernel then
 * describes it, with the MAC address that it really has. Throws an Error whose cause has the code EEXIST where the name is
 * taken, and EOPNOTSUPP where the kernel has no such kind.
 */
export function createContainerLink(
  { container }: Pick<Namespaces, "container">,
  wanted: NewLink,
  undo: Undo,
): BriefLink {
  const { name, info } = wanted;
  const kind = kindName(info);
  const mac = wanted.mac ?? localMac(randomBytes(6));
  try {
    container.execute(addLink({ ...wanted, mac }));
  } catch (error) {
    // Where it isn't the kernel that said no, the kernel may have said yes and not been heard. By its address the link is ours.
    if (!(error instanceof NetlinkError)) {
      undo.defer(() => {
        const found = getBriefLink(container, name);
        if (found?.kind === kind && compareBytes(found.mac, mac) === 0) deleteLinkIfAny(container, found);
      });
    }
    throw new Error(linkProblem(error, name, kind), { cause: error });
  }
  undo.defer(() => deleteLinkIfAny(container, name));
  const link = getBriefLink(container, name);
  if (link === undefined) throw new Error(`the interface ${name} has gone while it was being set up`);
  return link;
}

/** The container's interface that a plugin before this one has made, as found. Throws CniError 7 where there is none. */
export function requireContainerLink<T>(found: T | undefined, ifname: string): T {
  if (found !== undefined) return found;
  const problem = `the container has no interface ${ifname}: the plugin before has not made it, or it has gone`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, problem);
}

/** Why the kernel made no link of this name and kind, by its error: for people. */
export function linkProblem(error: unknown, name: string, kind: string): string {
  if (hasCode(error, "EEXIST")) return nameTaken(name);
  if (isKindMissing(error)) return `this node's kernel makes no links of type ${kind} (module ${moduleOf(kind)})`;
  return `cannot make the container's interface ${JSON.stringify(name)} of type ${kind}`;
}

export function nameTaken(name: string): string {
  return `the container has an interface ${JSON.stringify(name)} already`;
}

/** For STATUS: why the kernel makes no links of this kind; undefined where it does. Makes none. */
export function kindUnavailable(info: LinkInfo): string | undefined {
  const kind = kindName(info);
  try {
    // No kind takes a group address, and every kind is asked before its links are made.
    withNode((node) => node.execute(addLink({ name: "bauta-status", mac: GROUP, info })));
  } catch (error) {
    return isKindMissing(error) ? linkProblem(error, "", kind) : undefined;
  }
  withNode((node) => deleteLinkIfAny(node, "bauta-status"));
  return undefined;
}

const GROUP = Uint8Array.of(1, 0, 0, 0, 0, 0);

/** Whether the kernel knows no such kind. A kind that says EOPNOTSUPP itself has words of its own for it. */
export function isKindMissing(error: unknown): boolean {
  if (!hasCode(error, "EOPNOTSUPP")) return false;
  let at = error;
  while (at instanceof Error && !(at instanceof NetlinkError)) at = at.cause;
  const said = at instanceof NetlinkError ? at.extack?.message : undefined;
  return said === undefined || said === "Unknown device type"; // __rtnl_newlink() in net/core/rtnetlink.c
}

/** What people load. */
function moduleOf(kind: string): string {
  return kind === "vlan" ? "8021q" : kind;
}
