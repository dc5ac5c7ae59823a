// `bauta apply`: lists of excluded destinations that have changed come into force for containers that run.

import type { JsonObject } from "../../cni/json.ts";
import type { Nftables } from "../../nftables/batch.ts";
import { untilCommitted } from "../../owned/commit.ts";
import { readExcluded, readInForce } from "../options/exclude-file.ts";
import { type MasqueradeOptions, readOptions } from "../options/options.ts";
import { destinationSet, listKey } from "./policy.ts";
import { refreshSet } from "./policy-chains.ts";
import { records } from "./records.ts";

/** What has changed of one list. */
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
    const lists = [...listsInUse(only).values()].map((options) => ({ options, ...compare(options) }));
    const genid = generation();
    const commands = lists.flatMap(({ options, excluded }) =>
      ([4, 6] as const).flatMap((family) => {
        const set = excluded === undefined ? undefined : destinationSet(options, family, excluded.prefixes);
        return set === undefined ? [] : refreshSet(nft, family, set);
      }),
    );
    nft.commit(commands, { genid });
    for (const { excluded } of lists) excluded?.remember();
    return lists.map(({ applied }) => applied);
  });
}

/** By what the sets are named after. */
function listsInUse(only: string | undefined): Map<string, MasqueradeOptions> {
  const read = new Map<string, MasqueradeOptions>();
  const seen = new Set<JsonObject>(); // records with the same options have the same object
  for (const { record } of records.listLive()) {
    const file = record.options?.["excludeFile"];
    if (record.options === undefined || seen.has(record.options)) continue;
    seen.add(record.options);
    if (typeof file !== "string" || (only !== undefined && file !== only)) continue;
    const options = readOptions(record.options);
    read.set(listKey(options), options);
  }
  return read;
}

function compare(options: MasqueradeOptions): {
  applied: AppliedFile;
  excluded: ReturnType<typeof readExcluded> | undefined;
} {
  const file = options.excludeFile ?? "";
  try {
    const before = new Set(readInForce(options));
    const excluded = readExcluded(options);
    const after = new Set(excluded.prefixes);
    const applied = {
      file,
      added: [...after].filter((one) => !before.has(one)),
      removed: [...before].filter((one) => !after.has(one)),
      ...(excluded.problem === undefined ? {} : { problem: excluded.problem }),
    };
    return { applied, excluded };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { applied: { file, added: [], removed: [], problem }, excluded: undefined };
  }
}
