// DEL and GC: the addresses of a departing attachment leave masquerade, unless they have another owner by now.

import type { Attachment } from "../../cni/attachment.ts";
import { listElements } from "../../nftables/element.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { nfproto } from "../../nftables/uapi.ts";
import { takeOut, tryCommit, untilCommitted } from "../../owned/commit.ts";
import { deleteConnectionsOf } from "../../owned/connections.ts";
import { attachmentId, idText } from "../../owned/id.ts";
import { hasCode } from "../../sys/error.ts";
import { sameBytes } from "../../wire/codec.ts";
import { byFamily, type Cidr, type Family, formatIp, type Ip, parseCidr } from "../../wire/ip.ts";
import { deleteOwned, idOf, type OwnedAddress, readKernelState } from "./elements.ts";
import { type Departure, ExactRelease, type Released } from "./exact-release.ts";
import { isAlive } from "./give-back.ts";
import { policyFor } from "./policy.ts";
import { type MasqueradeRecord, records } from "./records.ts";
import { OWNERS, TABLE } from "./table-names.ts";
import { hasOptions, policyRemoval, tally, tidy, unusedAfter } from "./unused.ts";
import { forgetListOf } from "./unused-list.ts";

/**
 * Takes the attachment's addresses out, in one transaction, and then makes the kernel forget their connections. They are
 * known from its record; `hints` are addresses that the caller knows of besides. Where there are no records at all, or its
 * own is illegible, the kernel's maps are searched.
 */
export function release(nft: Nftables, attachment: Attachment, hints: readonly Cidr[]): void {
  deleteConnectionsOf(nft.connection, withdraw(nft, attachment, hints));
  records.endRelease(attachment);
}

/** The same for several, whose connections are looked for together. */
export function releaseEach(nft: Nftables, attachments: readonly Attachment[]): void {
  deleteConnectionsOf(
    nft.connection,
    attachments.flatMap((attachment) => withdraw(nft, attachment, [])),
  );
  for (const attachment of attachments) records.endRelease(attachment);
}

/** Returns the addresses that have no owner any more. */
function withdraw(nft: Nftables, attachment: Attachment, hints: readonly Cidr[]): readonly Ip[] {
  const id = attachmentId(attachment);
  const begun = records.beginRelease(attachment);
  const record = begun === "illegible" ? undefined : begun;
  const owned = ownedAddresses(record, hints);
  const isUnknown = begun === "illegible" || (owned.length === 0 && !records.isKept());
  const found = isUnknown ? search(nft, (owner) => sameBytes(owner, id)).get(idText(id)) : undefined;
  const displaced = record?.displaced ?? [];
  const { left, absent } = releaseOwned(nft, { id, owned: found ?? owned, displaced });
  forgetListOf(nft, record?.options);
  // With a record no DEL has gone through yet: so an absent address cannot have got another owner since.
  return begun === undefined ? left : [...left, ...absent];
}

function ownedAddresses(record: MasqueradeRecord | undefined, hints: readonly Cidr[]): OwnedAddress[] {
  const owned = new Map<string, OwnedAddress>();
  for (const cidr of hints) owned.set(formatIp(cidr.ip), { ...cidr, chain: policyFor(cidr).chain, isStrict: false });
  for (const { cidr, policy, isStrict = false } of record?.addresses ?? []) {
    const address = parseCidr(cidr);
    if (address !== undefined) owned.set(formatIp(address.ip), { ...address, chain: policy, isStrict });
  }
  return [...owned.values()];
}

/** The addresses that the kernel's maps have for the wanted ids, by id as text. It lists whole maps: for the rare case only. */
export function search(nft: Nftables, isWanted: (id: Uint8Array) => boolean): Map<string, OwnedAddress[]> {
  const found = new Map<string, OwnedAddress[]>();
  for (const family of [4, 6] as const) {
    const table = { family: nfproto(family), table: TABLE };
    try {
      for (const owner of listElements(nft.connection, { ...table, set: OWNERS })) {
        const id = idOf(owner);
        if (id === undefined || !isWanted(id)) continue;
        const { chain = "", isStrict } = readKernelState(nft, owner.key);
        const address = { ip: owner.key, prefixLength: owner.key.length * 8, chain, isStrict };
        found.set(idText(id), [...(found.get(idText(id)) ?? []), address]);
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }
  return found;
}

function releaseOwned(nft: Nftables, departure: Departure): Released {
  if (departure.owned.length === 0) return { left: [], absent: [] };
  const { isDone, exactly } = takeOut(
    () => departure.displaced.length === 0 && releaseGuarded(nft, departure),
    () => hasUnused(nft, departure),
    () => releaseExactly(nft, [departure]),
  );
  return isDone || exactly === undefined ? { left: departure.owned.map(({ ip }) => ip), absent: [] } : exactly;
}

/** Whether one of the chains has no use any more. */
function hasUnused(nft: Nftables, { owned }: Departure): boolean {
  return byFamily(owned).some(([family, own]) =>
    [...tally(family, own).keys()].some((chain) => policyRemoval(nft, family, chain, 0) !== undefined),
  );
}

/** The common case: the attachment still owns all its addresses. Returns false, with nothing done, where that is not so. */
function releaseGuarded(nft: Nftables, { id, owned }: Departure): boolean {
  const genid = nft.generation();
  const commands: Command[] = [];
  const untidy: Family[] = [];
  let isLast = false;
  for (const [family, own] of byFamily(owned)) {
    commands.push(...deleteOwned(family, id, own));
    const structure = unusedAfter(nft, family, tally(family, own), (table) => table.remove());
    isLast ||= structure.length > 0;
    if (structure.length > 0 && own.some(hasOptions)) untidy.push(family);
    commands.push(...structure);
  }
  // Chains and tables go only if no ADD has committed since their uses were counted.
  if (!tryCommit(nft, commands, isLast ? { genid } : {})) return false;
  for (const family of untidy) tidy(nft, family);
  return true;
}

/**
 * Reads the owner of each address, and deletes just what these attachments own. If an address gets another owner in between,
 * the transaction fails, and all begins again. An address goes back to its displaced owner, if that one is still there.
 *
 * A DEL of that owner may have read the tables before the address was back. Such a DEL has renamed the record first. So of the
 * two, the one that looks last sees what the other did, and takes the address out.
 */
export function releaseExactly(nft: Nftables, departures: readonly Departure[]): Released {
  const plan = untilCommitted(nft, (generation) => {
    const genid = generation();
    const exact = new ExactRelease(nft, departures, genid === undefined);
    nft.commit(exact.commands(), { genid });
    return exact;
  });
  for (const family of plan.untidy()) tidy(nft, family);
  const released = plan.released();
  if (plan.returned().every(({ owner }) => isAlive(owner))) return released;
  return { left: [...released.left, ...releaseExactly(nft, departures).left], absent: released.absent };
}
