// Sets and maps: NFTA_SET_…

import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { attr, attrs, list } from "../wire/attrs.ts";
import { bytes, cstring, type Infer, u32be, u64be } from "../wire/codec.ts";
import { byteorderOf, layoutOf, partsOf } from "./datatype.ts";
import { type Command, command, familyName, readReply, required } from "./message.ts";
import { modulesOf } from "./missing-part.ts";
import { type StatefulExpression, stateful, statefuls, statefulsFromWire, statefulsToWire } from "./stateful.ts";
import {
  NFPROTO,
  NFT_DATA_VERDICT,
  NFT_MSG,
  NFT_SET,
  NFTA_LIST,
  NFTA_SET,
  NFTA_SET_DESC,
  NFTA_SET_FIELD,
} from "./uapi.ts";
import {
  commentEntry,
  commentOf,
  decodeUserdata,
  encodeUserdata,
  NFTNL_UDATA_SET,
  numberEntry,
  type Userdata,
} from "./userdata.ts";

const set = attrs({
  table: attr(NFTA_SET.TABLE, cstring),
  name: attr(NFTA_SET.NAME, cstring),
  flags: attr(NFTA_SET.FLAGS, u32be),
  keyType: attr(NFTA_SET.KEY_TYPE, u32be),
  keyLength: attr(NFTA_SET.KEY_LEN, u32be),
  dataType: attr(NFTA_SET.DATA_TYPE, u32be),
  dataLength: attr(NFTA_SET.DATA_LEN, u32be),
  objectType: attr(NFTA_SET.OBJ_TYPE, u32be),
  policy: attr(NFTA_SET.POLICY, u32be),
  description: attr(
    NFTA_SET.DESC,
    attrs({
      size: attr(NFTA_SET_DESC.SIZE, u32be),
      concat: attr(NFTA_SET_DESC.CONCAT, list(NFTA_LIST.ELEM, attrs({ length: attr(NFTA_SET_FIELD.LEN, u32be) }))),
    }),
  ),
  id: attr(NFTA_SET.ID, u32be),
  timeout: attr(NFTA_SET.TIMEOUT, u64be),
  gcInterval: attr(NFTA_SET.GC_INTERVAL, u32be),
  userdata: attr(NFTA_SET.USERDATA, bytes),
  handle: attr(NFTA_SET.HANDLE, u64be),
  expression: attr(NFTA_SET.EXPR, stateful),
  expressions: attr(NFTA_SET.EXPRESSIONS, statefuls),
});

/** What names a set or map. `family` is of NFPROTO. */
export interface SetName {
  readonly family: number;
  readonly table: string;
  readonly name: string;
}

export interface SetSpec extends SetName {
  /** Of TYPE, or concatType. */
  readonly keyType: number;
  /** In bytes: lengthOf the types. */
  readonly keyLength: number;
  /** What a map maps to: of TYPE, concatType, or NFT_DATA_VERDICT. */
  readonly dataType?: number | undefined;
  /** In bytes; not for verdicts. */
  readonly dataLength?: number | undefined;
  /** What a map of named objects maps to: of NFT_OBJECT. */
  readonly objectType?: number | undefined;
  /** Of NFT_SET; MAP, OBJECT, CONCAT and EXPR are added where they are needed. */
  readonly flags?: number | undefined;
  /** How many elements it can hold; also a hint for its size at the beginning. */
  readonly size?: number | undefined;
  /** Of NFT_SET_POL. */
  readonly policy?: number | undefined;
  /** How long an element stays, in milliseconds. */
  readonly timeout?: bigint | undefined;
  /** How often expired elements are looked for, in milliseconds. */
  readonly gcInterval?: number | undefined;
  /** What each element does when it is looked up: counters, limits. More than one needs kernel 5.11. */
  readonly expressions?: readonly StatefulExpression[] | undefined;
  readonly comment?: string | undefined;
  /** What an anonymous set (named `__set%d`) is referred to by in the same transaction. */
  readonly id?: number | undefined;
}

/** A set or map as the kernel describes it. */
export interface NftSet extends SetSpec {
  readonly flags: number;
  readonly handle: bigint;
}

/** The kernel wants an id of every set, but looks at it only for anonymous ones: named sets are found by name. */
const ANY_ID = 1;

const kindOf = (s: { readonly dataType?: number | undefined; readonly objectType?: number | undefined }): string =>
  s.dataType === undefined && s.objectType === undefined ? "set" : "map";
const nameOf = (s: SetName): string => `${familyName(s.family)} ${s.table} ${s.name}`;

/** The flags of a set that is made so, of NFT_SET: those that are said, and those that its kind takes. */
export function setFlags(s: SetSpec): number {
  const flags = (s.flags ?? 0) | (s.dataType === undefined ? 0 : NFT_SET.MAP);
  const concat = (flags & NFT_SET.INTERVAL) !== 0 && partsOf(s.keyType).length > 1 ? NFT_SET.CONCAT : 0;
  const several = (s.expressions?.length ?? 0) > 1 ? NFT_SET.EXPR : 0;
  return flags | concat | several | (s.objectType === undefined ? 0 : NFT_SET.OBJECT);
}

/** The lengths of the parts of an interval set's concatenated key: the kernel compares each by itself. */
function fieldsOf(keyType: number): { length: number }[] {
  return partsOf(keyType).map((type) => {
    const length = layoutOf(type)?.length;
    if (length === undefined) throw new RangeError(`the data type ${type} has no fixed length`);
    return { length };
  });
}

/** What nft notes with a set, in its order. */
function userdataOf(s: SetSpec): Uint8Array | undefined {
  const isMap = kindOf(s) === "map";
  const entries: Userdata[] = [numberEntry(NFTNL_UDATA_SET.KEYBYTEORDER, byteorderOf(s.keyType))];
  if (s.dataType !== undefined) {
    entries.push(numberEntry(NFTNL_UDATA_SET.DATABYTEORDER, byteorderOf(s.dataType)));
  }
  if (isMap) entries.push(numberEntry(NFTNL_UDATA_SET.DATA_INTERVAL, 0));
  if (s.comment !== undefined) entries.push(commentEntry(NFTNL_UDATA_SET.COMMENT, s.comment));
  return encodeUserdata(entries);
}

function newSet(verb: string, modifiers: number, s: SetSpec): Command {
  const flags = setFlags(s);
  const concat = (flags & NFT_SET.CONCAT) === 0 ? undefined : fieldsOf(s.keyType);
  const values: Infer<typeof set> = {
    table: s.table,
    name: s.name,
    flags,
    keyType: s.keyType,
    keyLength: s.keyLength,
    dataType: s.dataType,
    dataLength: s.dataType === NFT_DATA_VERDICT ? 0 : s.dataLength,
    objectType: s.objectType,
    policy: s.policy,
    description: s.size === undefined && concat === undefined ? undefined : { size: s.size, concat },
    id: s.id ?? ANY_ID,
    timeout: s.timeout,
    gcInterval: s.gcInterval,
    userdata: userdataOf(s),
    ...statefulsToWire(s.expressions),
  };
  const operation = (): string => `${verb} ${kindOf(s)} ${nameOf(s)}`;
  return {
    ...command(NFT_MSG.NEWSET, NLM_F.CREATE | modifiers, s.family, operation, [set, values]),
    modules: () => modulesOf(s.family, s.expressions ?? []),
  };
}

/** Makes the set or map unless it exists, like `nft add set`; kernels from 6.3 on say EEXIST if it exists with other types. */
export function addSet(s: SetSpec): Command {
  return newSet("add", 0, s);
}

/** Makes the set or map, like `nft create set`; EEXIST where there is one. */
export function createSet(s: SetSpec): Command {
  return newSet("create", NLM_F.EXCL, s);
}

/** Deletes the set or map and its elements; EBUSY while a rule uses it, ENOENT where there is none. */
export function deleteSet(s: SetName): Command {
  const operation = (): string => `delete set ${nameOf(s)}`;
  return command(NFT_MSG.DELSET, 0, s.family, operation, [set, { table: s.table, name: s.name }]);
}

/** Deletes the set or map; EBUSY while a rule uses it or it has elements, also those that the same transaction deletes. */
export function deleteEmptySet(s: SetName): Command {
  const operation = (): string => `delete empty set ${nameOf(s)}`;
  return command(NFT_MSG.DELSET, NLM_F.NONREC, s.family, operation, [set, { table: s.table, name: s.name }]);
}

/** Sees to it that there is no such set or map, like `nft destroy set`; the table must exist. */
export function destroySet(s: SetSpec): Command[] {
  return [addSet(s), deleteSet(s)];
}

/** Reads an answer to GETSET, or an event. Throws DecodeError. */
export function readSet(message: Message): NftSet {
  const { family, attributes } = readReply(message, "set", set);
  return {
    family,
    table: required(attributes.table, "set/table"),
    name: required(attributes.name, "set/name"),
    handle: attributes.handle ?? 0n,
    flags: attributes.flags ?? 0,
    keyType: attributes.keyType ?? 0,
    keyLength: attributes.keyLength ?? 0,
    dataType: attributes.dataType,
    dataLength: attributes.dataLength,
    objectType: attributes.objectType,
    size: attributes.description?.size,
    policy: attributes.policy,
    timeout: attributes.timeout,
    gcInterval: attributes.gcInterval,
    expressions: statefulsFromWire(attributes),
    comment: commentOf(decodeUserdata(attributes.userdata), NFTNL_UDATA_SET.COMMENT),
  };
}

/** The set or map without its elements, or undefined where there is none. Throws NetlinkError. */
export function getSet(connection: Connection, s: SetName): NftSet | undefined {
  const values = { table: s.table, name: s.name };
  const get = command(NFT_MSG.GETSET, 0, s.family, () => `get set ${nameOf(s)}`, [set, values]);
  return connection.find(get, readSet, errno("ENOENT"));
}

/** The sets and maps of all tables, of a family, or of a table. Throws NetlinkError. */
export function listSets(
  connection: Connection,
  where: { readonly family?: number; readonly table?: string } = {},
): NftSet[] {
  const list = command(NFT_MSG.GETSET, 0, where.family ?? NFPROTO.UNSPEC, () => "list sets", [
    set,
    { table: where.table },
  ]);
  return connection.dump(list).map(readSet);
}
