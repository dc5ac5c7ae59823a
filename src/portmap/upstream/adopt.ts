// `bauta adopt`: what containernetworking/plugins publish moves into our maps. The rules of its nftables back end go in the
// same transaction, those of its iptables back end as soon as the maps have what they did: connections stay where they are,
// and no new one finds the port closed.

import type { Attachment } from "../../cni/attachment.ts";
import { withNode } from "../../links/namespaces.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { deleteRule } from "../../nftables/rule.ts";
import { deleteTable } from "../../nftables/table.ts";
import { nfproto } from "../../nftables/uapi.ts";
import { untilCommitted } from "../../owned/commit.ts";
import type { Adoption } from "../../owned/feature.ts";
import { attachmentId, idText } from "../../owned/id.ts";
import { repairsOf } from "../../owned/table.ts";
import { FAMILIES } from "../../wire/ip.ts";
import { createAll, deleteAll, elementsOf, partsOf } from "../elements.ts";
import { linkTowards } from "../link.ts";
import { hostText, type PortMapping, type Publication } from "../mapping.ts";
import { holdersIn, takenOf } from "../publish.ts";
import { type PortmapRecord, records } from "../records.ts";
import { belongingsOf, readState, without } from "../state.ts";
import { tableFaults } from "../table-faults.ts";
import { takenText } from "../taken.ts";
import { withdrawByIds } from "../withdraw.ts";
import { type Found, findUpstream } from "./found.ts";
import { Owners } from "./owners.ts";
import { readUpstreamRules, TABLE as UPSTREAM } from "./rules.ts";

/** An attachment that is to be moved: what its record will say, and what is found of it. */
interface Moving {
  readonly record: PortmapRecord;
  readonly found: readonly Found[];
}

/** Moves upstream's ports into our maps. Throws NetlinkError, SyscallError or IptablesError. */
export function adoptPorts(nft: Nftables, isDryRun: boolean): Adoption {
  const { moved, left, problems } = untilCommitted(nft, (generation) => {
    const genid = generation();
    const upstream = findUpstream(nft);
    const { moving, unknown } = attribute(upstream.found);
    const told = [...upstream.left, ...unknown];
    if (isDryRun || moving.length === 0) return { moved: moving, left: told, problems: [] };
    const { accepted, commands, problems } = planAdoption(nft, moving);
    for (const { record } of accepted) records.write(record);
    nft.commit([...commands, ...tableRemoval(nft, accepted, genid !== undefined)], { genid });
    return { moved: accepted, left: told, problems };
  });
  if (!isDryRun) endChains(nft, moved);
  const adopted = moved.map(({ record: { attachment, mappings } }) => ({
    attachment,
    addresses: mappings.map((one) => `${hostText(one)}/${one.protocol}`),
  }));
  return { adopted, left, problems };
}

/** Whose each is; those of one attachment together. */
function attribute(all: readonly Found[]): { readonly moving: readonly Moving[]; readonly unknown: readonly string[] } {
  const owners = new Owners();
  const groups = new Map<string, { attachment: Attachment; found: Found[] }>();
  const unknown = new Set<string>();
  for (const one of all) {
    const attachment = owners.find(one.owner, one.address);
    if (typeof attachment === "string") unknown.add(attachment);
    else {
      const id = idText(attachmentId(attachment));
      const group = groups.get(id) ?? { attachment, found: [] };
      groups.set(id, group);
      group.found.push(one);
    }
  }
  const moving = withNode((node) =>
    [...groups.values()].map(({ attachment, found }): Moving => {
      const containers = found.map(({ address }) =>
        linkTowards(node, { ip: address, prefixLength: address.length * 8 }),
      );
      const [snat, masqAll] = [found.some((one) => one.snat), found.some((one) => one.masqAll)];
      const mappings = uniqueMappings(found.flatMap((one) => one.mappings));
      const conditions = { v4: [], v6: [] };
      return { record: { attachment, containers, mappings, snat, masqAll, conditions }, found };
    }),
  );
  return { moving, unknown: [...unknown] };
}

/** Upstream's rules stand there twice after a second ADD. */
function uniqueMappings(mappings: readonly PortMapping[]): PortMapping[] {
  return [...new Map(mappings.map((one) => [`${hostText(one)}/${one.protocol}`, one])).values()];
}

interface Plan {
  readonly accepted: readonly Moving[];
  readonly commands: readonly Command[];
  readonly problems: readonly string[];
}

/** What makes the elements of all, and takes the rules out; an attachment whose port is another's stays where it is. */
function planAdoption(nft: Nftables, moving: readonly Moving[]): Plan {
  const ids = new Set(moving.map(({ record }) => idText(attachmentId(record.attachment))));
  const removal: Command[] = [];
  const states = new Map(FAMILIES.map((family) => [family, readState(nft.connection, family)] as const));
  const holders = new Map(
    [...states].map(([family, state]) => {
      const gone = belongingsOf(state, family, ids);
      removal.push(...deleteAll(family, gone));
      return [family, holdersIn(without(state, gone))] as const;
    }),
  );
  const problems: string[] = [];
  const accepted = moving.filter(({ record }) => {
    const taken = partsOf(record).flatMap((part) => takenOf(part, holders.get(part.family) ?? new Map()));
    problems.push(...taken.map(takenText));
    if (taken.length > 0) return false;
    for (const part of partsOf(record)) {
      const own = holdersIn(elementsOf(record.attachment, part, record));
      for (const [name, comment] of own) holders.get(part.family)?.set(name, comment);
    }
    return true;
  });
  const families = FAMILIES.filter((family) => accepted.some(({ record }) => has(record, family)));
  return {
    accepted,
    problems,
    commands: [
      ...families.flatMap((family) => repairsOf(tableFaults(nft.connection, family, states.get(family) ?? new Map()))),
      ...removal,
      ...accepted.flatMap(({ record }) =>
        partsOf(record).flatMap((part) => createAll(part.family, elementsOf(record.attachment, part, record))),
      ),
    ],
  };
}

const has = (record: Publication, family: 4 | 6): boolean => partsOf(record).some((part) => part.family === family);

/** Takes the rules out of upstream's tables; a table goes when nobody's rule is left in it. */
function tableRemoval(nft: Nftables, accepted: readonly Moving[], isByGeneration: boolean): Command[] {
  const rules = accepted.flatMap(({ found }) => found.flatMap((one) => one.rules));
  return FAMILIES.flatMap((family) => {
    const own = rules.filter((rule) => rule.family === nfproto(family));
    if (own.length === 0) return [];
    const isLast = isByGeneration && readUpstreamRules(nft.connection, family).length === own.length;
    return isLast ? [deleteTable({ family: nfproto(family), name: UPSTREAM })] : own.map(deleteRule);
  });
}

/**
 * Takes the chains out of iptables. One that has gone since it was found was removed by a DEL that knew nothing of our maps: so
 * that attachment leaves our maps, too.
 */
function endChains(nft: Nftables, moved: readonly Moving[]): void {
  const gone = new Set<string>();
  for (const { record, found } of moved) {
    for (const { chain } of found) {
      if (chain === undefined) continue;
      const { table, name } = chain;
      if (!table.hasChain(name)) gone.add(idText(attachmentId(record.attachment)));
      table.remove((jumps) => ({ jumps: jumps.filter((jump) => jump.chain === name), chains: [name] }));
    }
  }
  for (const id of gone) records.forget(id);
  if (gone.size > 0) withdrawByIds(nft, gone);
}
