// VRF devices of a container: `ip link … type vrf`.

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Undo } from "../cni/undo.ts";
import type { Connection } from "../netlink/connection.ts";
import { getLink, listLinks } from "../rtnetlink/link.ts";
import { addRoute, deleteRoute, listRoutes, type NewRoute } from "../rtnetlink/route.ts";
import { listRules } from "../rtnetlink/rule.ts";
import { RTN } from "../rtnetlink/uapi.ts";
import { createContainerLink } from "./container-link.ts";
import { executeUnlessDone, FreeTables, RTPROT_BAUTA, tableOfVrf } from "./routing-tables.ts";
import { deleteLinkIfAny } from "./veth.ts";
import type { Vrf } from "./vrf-port.ts";

/** The VRF of this name; undefined where there is none. Throws CniError 7 where another kind of interface has the name. */
export function findVrf(container: Connection, name: string): (Vrf & { readonly isUp: boolean }) | undefined {
  const link = getLink(container, name);
  if (link === undefined) return undefined;
  const table = tableOfVrf(link);
  if (table !== undefined) return { index: link.index, name, table, isUp: link.isUp };
  const problem = `the interface ${name} of the container is not a VRF but ${link.kind ?? "of another kind"}`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, problem);
}

/** As upstream counts. */
const FIRST_TABLE = 1;

/**
 * Makes a VRF, up, with this table or a free one, and notes in `undo` how to remove it. What the VRF has no route to cannot be
 * reached: without such a default route the kernel would go on to the main table. Throws NetlinkError, or an Error.
 */
export function createVrf(container: Connection, name: string, given: number | undefined, undo: Undo): Vrf {
  const table = given ?? new FreeTables(container, listRules(container)).take(FIRST_TABLE);
  const { index } = createContainerLink({ container }, { name, up: true, info: { kind: "vrf", table } }, undo);
  undo.defer(() => void container.tryAll(deadEnds(table).map(deleteRoute)));
  const [four, six] = deadEnds(table).map(addRoute);
  if (four !== undefined) executeUnlessDone(container, [four], "EEXIST");
  if (six !== undefined) executeUnlessDone(container, [six], "EEXIST", "EOPNOTSUPP", "EAFNOSUPPORT"); // no IPv6 here
  return { index, name, table };
}

/** Whether createVrf has made the VRF. Throws NetlinkError. */
export function isMadeHere(container: Connection, { table }: Vrf): boolean {
  const routes = listRoutes(container, { family: 4, table });
  return routes.some(({ type, protocol }) => type === RTN.UNREACHABLE && protocol === RTPROT_BAUTA);
}

/** Deletes the VRF, unless it has ports. That it has gone already is no error. Throws NetlinkError. */
export function deleteIdleVrf(container: Connection, { index, table }: Vrf): void {
  if (listLinks(container, { masterIndex: index }).length > 0) return;
  deleteLinkIfAny(container, { index });
  container.tryAll(deadEnds(table).map(deleteRoute)); // they have no device, and so outlive it
}

/** After every other route: Documentation/networking/vrf.rst of the kernel has the number. */
const LAST_METRIC = 4278198272;

function deadEnds(table: number): NewRoute[] {
  return [4, 16].map((length) => ({
    dst: { ip: new Uint8Array(length), prefixLength: 0 },
    table,
    type: RTN.UNREACHABLE,
    priority: LAST_METRIC,
    protocol: RTPROT_BAUTA,
    scope: 0,
  }));
}
