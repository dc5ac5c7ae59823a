// GC by hand: which attachments are valid, and what came of it.

import type { Attachment } from "../../cni/attachment.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import { openContainerNetns } from "../../cni/netns.ts";
import { cachedOf, namespacesOf, unnamedOf } from "../../lists/cache.ts";
import type { NetworkList } from "../../lists/list.ts";
import { checkNames } from "../../lists/prepare.ts";
import { gcList, type Runtime, type Valid } from "../../lists/run.ts";
import { CACHES } from "../../owned/runtime-files.ts";
import { close } from "../../sys/fd.ts";
import { UsageError } from "../arguments.ts";
import { countOf } from "../count.ts";
import { explain } from "../failure.ts";
import { IncompleteError } from "../incomplete.ts";
import type { Output } from "../io.ts";
import { knownContainerOf, type Said } from "./container.ts";

/** What the command line says of the attachments that are valid. */
export interface SaidValid {
  /** --valid */
  readonly valid: string | undefined;
  /** --none-valid */
  readonly none: boolean;
}

/** Collects, and prints what the cache had of attachments that are valid no more. Throws IncompleteError, UsageError. */
export function collect(list: NetworkList, said: Said, runtime: Runtime, saidValid: SaidValid, io: Output): void {
  const valid = validOf(list, said, runtime, saidValid);
  if (list.disableGC) io.remark("bauta: nothing was collected: the list says disableGC");
  const { removed, errors } = gcList(list, valid, runtime);
  io.notice([
    ...removed.map(({ containerId, ifname }) => `${list.name} ${containerId} ${ifname}`),
    `removed ${countOf(removed.length, "attachment")} of the cache's`,
  ]);
  for (const line of errors.flatMap((error) => explain(error, io.mapStack))) io.log(`bauta: ${line}`);
  if (errors.length > 0) throw new IncompleteError("not everything could be collected");
}

function validOf(list: NetworkList, said: Said, runtime: Runtime, { valid, none }: SaidValid): readonly Valid[] {
  if (none && valid !== undefined) throw new UsageError("--valid and --none-valid exclude each other");
  if (none) return [];
  if (valid !== undefined) return parseValid(valid);
  const caches = [...new Set([runtime.cache, ...CACHES])];
  const known = caches.flatMap((cache) => cachedOf(cache, list.name)).filter(mayBeThere);
  // The plugins' GC would take what these own for a leftover.
  const unnamed = caches.flatMap((cache) => unnamedOf(cache, list.name)).filter(mayBeThere);
  return [...known, ...unnamed.flatMap(({ attachments }) => attachments), ...named(list, said, runtime)];
}

/** Whether the container is there, or nobody knows. */
function mayBeThere(cached: Parameters<typeof namespacesOf>[0]): boolean {
  const namespaces = namespacesOf(cached);
  return namespaces.length === 0 || namespaces.some(isThere);
}

/** `ID/NAME,ID/NAME` */
function parseValid(text: string): Valid[] {
  return text.split(",").map((one) => {
    const [containerId = "", ifname = "", ...rest] = one.split("/");
    if (rest.length > 0 || ifname === "")
      throw new UsageError(`--valid: ${JSON.stringify(one)} is not of the form ID/NAME`);
    checkNames({ containerId, ifname });
    return { containerId, ifname };
  });
}

/** The attachment that the command line names, if its namespace is there. */
function named(list: NetworkList, said: Said, runtime: Runtime): Pick<Attachment, "containerId" | "ifname">[] {
  if (said.netns === undefined && said.containerId === undefined) return [];
  const container = knownContainerOf(said, list, runtime);
  checkNames(container);
  return isThere(container.netns) ? [container] : [];
}

/** Whether the path leads to a network namespace, or may: one that nobody has noted, or that can't be looked at. */
function isThere(netns: string): boolean {
  if (netns === "") return true;
  try {
    close(openContainerNetns(netns));
    return true;
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    return error.code !== CNI_CODE.UNKNOWN_CONTAINER && error.code !== CNI_CODE.INVALID_NETNS;
  }
}
