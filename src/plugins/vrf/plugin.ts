// The vrf plugin: puts the container's interface into a VRF, a routing domain of its own inside the container.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { addressesOf } from "../../cni/result.ts";
import { undoOnFailure } from "../../cni/undo.ts";
import { CheckError, checkAddressing } from "../../links/check.ts";
import { kindUnavailable, requireContainerLink } from "../../links/container-link.ts";
import {
  type LockedNetns,
  withContainerNetns,
  withLockedNetns,
  withLockedNetnsIfAny,
  withRtnetlink,
} from "../../links/namespaces.ts";
import { createVrf, deleteIdleVrf, findVrf, isMadeHere } from "../../links/vrf.ts";
import { enterVrf, leaveVrf, type Vrf } from "../../links/vrf-port.ts";
import { type BriefLink, getBriefLink } from "../../rtnetlink/brief-link.ts";
import { hasCode } from "../../sys/error.ts";
import { type Chained, chainedPlugin } from "../chained.ts";
import { givenName, readVrfConfig, type VrfConfig, vrfSchema } from "./config.ts";

export const plugin = chainedPlugin<VrfConfig>({
  name: "vrf",
  oldestVersion: "0.3.1",
  keys: [vrfSchema],
  read: readVrfConfig,
  change({ invocation, config }) {
    withLockedNetns(invocation.netns, (namespace) => add(invocation, config, namespace));
    return undefined;
  },
  check,
  end: (invocation) => void withLockedNetnsIfAny(invocation.netns, (namespace) => remove(invocation, namespace)),
  unavailable: () => kindUnavailable({ kind: "vrf", table: 1 }),
});

function add({ ifname, log }: Invocation, { vrfname, table }: VrfConfig, namespace: LockedNetns): void {
  const { container } = namespace;
  const port = requireContainerLink(getBriefLink(container, ifname), ifname);
  const found = findVrf(container, vrfname);
  if (found !== undefined) requireTable(found, table);
  if (port.masterIndex !== undefined && port.masterIndex === found?.index) return;
  requireFree(namespace, port);
  undoOnFailure(log, (undo) => {
    const vrf = found ?? createVrf(container, vrfname, table, undo);
    undo.defer(() => leaveVrf(namespace, port, vrf));
    enterVrf(namespace, port, vrf);
  });
}

function requireTable(vrf: Vrf, table: number | undefined): void {
  if (table === undefined || vrf.table === table) return;
  const problem = `table: ${table} is not that of the VRF ${vrf.name}, which is there with the table ${vrf.table}`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, problem);
}

function requireFree({ container }: LockedNetns, { name, masterIndex }: BriefLink): void {
  if (masterIndex === undefined) return;
  const master = getBriefLink(container, { index: masterIndex })?.name ?? `interface ${masterIndex}`;
  throw new CniError(CNI_CODE.INVALID_CONFIG, `the interface ${name} is a port of ${master} already`);
}

/** The VRF goes with its last port. */
function remove(invocation: Invocation, namespace: LockedNetns): void {
  const { container } = namespace;
  const name = givenName(invocation);
  const vrf = name === undefined ? undefined : vrfIfAny(namespace, name);
  if (vrf === undefined) return;
  const port = getBriefLink(container, invocation.ifname);
  const isPort = port?.masterIndex === vrf.index;
  // A VRF that somebody else has made, and that the interface has never been in, is none of this attachment's.
  if (port !== undefined && !isPort && !isMadeHere(container, vrf)) return;
  try {
    if (isPort && port !== undefined) leaveVrf(namespace, port, vrf);
  } catch (error) {
    if (!hasCode(error, "ENODEV")) throw error;
  }
  deleteIdleVrf(container, vrf);
}

function vrfIfAny({ container }: LockedNetns, name: string): Vrf | undefined {
  try {
    return findVrf(container, name);
  } catch (error) {
    if (error instanceof CniError) return undefined; // another kind of interface is none of ours
    throw error;
  }
}

function check({ invocation: { netns: path, ifname }, config: { vrfname, table }, result }: Chained<VrfConfig>): void {
  withContainerNetns(path, (netns) =>
    withRtnetlink(netns, (container) => {
      const vrf = findVrf(container, vrfname);
      if (vrf === undefined) throw new CheckError(`the container has no VRF ${vrfname}`);
      requireTable(vrf, table);
      if (!vrf.isUp) throw new CheckError(`the VRF ${vrfname} is down`);
      const port = getBriefLink(container, ifname);
      if (port?.masterIndex !== vrf.index) throw new CheckError(`${ifname} is not a port of the VRF ${vrfname}`);
      const own = { ...result, ips: addressesOf(result, ifname) };
      checkAddressing(container, port, own);
    }),
  );
}
