// The link that a macvlan, an ipvlan or a VLAN hangs on, the key "master" of their plugins: where it is, and what it must be like.

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Connection } from "../netlink/connection.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import type { Link } from "../rtnetlink/link.ts";
import { getNetnsId } from "../rtnetlink/netns-id.ts";
import { listRoutes } from "../rtnetlink/route.ts";
import { RTN } from "../rtnetlink/uapi.ts";
import { O, withOpen } from "../sys/fd.ts";
import { OWN_NETNS } from "../sys/netns.ts";
import { FAMILIES } from "../wire/ip.ts";
import { CheckError } from "./check.ts";
import { type Namespaces, withNode } from "./namespaces.ts";

/** What a configuration says of it. */
export interface ParentChoice {
  /** Undefined: the link of the first default route. */
  readonly master: string | undefined;
  /** Whether it is in the container's namespace, not in the node's. */
  readonly linkInContainer: boolean;
}

export interface Parent extends ParentChoice {
  readonly link: BriefLink;
  /** rtnetlink in the namespace that it is in. */
  readonly connection: Connection;
}

/** Finds the link. Throws CniError 7 where there is none. */
export function findParent(namespaces: Namespaces, choice: ParentChoice): Parent {
  const { master, linkInContainer } = choice;
  const [here, elsewhere] = linkInContainer
    ? [namespaces.container, namespaces.node]
    : [namespaces.node, namespaces.container];
  const link = look(here, master);
  if (link !== undefined) return { ...choice, link, connection: here };
  const isElsewhere = master !== undefined && look(elsewhere, master) !== undefined;
  throw new CniError(CNI_CODE.INVALID_CONFIG, absence(choice), isElsewhere ? elsewhereText(choice) : undefined);
}

/** For STATUS: why there is no such link on the node; undefined where there is, or only a container could tell. */
export function parentUnavailable(choice: ParentChoice): string | undefined {
  if (choice.linkInContainer) return undefined;
  return withNode((node) => (look(node, choice.master) === undefined ? absence(choice) : undefined));
}

function look(connection: Connection, master: string | undefined): BriefLink | undefined {
  if (master !== undefined) return getBriefLink(connection, master);
  for (const family of FAMILIES) {
    for (const { type, device } of listRoutes(connection, { family, isDefault: true })) {
      const link = type === RTN.UNICAST && device !== undefined ? getBriefLink(connection, device) : undefined;
      if (link !== undefined) return link;
    }
  }
  return undefined;
}

function absence({ master, linkInContainer }: ParentChoice): string {
  const who = linkInContainer ? "the container" : "the node";
  if (master !== undefined) return `master: ${who} has no interface ${JSON.stringify(master)}`;
  return `master is missing, and ${who} has no default route that would tell the interface`;
}

function elsewhereText({ linkInContainer }: ParentChoice): string {
  if (linkInContainer) return 'the node has one of this name: "linkInContainer": false takes that';
  return 'the container has one of this name: "linkInContainer": true takes that';
}

/** Throws CniError 7 where the link above would carry longer packets than its parent. */
export function requireMtuBelow({ link }: Parent, mtu: number | undefined): void {
  if (mtu === undefined || mtu <= link.mtu) return;
  const problem = `mtu: ${mtu} is more than its master ${JSON.stringify(link.name)} has, ${link.mtu}`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, problem);
}

/** CHECK: throws CheckError where the link hangs on another than the configuration names. */
export function checkParent(namespaces: Namespaces, choice: ParentChoice, link: Link): void {
  if (choice.master === undefined) return;
  const parent = findParent(namespaces, choice).link;
  // What is made on top of a macvlan or ipvlan hangs on the parent of that, wherever that is.
  const isNested = parent.kind === link.kind && parent.kind !== "vlan";
  const index = isNested ? parent.linkIndex : parent.index;
  const isThere = isNested || link.linkNetnsId === nsidOf(namespaces, choice);
  if (link.linkIndex === index && isThere) return;
  throw new CheckError(`${link.name} in the container does not hang on ${JSON.stringify(parent.name)}`);
}

/** The id that the container has for the namespace of the parent; undefined: the container's own. */
function nsidOf(namespaces: Namespaces, choice: ParentChoice): number | undefined {
  if (choice.linkInContainer) return undefined;
  return withParentNetns(namespaces, choice, (home) => getNetnsId(namespaces.container, home));
}

/** Calls `use` with a descriptor of the namespace that the parent is in. */
export function withParentNetns<T>(
  { netns }: Namespaces,
  { linkInContainer }: ParentChoice,
  use: (home: number) => T,
): T {
  return linkInContainer ? use(netns) : withOpen(OWN_NETNS, O.RDONLY, use);
}
