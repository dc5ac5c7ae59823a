// DEL: what was noted before ADD is restored, by whichever implementation it was noted. Nothing here keeps the plugins before
// this one from their DEL.

import { attachmentOf } from "../../cni/attachment.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { runAll } from "../../cni/undo.ts";
import { withContainerNetnsIfAny, withRtnetlink } from "../../links/namespaces.ts";
import { inNetns } from "../../sys/netns.ts";
import { OddEntryError } from "../../sys/regular-file.ts";
import type { SysctlName } from "../../sys/sysctl.ts";
import { removeReplaced } from "../../sys/whole-file.ts";
import { type Backup, backupFile, readBackup } from "../../tuning/backup.ts";
import { filesOf, forget } from "../../tuning/feature.ts";
import { resetSysctls } from "../../tuning/sysctls.ts";
import { dataDirOf } from "./config.ts";
import { findLink, settingRequests } from "./link.ts";

/** Restores, and forgets what was noted. What cannot be restored is told on standard error, and stays noted. */
export function end(invocation: Invocation): void {
  const attachment = attachmentOf(invocation);
  const file = backupFile(dataDirOf(invocation), invocation.containerId, invocation.ifname);
  const files = new Set([file, ...filesOf(attachment)]);
  const isAllRestored = [...files].map((one) => isRestoredFrom(one, invocation)).every(Boolean);
  if (isAllRestored) forget(attachment);
}

/** Tries a second time what the kernel has refused for a moment: the runtime does not come again. */
function isRestoredFrom(file: string, invocation: Invocation): boolean {
  for (let isLast = false; ; isLast = true) {
    try {
      restoreFrom(file, invocation);
      return true;
    } catch (error) {
      if (!isLast) continue;
      if (!(error instanceof Error)) throw error;
      const isNone = error instanceof OddEntryError && error.cause === undefined;
      invocation.log(`${isNone ? "nothing" : "not everything"} is restored: ${error.message}`);
      return isNone;
    }
  }
}

function restoreFrom(file: string, { log, netns, ifname }: Invocation): void {
  const backup = readBackup(file);
  if (backup === undefined) return;
  if (backup === "illegible") log(`${file} is no backup of an interface: nothing is restored from it`);
  else withContainerNetnsIfAny(netns, (fd) => restore(backup, fd, ifname));
  removeReplaced(file);
}

/** An interface that is gone has taken along what was tuned. */
function restore(backup: Backup, netns: number, ifname: string): void {
  runAll([
    () => {
      withRtnetlink(netns, (container) => {
        const link = findLink(container, ifname);
        if (link !== undefined) container.executeAll(settingRequests(link, backup));
      });
    },
    () => {
      const values = new Map(
        [...(backup.sysctl ?? [])].filter((entry): entry is [SysctlName, string] => isName(entry[0])),
      );
      if (values.size > 0) inNetns(netns, () => resetSysctls(values));
    },
  ]);
}

/** What a file says is written as root: nothing but parameters of network namespaces. */
function isName(name: string): name is SysctlName {
  const [first, ...rest] = name.split("/");
  return first === "net" && rest.length > 0 && rest.every((part) => part !== "" && part !== "." && part !== "..");
}
