// Making a link in a container that hangs on another: a macvlan, an ipvlan, a VLAN.

import type { Undo } from "../cni/undo.ts";
import { NetlinkError } from "../netlink/error.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import { addLink, type NewLink, renameLink } from "../rtnetlink/link.ts";
import { kindName } from "../rtnetlink/link-info.ts";
import { hasCode } from "../sys/error.ts";
import { randomBytes } from "../sys/process.ts";
import { formatMac } from "../wire/mac.ts";
import { linkProblem, nameTaken } from "./container-link.ts";
import type { Namespaces } from "./namespaces.ts";
import type { Parent } from "./parent.ts";
import { deleteLinkIfAny } from "./veth.ts";

/**
 * Makes the link in the container, down, like `ip link add link PARENT name NAME netns CONTAINER type KIND`, and notes in `undo` how
 * to remove the link. Returns the link as the kernel then describes it. Throws an Error whose cause is the kernel's refusal;
 * nothing has been made where the name is taken.
 */
export function createUpperLink(namespaces: Namespaces, parent: Parent, wanted: NewLink, undo: Undo): BriefLink {
  const { container, netns } = namespaces;
  const { name } = wanted;
  if (getBriefLink(container, name) !== undefined) throw new Error(nameTaken(name));
  const place = { linkIndex: parent.link.index, ...(parent.linkInContainer ? {} : { netnsFd: netns }) };
  const make = (as: string): void => {
    try {
      parent.connection.execute(addLink({ ...wanted, ...place, name: as }));
    } catch (error) {
      // Where it isn't the kernel that said no, the kernel may have said yes and not been heard. Nothing had the name before.
      if (!(error instanceof NetlinkError)) undo.defer(() => deleteIfOfKind(namespaces, as, kindName(wanted.info)));
      throw error;
    }
    undo.defer(() => deleteLinkIfAny(container, as));
  };
  try {
    makeNamed(namespaces, parent, name, make, undo);
  } catch (error) {
    throw new Error(linkProblem(error, name, kindName(wanted.info)), { cause: error });
  }
  const link = getBriefLink(container, name);
  if (link === undefined) throw new Error(`the interface ${name} has gone while it was being set up`);
  return link;
}

/**
 * The kernel makes the link in the container at once. But up to Linux 6.14 it looks for the name in the namespace of the request,
 * too, and the node may have an eth0 as the container shall: then the link gets a name that nobody has, and its own in the container.
 */
function makeNamed(
  { container }: Namespaces,
  { linkInContainer }: Parent,
  name: string,
  make: (as: string) => void,
  undo: Undo,
): void {
  if (isMadeAs(name, make, linkInContainer)) return;
  const temporary = `new${formatMac(randomBytes(6)).replaceAll(":", "")}`;
  make(temporary);
  const link = getBriefLink(container, temporary);
  if (link === undefined) throw new Error(`the interface ${temporary} has gone while it was being set up`);
  undo.defer(() => deleteLinkIfAny(container, link));
  container.execute(renameLink(link, name));
}

/** False where the node has the name, or seems to. */
function isMadeAs(name: string, make: (as: string) => void, linkInContainer: boolean): boolean {
  try {
    make(name);
    return true;
  } catch (error) {
    if (linkInContainer || !hasCode(error, "EEXIST")) throw error;
    return false;
  }
}

function deleteIfOfKind({ container }: Namespaces, name: string, kind: string): void {
  const found = getBriefLink(container, name);
  if (found?.kind === kind) deleteLinkIfAny(container, found);
}
