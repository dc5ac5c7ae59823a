// The portmap plugin: ports of the node that lead to ports of the container.

import { attachmentOf, validAttachments } from "../../cni/attachment.ts";
import type { Invocation } from "../../cni/plugin.ts";
import type { IpConfig, Result } from "../../cni/result.ts";
import { CheckError } from "../../links/check.ts";
import { withNode } from "../../links/namespaces.ts";
import { portmap } from "../../portmap/feature.ts";
import { allowLocalhost, linkTowards } from "../../portmap/link.ts";
import type { Container, Wanted } from "../../portmap/mapping.ts";
import { FAMILIES, familyOf } from "../../wire/ip.ts";
import { type Chained, type Changing, chainedPlugin } from "../chained.ts";
import { type PortmapConfig, portmapSchema, readPortmapConfig } from "./config.ts";

export const plugin = chainedPlugin({
  name: "portmap",
  keys: [portmapSchema],
  read: readPortmapConfig,
  change,
  check,
  end: (invocation, keep) => portmap.tearDown(attachmentOf(invocation), invocation.prevResult?.ips ?? [], keep),
  collect: (invocation) => portmap.collect(invocation.config.name, validAttachments(invocation)),
  unavailable: () => portmap.unavailable(),
});

function change(changing: Changing<PortmapConfig>): undefined {
  const { invocation, config, undo } = changing;
  const attachment = attachmentOf(invocation);
  if (config.mappings.length === 0) {
    // An ADD after one that published something, without a DEL in between.
    if (portmap.recordOf(attachment) !== undefined) portmap.tearDown(attachment, []);
    return;
  }
  const wanted = wantedOf(changing);
  undo.defer(() => portmap.tearDown(attachment, []));
  if (config.snat) for (const one of wanted.containers) allowLocalhost(one);
  portmap.setUp(attachment, wanted, invocation.netns);
}

function check(checking: Chained<PortmapConfig>): void {
  const { invocation, config } = checking;
  if (config.mappings.length === 0) return;
  const attachment = attachmentOf(invocation);
  const faults = portmap.faults(attachment, wantedOf(checking));
  if (faults.length === 0) return;
  const { network, containerId, ifname } = attachment;
  const what = `portmap of ${containerId} ${ifname} on ${network}`;
  throw new CheckError(`${what}: ${faults.join("; ")}; \`bauta restore\` puts it back`);
}

function wantedOf({ invocation, config, result }: Chained<PortmapConfig>): Wanted {
  const { mappings, snat, masqAll, conditions, olderWins } = config;
  const addresses = containerAddresses(invocation, result);
  const containers = snat ? withNode((node) => addresses.map((one) => linkTowards(node, one))) : addresses;
  const wanted = { containers, mappings, snat, masqAll, conditions };
  return olderWins ? { ...wanted, olderWins: (told) => invocation.log(`hostPortConflict: ${told}`) } : wanted;
}

/**
 * The first address of either family that is not known to be another interface's: as upstream, also where the result does not
 * say whose it is.
 */
function containerAddresses({ ifname }: Invocation, { interfaces, ips }: Result): Container[] {
  const isOfContainer = ({ interface: index }: IpConfig): boolean => {
    const owner = index === undefined ? undefined : interfaces[index];
    return owner === undefined || (owner.name === ifname && (owner.sandbox ?? "") !== "");
  };
  return FAMILIES.flatMap((family): Container[] => {
    const found = ips.find((one) => familyOf(one.ip) === family && isOfContainer(one));
    return found === undefined ? [] : [{ ip: found.ip, prefixLength: found.prefixLength }];
  });
}
