// Probes for features of rtnetlink.

import { Connection } from "../../../src/netlink/connection.ts";
import { NETLINK } from "../../../src/netlink/uapi.ts";
import { setBridgePort } from "../../../src/rtnetlink/bridge-port.ts";
import { addBridgeVlans, listBridgeVlans } from "../../../src/rtnetlink/bridge-vlan.ts";
import type { Device } from "../../../src/rtnetlink/device.ts";
import { addLink, deleteLink, getLink, type NewLink, renameLink, setLink } from "../../../src/rtnetlink/link.ts";
import type { Probe } from "./probe.ts";

/** Calls the function while there is a pair of interfaces. */
function withPair(look: (route: Connection, one: Device) => boolean): boolean {
  return withLink({ name: "one", info: { kind: "veth", peer: { name: "other" } } }, look);
}

/** Calls the function while there is a port of a bridge with these options. */
function withPort(
  options: { readonly vlanFiltering?: boolean },
  look: (route: Connection, port: Device) => boolean,
): boolean {
  return withLink({ name: "bridge0", info: { kind: "bridge", ...options } }, (_, { index }) =>
    withPair((route, port) => {
      route.execute(setLink(port, { masterIndex: index }));
      return look(route, port);
    }),
  );
}

function withLink(link: NewLink, look: (route: Connection, device: Device) => boolean): boolean {
  const route = Connection.open(NETLINK.ROUTE);
  route.execute(addLink(link));
  const { index } = getLink(route, link.name) ?? { index: 0 };
  try {
    return look(route, { name: link.name, index });
  } finally {
    route.execute(deleteLink({ name: link.name, index }));
    route.close();
  }
}

export const LINK_PROBES = {
  vlanFiltering: () =>
    withPort({ vlanFiltering: true }, (route, port) => {
      const vlans = [
        { vid: 7, pvid: true, untagged: true },
        { vid: 100, lastVid: 200 },
      ];
      route.execute(addBridgeVlans(port, vlans));
      return (
        listBridgeVlans(route)
          .get(port.index)
          ?.some(({ vid, lastVid }) => vid === 100 && lastVid === 200) ?? false
      );
    }),
  vlanLink: () =>
    withPair((_, { index }) =>
      withLink({ name: "one.7", linkIndex: index, info: { kind: "vlan", id: 7 } }, () => true),
    ),
  isolated: () =>
    withPort({}, (route, port) => {
      route.execute(setBridgePort(port, { isolated: true }));
      const found = getLink(route, port)?.port;
      return found?.kind === "bridge" && found.isolated === true;
    }),
  renameUp: () =>
    withPair((route, one) => {
      route.execute(setLink(one, { up: true }));
      route.execute(renameLink(one, "another"));
      return true;
    }),
} satisfies Record<string, Probe>;
