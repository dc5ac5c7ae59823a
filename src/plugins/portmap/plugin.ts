// The portmap plugin: ports of the node that lead to ports of the container.

import { type Attachment, attachmentOf, validAttachments } from "../../cni/attachment.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { addressesOf, type Result } from "../../cni/result.ts";
import { orLog, runAll } from "../../cni/undo.ts";
import { CheckError } from "../../links/check.ts";
import { withNode } from "../../links/namespaces.ts";
import type { Keep } from "../../owned/commit.ts";
import type { Feature } from "../../owned/feature.ts";
import { portmap } from "../../portmap/feature.ts";
import { portmapIptables } from "../../portmap/iptables/feature.ts";
import type { IptablesWanted } from "../../portmap/iptables/rules.ts";
import { allowLocalhost, linkTowards } from "../../portmap/link.ts";
import type { Container } from "../../portmap/mapping.ts";
import { FAMILIES, familyOf } from "../../wire/ip.ts";
import { type Chained, type Changing, chainedPlugin } from "../chained.ts";
import { type BackendName, type PortmapConfig, portmapSchema, readPortmapConfig } from "./config.ts";

/** Each takes what iptables takes; nftables passes over the marks. */
const BACKENDS: Readonly<Record<BackendName, Feature<IptablesWanted>>> = {
  nftables: portmap,
  iptables: portmapIptables,
};

export const plugin = chainedPlugin({
  name: "portmap",
  keys: [portmapSchema],
  read: readPortmapConfig,
  change,
  check,
  end: endAll,
  collect: (invocation) =>
    ofEach(invocation, (backend) => backend.collect(invocation.config.name, validAttachments(invocation))),
  unavailable: ({ backend }, _, tryOut) => BACKENDS[backend].unavailable(tryOut),
});

function change(changing: Changing<PortmapConfig>): undefined {
  const { invocation, config, undo } = changing;
  const attachment = attachmentOf(invocation);
  // An ADD after one that published something else, or by the other back end, without a DEL in between.
  for (const one of Object.values(BACKENDS)) {
    const isToGo = one !== BACKENDS[config.backend] || config.mappings.length === 0;
    if (isToGo && one.recordOf(attachment) !== undefined) one.tearDown(attachment, []);
  }
  if (config.mappings.length === 0) return;
  const wanted = wantedOf(changing);
  const backend = BACKENDS[config.backend];
  undo.defer(() => backend.tearDown(attachment, []));
  if (config.snat) for (const one of wanted.containers) allowLocalhost(one);
  backend.setUp(attachment, wanted, invocation.netns);
}

/** CHECK, of the back end that the attachment was made with, whatever the configuration says by now. */
function check(checking: Chained<PortmapConfig>): void {
  const { invocation, config } = checking;
  if (config.mappings.length === 0) return;
  const attachment = attachmentOf(invocation);
  const faults = backendInForce(attachment, config.backend).faults(attachment, wantedOf(checking));
  if (faults.length === 0) return;
  const { network, containerId, ifname } = attachment;
  const what = `portmap of ${containerId} ${ifname} on ${network}`;
  throw new CheckError(`${what}: ${faults.join("; ")}; \`bauta restore\` puts it back`);
}

function backendInForce(attachment: Attachment, wanted: BackendName): Feature<IptablesWanted> {
  const [own, other] = [BACKENDS[wanted], BACKENDS[wanted === "nftables" ? "iptables" : "nftables"]];
  const isOther = own.recordOf(attachment) === undefined && other.recordOf(attachment) !== undefined;
  return isOther ? other : own;
}

/** DEL, by either back end, whatever the configuration says by now: it may have changed while the container ran. */
function endAll(invocation: Invocation, keep: Keep): void {
  const attachment = attachmentOf(invocation);
  const hints = invocation.prevResult?.ips ?? [];
  ofEach(invocation, (backend) => backend.tearDown(attachment, hints, keep));
}

/** What the back end that the configuration does not ask for cannot do is only logged: the node may not have it at all. */
function ofEach(invocation: Invocation, work: (backend: Feature<IptablesWanted>) => void): void {
  const wanted: BackendName = invocation.config.raw["backend"] === "iptables" ? "iptables" : "nftables";
  runAll(
    (["iptables", "nftables"] as const).map((name) => () => {
      orLog(invocation, `portmap by ${name}`, name === wanted, () => work(BACKENDS[name]));
    }),
  );
}

function wantedOf({ invocation, config, result }: Chained<PortmapConfig>): IptablesWanted {
  const { mappings, snat, masqAll, conditions, olderWins, markBit, externalSetMarkChain } = config;
  const addresses = containerAddresses(invocation, result);
  const containers = snat ? withNode((node) => addresses.map((one) => linkTowards(node, one))) : addresses;
  const wanted = { containers, mappings, snat, masqAll, conditions, markBit, externalSetMarkChain };
  return olderWins ? { ...wanted, olderWins: (told) => invocation.log(`hostPortConflict: ${told}`) } : wanted;
}

/** The first address of either family. */
function containerAddresses({ ifname }: Invocation, result: Result): Container[] {
  const addresses = addressesOf(result, ifname);
  return FAMILIES.flatMap((family): Container[] => {
    const found = addresses.find(({ ip }) => familyOf(ip) === family);
    return found === undefined ? [] : [{ ip: found.ip, prefixLength: found.prefixLength }];
  });
}
