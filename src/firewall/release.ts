// DEL and GC: attachments leave their segments, and what nobody is on any more goes.

import type { Connection } from "../netlink/connection.ts";
import { deleteChain, getChain, listChains } from "../nftables/chain.ts";
import type { Command } from "../nftables/message.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { getTable } from "../nftables/table.ts";
import { takeOut, tryCommit, untilCommitted } from "../owned/commit.ts";
import { sameBytes } from "../wire/codec.ts";
import { FAMILIES, type Ip } from "../wire/ip.ts";
import { bridgeChain, planBridge } from "./bridge.ts";
import { deleteAttachment, deleteOwner, disown, listFrom, ownedBy, segmentHolding } from "./holding.ts";
import { planDeparture, releasePort } from "./ports.ts";
import { forgetSegment, type KnownSegment, ownReferences, readSegment, segmentChain } from "./segment.ts";
import { FORWARD, inTable, OWNERS, TABLE, TABLE_PARTS, table } from "./table.ts";

/** What an attachment is known to have: where somebody has got it since, it stays. */
export interface Belongings {
  readonly addresses: readonly Ip[];
  /** The port of a bridge; undefined where none is known. */
  readonly port?: string | undefined;
}

/**
 * Takes the attachment off its segment, and from it what is still its own. Nothing, and no error, where there is nothing. Throws
 * NetlinkError.
 */
export function removeHolding(nft: Nftables, id: Uint8Array, belongings: Belongings): void {
  const { connection } = nft;
  const { addresses, port } = belongings;
  const segment = segmentHolding(connection, id);
  if (segment === undefined && ownedBy(connection, id, addresses).length === 0) return;
  const known = segment instanceof Uint8Array ? readSegment(connection, segment) : undefined;
  const others = (): number => (segment instanceof Uint8Array ? countOn(connection, segment, known) : 0);
  const ofPort = port === undefined || known?.policy !== "isolated" ? [] : releasePort(id, port);
  takeOut(
    () => others() > 1 && tryCommit(nft, [...deleteAttachment(id), ...disown(id, addresses), ...ofPort]),
    () => others() === 0,
    () =>
      untilCommitted(nft, (generation) => {
        const genid = generation();
        nft.commit(planRemoval(connection, id, belongings, genid !== undefined), { genid });
      }),
  );
}

/** How many attachments are on the segment, by the kernel's own count. */
function countOn(connection: Connection, id: Uint8Array, known: KnownSegment | undefined): number {
  const chain = getChain(connection, { ...inTable, name: segmentChain(id) });
  return chain === undefined ? 0 : chain.use - (known === undefined ? 0 : ownReferences(known));
}

function planRemoval(
  connection: Connection,
  id: Uint8Array,
  { addresses, port }: Belongings,
  isByGeneration: boolean,
): Command[] {
  const segment = segmentHolding(connection, id);
  const known = segment instanceof Uint8Array ? readSegment(connection, segment) : undefined;
  const isLast = segment instanceof Uint8Array && countOn(connection, segment, known) <= 1;
  const own = ownedBy(connection, id, addresses);
  const elements = [
    ...(segment === undefined ? [] : deleteAttachment(id)),
    ...own.flatMap(deleteOwner),
    ...(port === undefined ? [] : planDeparture(connection, [{ id, name: port }], isLast)),
  ];
  return isLast ? [...elements, ...planEnd(connection, segment, known, isByGeneration)] : elements;
}

/** What goes with the last attachment of a segment: its chain and element, and with the last segment the table. */
function planEnd(
  connection: Connection,
  id: Uint8Array,
  known: KnownSegment | undefined,
  isByGeneration: boolean,
): Command[] {
  const bridge = known?.bridge;
  const planOfBridge = (): Command[] =>
    bridge === undefined ? [] : planBridge(connection, bridge, [{ id, policy: undefined }], false);
  const admin = lastAdminChains(connection, id, known);
  if (admin === undefined || admin.some(({ use }) => use > 0)) {
    const chain = deleteChain({ ...inTable, name: segmentChain(id) });
    return [...planOfBridge(), chain, ...(known === undefined ? [] : forgetSegment(id))];
  }
  if (isByGeneration) return table.remove();
  const names = [segmentChain(id), ...admin.map(({ name }) => name), FORWARD];
  return [...planOfBridge(), ...table.removeEmpty(names)];
}

/** Besides the administrators' chains there may be one of a segment and one of a bridge. */
const FEW = 6;

/**
 * The administrators' chains, where there is no other segment than this; otherwise undefined. Chains are listed only where there
 * are few in the table.
 */
function lastAdminChains(
  connection: Connection,
  id: Uint8Array,
  known: KnownSegment | undefined,
): readonly { readonly name: string; readonly use: number }[] | undefined {
  const use = getTable(connection, TABLE)?.use ?? 0;
  if (use - TABLE_PARTS > FEW) return undefined;
  const bridge = known?.bridge === undefined ? undefined : bridgeChain(known.bridge).name;
  const own = new Set([FORWARD, segmentChain(id), bridge]);
  const others = listChains(connection, { family: TABLE.family, table: TABLE.name }).filter(
    ({ name }) => !own.has(name),
  );
  return others.every(({ hook }) => hook !== undefined) ? others : undefined;
}

/** The addresses that the kernel has for an attachment: a listing, for where no record tells. Throws NetlinkError. */
export function searchAddresses(connection: Connection, id: Uint8Array): Ip[] {
  return FAMILIES.flatMap((family) =>
    listFrom(connection, OWNERS[family])
      .filter(({ data }) => data instanceof Uint8Array && sameBytes(data, id))
      .map(({ key }) => key),
  );
}
