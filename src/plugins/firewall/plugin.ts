// The firewall plugin: lets a container's packets through the node's firewalls, and keeps the containers of other networks away.

import { attachmentOf, validAttachments } from "../../cni/attachment.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { bridgeOf, firewallSchema, portOf, protectionOf, readFirewallConfig } from "../../firewall/config.ts";
import { firewall } from "../../firewall/feature.ts";
import { endProtection, protectionUnavailable } from "../../firewall/firewall.ts";
import { CheckError } from "../../links/check.ts";
import { chainedPlugin } from "../chained.ts";

export const plugin = chainedPlugin({
  name: "firewall",
  oldestVersion: "0.4.0",
  keys: [firewallSchema],
  read: readFirewallConfig,
  change({ invocation, config, result, undo }) {
    const attachment = attachmentOf(invocation);
    const wanted = protectionOf(config, result);
    undo.defer(() => firewall.tearDown(attachment, result.ips));
    firewall.setUp(attachment, { ...wanted, log: invocation.log }, invocation.netns);
    return undefined;
  },
  check({ invocation, config, result }) {
    const attachment = attachmentOf(invocation);
    const faults = firewall.faults(attachment, { ...protectionOf(config, result), log: invocation.log });
    if (faults.length === 0) return;
    const { containerId, ifname, network } = attachment;
    throw new CheckError(
      `firewall of ${containerId} ${ifname} on ${network}: ${faults.join("; ")}; \`bauta restore\` puts it back`,
    );
  },
  end(invocation, keep) {
    const { prevResult } = invocation;
    const addresses = prevResult?.ips.map(({ ip }) => ip) ?? [];
    const [bridge, port] = prevResult === undefined ? [] : [bridgeOf(prevResult), portOf(prevResult)];
    endProtection(attachmentOf(invocation), { addresses, bridge, port, zone: zoneOf(invocation) }, keep);
  },
  collect: (invocation) => firewall.collect(invocation.config.name, validAttachments(invocation)),
  unavailable: ({ backend, ingressPolicy }, _, tryOut) =>
    protectionUnavailable({ backend, policy: ingressPolicy }, tryOut),
});

/** For DEL, which no wrong value may stop. */
function zoneOf({ config: { raw } }: Invocation): string {
  const { firewalldZone } = raw;
  return typeof firewalldZone === "string" && firewalldZone !== "" ? firewalldZone : "trusted";
}
