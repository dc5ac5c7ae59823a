// Tables: NFTA_TABLE_…

import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { bytes, cstring, type Infer, u32be, u64be } from "../wire/codec.ts";
import { type Command, command, familyName, readReply, required } from "./message.ts";
import { NFPROTO, NFT_MSG, NFTA_TABLE } from "./uapi.ts";
import { commentOf, commentUserdata, decodeUserdata, NFTNL_UDATA } from "./userdata.ts";

const table = attrs({
  name: attr(NFTA_TABLE.NAME, cstring),
  flags: attr(NFTA_TABLE.FLAGS, u32be),
  use: attr(NFTA_TABLE.USE, u32be), // how many chains, sets, objects and flowtables it has
  handle: attr(NFTA_TABLE.HANDLE, u64be),
  userdata: attr(NFTA_TABLE.USERDATA, bytes),
  owner: attr(NFTA_TABLE.OWNER, u32be), // port id of the process that alone may change it
});

/** What names a table: the family (of NFPROTO) and its own name. */
export interface TableName {
  readonly family: number;
  readonly name: string;
}

export interface TableSpec extends TableName {
  /** Of NFT_TABLE_F. */
  readonly flags?: number | undefined;
  readonly comment?: string | undefined;
}

/** A table as the kernel describes it. */
export interface Table extends TableName {
  readonly handle: bigint;
  readonly flags: number;
  readonly use: number;
  readonly owner: number | undefined;
  readonly comment: string | undefined;
}

const nameOf = (t: TableName): string => `table ${familyName(t.family)} ${t.name}`;

function newTable(verb: string, flags: number, t: TableSpec): Command {
  const values: Infer<typeof table> = { name: t.name, flags: t.flags ?? 0, userdata: commentUserdata(t.comment) };
  // Without NLM_F_CREATE, as nft sends it: the kernel does not ask for it here.
  return command(NFT_MSG.NEWTABLE, flags, t.family, () => `${verb} ${nameOf(t)}`, [table, values]);
}

/** Makes the table unless it exists, like `nft add table`. The comment of one that exists stays. */
export function addTable(t: TableSpec): Command {
  return newTable("add", 0, t);
}

/** Makes the table, like `nft create table`; EEXIST where there is one. */
export function createTable(t: TableSpec): Command {
  return newTable("create", NLM_F.EXCL, t);
}

/** Deletes the table and all that is in it, like `nft delete table`; ENOENT where there is none. */
export function deleteTable(t: TableName): Command {
  return command(NFT_MSG.DELTABLE, 0, t.family, () => `delete ${nameOf(t)}`, [table, { name: t.name }]);
}

/** Deletes the table; EBUSY where there is anything in it (kernels before 4.15 delete that, too), ENOENT where there is none. */
export function deleteEmptyTable(t: TableName): Command {
  return command(NFT_MSG.DELTABLE, NLM_F.NONREC, t.family, () => `delete empty ${nameOf(t)}`, [
    table,
    { name: t.name },
  ]);
}

/** Sees to it that there is no such table, like `nft destroy table`, also on kernels before 6.3. */
export function destroyTable(t: TableName): Command[] {
  return [addTable(t), deleteTable(t)];
}

/** Reads an answer to GETTABLE, or an event. Throws DecodeError. */
export function readTable(message: Message): Table {
  const { family, attributes } = readReply(message, "table", table);
  return {
    family,
    name: required(attributes.name, "table/name"),
    handle: attributes.handle ?? 0n,
    flags: attributes.flags ?? 0,
    use: attributes.use ?? 0,
    owner: attributes.owner,
    comment: commentOf(decodeUserdata(attributes.userdata), NFTNL_UDATA.COMMENT),
  };
}

/** The table, or undefined where there is none. Throws NetlinkError. */
export function getTable(connection: Connection, t: TableName): Table | undefined {
  const get = command(NFT_MSG.GETTABLE, 0, t.family, () => `get ${nameOf(t)}`, [table, { name: t.name }]);
  return connection.find(get, readTable, errno("ENOENT"));
}

/** The tables of a family, or of all; like `nft list tables`. Throws NetlinkError. */
export function listTables(connection: Connection, family: number = NFPROTO.UNSPEC): Table[] {
  const list = command(NFT_MSG.GETTABLE, 0, family, () => "list tables", [table, {}]);
  return connection.dump(list).map(readTable);
}
