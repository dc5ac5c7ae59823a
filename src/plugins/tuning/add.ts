// ADD: what there was is noted, then the kernel parameters are set, then the interface. A failure takes all of it back.

import { attachmentOf } from "../../cni/attachment.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import type { Interface, Result } from "../../cni/result.ts";
import type { Undo } from "../../cni/undo.ts";
import { requireMtuFor } from "../../links/ipv6-mtu.ts";
import { withContainerNetns, withRtnetlink } from "../../links/namespaces.ts";
import { inNetns } from "../../sys/netns.ts";
import { OddEntryError } from "../../sys/regular-file.ts";
import { readAllowList } from "../../tuning/allow-list.ts";
import { type Backup, backupFile, keepBackup } from "../../tuning/backup.ts";
import { filesOf, forget, tuning } from "../../tuning/feature.ts";
import { presentValues, resetSysctls, setSysctls, type Values } from "../../tuning/sysctls.ts";
import { formatMac } from "../../wire/mac.ts";
import type { Changing } from "../chained.ts";
import { type LinkTuning, requirePermission, type Tuning } from "./config.ts";
import { isTuned, presentOf, requireLink, settingRequests } from "./link.ts";

export function add({ invocation, config, result, undo }: Changing<Tuning>): Result | undefined {
  const allowList = config.sysctls.length > 0 ? readAllowList() : undefined;
  requirePermission(config, allowList !== undefined);
  allowList?.require(config.sysctls);
  requireMtuFor(result.ips, config.link.mtu);
  return withContainerNetns(invocation.netns, (netns) => {
    const before: Values = config.sysctls.length > 0 ? inNetns(netns, () => presentValues(config.sysctls)) : new Map();
    const kept: Values = config.restoresSysctls ? before : new Map();
    if (!isTuned(config.link)) {
      if (kept.size > 0) keep(invocation, config, { sysctl: kept }, undo);
      tuneSysctls(invocation, config, netns, before, undo);
      return undefined;
    }
    return withRtnetlink(netns, (container) => {
      const link = requireLink(container, invocation.ifname);
      const present = presentOf(link, config.link);
      keep(invocation, config, kept.size > 0 ? { ...present, sysctl: kept } : present, undo);
      tuneSysctls(invocation, config, netns, before, undo);
      const requests = settingRequests(link, config.link);
      undo.defer(() => resetLink(invocation, present));
      container.executeAll(requests);
      return tunedResult(result, invocation.ifname, config.link);
    });
  });
}

/** The record comes first, so that nothing is noted that `bauta gc` would not know of. */
function keep(invocation: Invocation, { dataDir }: Tuning, before: Backup, undo: Undo): void {
  const attachment = attachmentOf(invocation);
  const isFirst = filesOf(attachment).length === 0;
  const file = backupFile(dataDir, invocation.containerId, invocation.ifname);
  tuning.setUp(attachment, file, invocation.netns);
  undo.defer(() => {
    if (isFirst) forget(attachment);
  });
  undo.defer(noteIn(file, before));
}

function noteIn(file: string, before: Backup): () => void {
  try {
    return keepBackup(file, before);
  } catch (error) {
    if (!(error instanceof OddEntryError)) throw error;
    throw CniError.because(error, CNI_CODE.IO_FAILURE, error.message, "the backup of the interface belongs there");
  }
}

function tuneSysctls({ netns: path }: Invocation, config: Tuning, netns: number, before: Values, undo: Undo): void {
  if (config.sysctls.length === 0) return;
  undo.defer(() => withContainerNetns(path, (again) => inNetns(again, () => resetSysctls(before))));
  inNetns(netns, () => setSysctls(config.sysctls));
}

function resetLink({ netns, ifname }: Invocation, before: Backup): void {
  withContainerNetns(netns, (again) =>
    withRtnetlink(again, (container) => {
      container.executeAll(settingRequests(requireLink(container, ifname), before));
    }),
  );
}

/** The result with what the interface is like now. One on the node that has the same name is another. */
function tunedResult(result: Result, ifname: string, { mac, mtu }: LinkTuning): Result {
  const named = result.interfaces.filter(({ name }) => name === ifname);
  const isInContainer = ({ sandbox }: Interface): boolean => Boolean(sandbox) || !named.some((one) => one.sandbox);
  const interfaces = result.interfaces.map((one) => {
    if (one.name !== ifname || !isInContainer(one)) return one;
    return { ...one, ...(mac === undefined ? {} : { mac: formatMac(mac) }), ...(mtu === undefined ? {} : { mtu }) };
  });
  return { ...result, interfaces };
}
