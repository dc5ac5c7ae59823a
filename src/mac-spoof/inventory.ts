// `bauta list`: the guards in the kernel, and the records, put side by side.

import type { Connection } from "../netlink/connection.ts";
import { readComment, UNKNOWN_NAME } from "../owned/comment.ts";
import type { AttachmentName, Inventory, ListedAttachment, OwnedState } from "../owned/feature.ts";
import { idText, isOfNetwork, networkId } from "../owned/id.ts";
import { inOrder } from "../owned/inventory.ts";
import { cstring } from "../wire/codec.ts";
import { formatMac } from "../wire/mac.ts";
import { type Guard, guardOf, type ListedGuard, listGuards, listWays } from "./guard.ts";
import { type GuardRecord, records } from "./records.ts";
import { PORT_LENGTH, table } from "./table.ts";

/** Lists all guards, or those of one network. Throws NetlinkError or SyscallError. */
export function listInventory(connection: Connection, network?: string): Inventory {
  const inventory = take(connection, network);
  const isAllOk = inventory.attachments.every(({ items }) => items.every(({ state }) => state === "ok"));
  // Records and sets are read one after the other, and attachments come and go meanwhile.
  return isAllOk ? inventory : take(connection, network);
}

/** What is known of an attachment. */
interface Known {
  guard?: ListedGuard;
  record?: GuardRecord;
  isLeaving?: boolean;
}

function take(connection: Connection, network: string | undefined): Inventory {
  const wanted = network === undefined ? undefined : networkId(network);
  const { live, leaving, problems } = records.survey();
  const ways = listWays(connection);
  const guards = listGuards(connection);
  const all = new Map<string, Known>();
  for (const guard of guards) {
    if (wanted === undefined || isOfNetwork(guard.id, wanted)) all.set(idText(guard.id), { guard });
  }
  const add = (id: string, record: GuardRecord, isLeaving: boolean): void => {
    const known = all.get(id);
    if (network !== undefined && record.attachment.network !== network) return;
    if (!isLeaving || known !== undefined) all.set(id, { ...known, record, isLeaving });
  };
  for (const { id, record } of live) add(id, record, false);
  for (const { id, record } of leaving) add(id, record, true);
  const facts: Facts = {
    ports: new Set(ways.ports.map(idText)),
    allowed: new Set(ways.allowed.map(idText)),
    guarded: new Set(guards.map(({ port }) => idText(port))),
  };
  const attachments = inOrder([...all].map(([id, known]) => listed(id, known, facts)));
  const faults = attachments.length === 0 ? [] : table.faults(connection).map(({ text }) => text);
  return { attachments, faults: [...problems, ...faults] };
}

/** What the three sets hold, as hexadecimal digits. */
interface Facts {
  readonly ports: ReadonlySet<string>;
  readonly allowed: ReadonlySet<string>;
  /** The ports that some attachment has. */
  readonly guarded: ReadonlySet<string>;
}

function listed(id: string, known: Known, facts: Facts): ListedAttachment {
  const { guard, record } = known;
  const shown = guard ?? (record === undefined ? undefined : guardOf(record.attachment, record));
  const address = shown === undefined ? "" : formatMac(shown.allowed.subarray(PORT_LENGTH, PORT_LENGTH + 6));
  const policy = shown === undefined ? undefined : `macspoofchk ${portName(shown)}`;
  const item = { address, policy, packets: undefined, bytes: undefined, state: stateOf(known, facts) };
  return { id, name: nameOf(known), options: undefined, items: [item] };
}

const portName = ({ port }: Guard): string => cstring.decode(port);

function nameOf({ guard, record }: Known): AttachmentName {
  if (record !== undefined) return { ...record.attachment, isCut: false };
  const { prefixLength: _, ...name } = readComment(guard?.comment, false) ?? {
    ...UNKNOWN_NAME,
    prefixLength: undefined,
  };
  return name;
}

function stateOf({ guard, record, isLeaving }: Known, { ports, allowed, guarded }: Facts): OwnedState {
  if (guard === undefined) {
    const own = record === undefined ? undefined : guardOf(record.attachment, record);
    return own !== undefined && guarded.has(idText(own.port)) ? "taken" : "missing";
  }
  if (!ports.has(idText(guard.port)) || !allowed.has(idText(guard.allowed))) return "no-policy";
  if (record === undefined) return "no-record";
  if (isLeaving === true) return "leaving";
  return idText(guardOf(record.attachment, record).allowed) === idText(guard.allowed) ? "ok" : "other-policy";
}
