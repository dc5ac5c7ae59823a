// `bauta apply`: lists of excluded destinations that have changed come into force for containers that run.

import type { JsonObject } from "../../cni/json.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { untilCommitted } from "../../owned/commit.ts";
import type { Family } from "../../wire/ip.ts";
import { readExcluded, readInForce } from "../options/exclude-file.ts";
import { listKeyOfRecord, readOptions } from "../options/options.ts";
import { destinationSet, type PolicySet } from "./policy.ts";
import { refreshSet } from "./policy-chains.ts";
import { records } from "./records.ts";

/** The changes of one list. */
export interface AppliedFile {
  readonly file: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Why the file could not be read, if it could not: the list from before stays in force. */
  readonly problem?: string;
}

/**
 * Reads the files again that live attachments' options name, or just this one, and puts what they say into the kernel's
 * sets, all in one transaction. Throws NetlinkError or SyscallError.
 */
export function applyFiles(nft: Nftables, only?: string): AppliedFile[] {
  return untilCommitted(nft, (generation) => {
    const lists = listsInUse(only).map(readList);
    const genid = generation();
    const commands = lists.flatMap(({ sets }) => sets.flatMap(({ family, set }) => refreshSet(nft, family, set)));
    nft.commit(commands, { genid });
    for (const { remember } of lists) remember?.();
    return lists.map(({ applied }) => applied);
  });
}

/** The options of live records that name a file, one record for each list; or those that name just this file. */
function listsInUse(only: string | undefined): JsonObject[] {
  const found = new Map<string, JsonObject>();
  const seen = new Set<JsonObject>(); // records with the same options have the same object
  for (const { record } of records.listLive()) {
    const { options } = record;
    if (options === undefined || seen.has(options)) continue;
    seen.add(options);
    const file = options["excludeFile"];
    if (typeof file === "string" && (only === undefined || file === only)) found.set(listKeyOfRecord(options), options);
  }
  return [...found.values()];
}

interface ReadList {
  readonly applied: AppliedFile;
  /** What the kernel is to have of the list; empty where the list can't be read. */
  readonly sets: readonly { readonly family: Family; readonly set: PolicySet }[];
  readonly remember?: () => void;
}

/** Reads one list. A faulty list is told of, and stops no other list. */
function readList(recorded: JsonObject): ReadList {
  const file = String(recorded["excludeFile"]);
  try {
    const options = readOptions(recorded);
    const before = new Set(readInForce(options));
    const excluded = readExcluded(options);
    const after = new Set(excluded.prefixes);
    const sets = ([4, 6] as const).flatMap((family) => {
      const set = destinationSet(options, family, excluded.prefixes);
      return set === undefined ? [] : [{ family, set }];
    });
    const applied = {
      file,
      added: [...after].filter((one) => !before.has(one)),
      removed: [...before].filter((one) => !after.has(one)),
      ...(excluded.problem === undefined ? {} : { problem: excluded.problem }),
    };
    return { applied, sets, remember: excluded.remember };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { applied: { file, added: [], removed: [], problem }, sets: [] };
  }
}
