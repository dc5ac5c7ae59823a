// The loopback plugin: brings up `lo` in the container. Runtimes call it for every container, often while another
// plugin is at work there.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation, OwnPlugin } from "../../cni/plugin.ts";
import type { IpConfig, Result } from "../../cni/result.ts";
import { type Namespaces, withNamespaces, withNamespacesIfAny } from "../../links/namespaces.ts";
import { type Address, listAddresses } from "../../rtnetlink/address.ts";
import { type BriefLink, getBriefLink } from "../../rtnetlink/brief-link.ts";
import { setLink } from "../../rtnetlink/link.ts";
import { formatIp, type Ip } from "../../wire/ip.ts";

/** CNI_IFNAME says something else now and then; there is but one. */
const LOOPBACK = "lo";

export const plugin: OwnPlugin = { name: "loopback", kind: "interface", keys: [], add, check, del };

/** Returns what it was called with as prevResult, where there is one, and else the interface with its first addresses. */
function add({ netns, prevResult }: Invocation): Result {
  const ips = withNamespaces(netns, ({ container }) => {
    const link = requireLoopback({ container });
    // The addresses are judged before the interface comes up: a namespace that is not a container's own must not notice.
    const present = requireOwn(listAddresses(container, { device: link }));
    if (!link.isUp) container.execute(setLink(link, { up: true }));
    const addresses = link.isUp ? present : requireOwn(listAddresses(container, { device: link }));
    return [4, 16].flatMap((length): IpConfig[] => {
      const first = addresses.find(({ ip }) => ip.length === length);
      return first === undefined ? [] : [{ ip: first.ip, prefixLength: first.prefixLength, interface: 0 }];
    });
  });
  return (
    prevResult ?? {
      interfaces: [{ name: LOOPBACK, mac: "00:00:00:00:00:00", sandbox: netns }],
      ips,
      routes: [],
      dns: {},
    }
  );
}

/** The addresses, if a loopback interface may have them all. */
function requireOwn(addresses: readonly Address[]): readonly Address[] {
  const stray = addresses.find(({ ip }) => !isLoopback(ip));
  if (stray === undefined) return addresses;
  throw new CniError(
    CNI_CODE.INTERNAL,
    `loopback interface found with non-loopback address "${formatIp(stray.ip)}"`,
    "somebody else uses the container's network namespace",
  );
}

function check({ netns }: Invocation): void {
  withNamespaces(netns, (namespaces) => {
    if (!requireLoopback(namespaces).isUp) throw new CniError(CNI_CODE.INTERNAL, "loopback interface is down");
  });
}

function del({ netns }: Invocation): void {
  withNamespacesIfAny(netns, ({ container }) => container.execute(setLink(LOOPBACK, { up: false })));
}

function requireLoopback({ container }: Pick<Namespaces, "container">): BriefLink {
  const link = getBriefLink(container, LOOPBACK);
  if (link === undefined) throw new CniError(CNI_CODE.INTERNAL, "the container has no loopback interface");
  return link;
}

/** 127.0.0.0/8 (RFC 1122 section 3.2.1.3) and ::1 (RFC 4291 section 2.5.3). */
function isLoopback(ip: Ip): boolean {
  if (ip.length === 4) return ip[0] === 127;
  return ip.every((byte, i) => byte === (i === 15 ? 1 : 0));
}
