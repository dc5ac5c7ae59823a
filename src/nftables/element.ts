// Elements of sets and maps: NFTA_SET_ELEM_… inside NFTA_SET_ELEM_LIST_…

import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { attr, attrs, list, writeAttribute } from "../wire/attrs.ts";
import { bytes, type Codec, cstring, type Infer, u32be, u64be } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { formatIp } from "../wire/ip.ts";
import { formatMac } from "../wire/mac.ts";
import { Writer } from "../wire/writer.ts";
import { type Data, data, verdictText } from "./data.ts";
import { type Command, command, familyName, readReply, required } from "./message.ts";
import { PlainElements } from "./plain-elements.ts";
import { type StatefulExpression, stateful, statefuls, statefulsFromWire, statefulsToWire } from "./stateful.ts";
import { NFT_MSG, NFT_SET_ELEM } from "./uapi.ts";
import {
  commentEntry,
  commentOf,
  decodeUserdata,
  encodeUserdata,
  NFTNL_SET_ELEM_F_INTERVAL_OPEN,
  NFTNL_UDATA_SET_ELEM,
  numberEntry,
  numberOf,
  type Userdata,
} from "./userdata.ts";

const element = attrs({
  key: attr(1, data), // NFTA_SET_ELEM_KEY
  data: attr(2, data), // NFTA_SET_ELEM_DATA
  flags: attr(3, u32be), // NFTA_SET_ELEM_FLAGS
  timeout: attr(4, u64be), // NFTA_SET_ELEM_TIMEOUT
  expiration: attr(5, u64be), // NFTA_SET_ELEM_EXPIRATION
  userdata: attr(6, bytes), // NFTA_SET_ELEM_USERDATA
  expression: attr(7, stateful), // NFTA_SET_ELEM_EXPR
  object: attr(9, cstring), // NFTA_SET_ELEM_OBJREF
  keyEnd: attr(10, data), // NFTA_SET_ELEM_KEY_END
  expressions: attr(11, statefuls), // NFTA_SET_ELEM_EXPRESSIONS
});

const NFTA_LIST_ELEM = 1;

const elements = attrs({
  table: attr(1, cstring), // NFTA_SET_ELEM_LIST_TABLE
  set: attr(2, cstring), // NFTA_SET_ELEM_LIST_SET
  setId: attr(4, u32be), // NFTA_SET_ELEM_LIST_SET_ID
  elements: attr(3, list(NFTA_LIST_ELEM, element)), // NFTA_SET_ELEM_LIST_ELEMENTS
});

/** Elements that are encoded already. */
const encoded: Codec<Uint8Array> = { ...bytes, nested: true };

const encodedElements = attrs({
  table: attr(1, cstring),
  set: attr(2, cstring),
  setId: attr(4, u32be),
  elements: attr(3, encoded),
});

/** What names a set for its elements. `family` is of NFPROTO. */
export interface ElementSet {
  readonly family: number;
  readonly table: string;
  readonly set: string;
  /** The id of an anonymous set of the same transaction. */
  readonly setId?: number | undefined;
}

/** An element: a key, and in a map what it maps to. */
export interface Element {
  /** Empty for the element that stands for every other key. */
  readonly key: Uint8Array;
  /** In an interval set of concatenated keys: the last key of the interval. */
  readonly keyEnd?: Uint8Array | undefined;
  readonly data?: Data | undefined;
  /** In a map of named objects: the object. */
  readonly object?: string | undefined;
  /** In an interval set of plain keys: the interval before ends here, this key not included. */
  readonly intervalEnd?: boolean | undefined;
  /** In an interval set of plain keys: the interval that begins here reaches to the last key there is. */
  readonly intervalOpen?: boolean | undefined;
  /** Stands for every key that no other element has; `*` in nft. */
  readonly catchAll?: boolean | undefined;
  /** How long it stays, in milliseconds, if not as long as the set says. */
  readonly timeout?: bigint | undefined;
  /** How long it is going to stay, in milliseconds. */
  readonly expiration?: bigint | undefined;
  /** Its counter, say, with what it has counted, if the set has such expressions. */
  readonly expressions?: readonly StatefulExpression[] | undefined;
  readonly comment?: string | undefined;
}

export interface ElementsSpec extends ElementSet {
  readonly elements: readonly Element[];
}

/** An attribute's length has 16 bits, so this is what the elements of one message can take, its header aside. */
const ELEMENTS_MAX = 0xffff - 4;

function toWire(e: Element): Infer<typeof element> {
  const flags =
    (e.intervalEnd === true ? NFT_SET_ELEM.INTERVAL_END : 0) | (e.catchAll === true ? NFT_SET_ELEM.CATCHALL : 0);
  const entries: Userdata[] = [];
  if (e.comment !== undefined) entries.push(commentEntry(NFTNL_UDATA_SET_ELEM.COMMENT, e.comment));
  if (e.intervalOpen === true) entries.push(numberEntry(NFTNL_UDATA_SET_ELEM.FLAGS, NFTNL_SET_ELEM_F_INTERVAL_OPEN));
  return {
    key: e.catchAll === true ? undefined : e.key,
    data: e.data,
    flags: flags === 0 ? undefined : flags,
    timeout: e.timeout,
    expiration: e.expiration,
    userdata: encodeUserdata(entries),
    object: e.object,
    keyEnd: e.keyEnd,
    ...statefulsToWire(e.expressions),
  };
}

function keyBytes(value: Data | undefined, name: string): Uint8Array | undefined {
  if (value === undefined || value instanceof Uint8Array) return value;
  throw new DecodeError("a verdict", name);
}

function fromWire(values: Infer<typeof element>): Element {
  const entries = decodeUserdata(values.userdata);
  const flags = values.flags ?? 0;
  const open = (numberOf(entries, NFTNL_UDATA_SET_ELEM.FLAGS) ?? 0) & NFTNL_SET_ELEM_F_INTERVAL_OPEN;
  const catchAll = (flags & NFT_SET_ELEM.CATCHALL) !== 0;
  const key = keyBytes(values.key, "key");
  return {
    key: catchAll ? new Uint8Array(0) : required(key, "key"),
    keyEnd: keyBytes(values.keyEnd, "keyEnd"),
    data: values.data,
    object: values.object,
    intervalEnd: (flags & NFT_SET_ELEM.INTERVAL_END) !== 0,
    intervalOpen: open !== 0,
    catchAll,
    timeout: values.timeout,
    expiration: values.expiration,
    expressions: statefulsFromWire(values),
    comment: commentOf(entries, NFTNL_UDATA_SET_ELEM.COMMENT),
  };
}

/** The element as it stands in the list. */
function encodeElement(e: Element): Uint8Array {
  const one = new Writer(128);
  writeAttribute(one, NFTA_LIST_ELEM, element, toWire(e));
  return one.bytes();
}

/** As many messages as the elements need. */
function commands(type: number, flags: number, verb: string, spec: ElementsSpec): Command[] {
  const result: Command[] = [];
  let out = new Writer();
  let from = 0;
  const finish = (to: number): void => {
    const part = spec.elements.slice(from, to);
    const values = { table: spec.table, set: spec.set, setId: spec.setId, elements: out.bytes() };
    result.push(command(type, flags, spec.family, () => operation(verb, spec, part), [encodedElements, values]));
    out = new Writer();
    from = to;
  };
  const plain = new PlainElements();
  spec.elements.forEach((e, i) => {
    const one = plain.encode(e) ?? encodeElement(e);
    if (out.length + one.length > ELEMENTS_MAX) finish(i);
    out.raw(one);
  });
  if (out.length > 0) finish(spec.elements.length);
  return result;
}

/** How many elements an error names. */
const NAMED_MAX = 3;

function operation(verb: string, spec: ElementSet, part: readonly Element[]): string {
  const named = part.slice(0, NAMED_MAX).map(elementText);
  if (part.length > NAMED_MAX) named.push(`… ${part.length - NAMED_MAX} more`);
  return `${verb} element ${familyName(spec.family)} ${spec.table} ${spec.set} { ${named.join(", ")} }`;
}

function elementText(e: Element): string {
  const key = e.catchAll === true ? "*" : keyText(e.key);
  const keyEnd = e.keyEnd === undefined ? "" : `-${keyText(e.keyEnd)}`;
  if (e.data === undefined) return `${key}${keyEnd}`;
  return `${key}${keyEnd} : ${e.data instanceof Uint8Array ? keyText(e.data) : verdictText(e.data)}`;
}

/** A key as text, for errors: which type it has is not known here, so its length must tell. */
function keyText(key: Uint8Array): string {
  if (key.length === 2) return String(((key[0] ?? 0) << 8) | (key[1] ?? 0));
  if (key.length === 4) return formatIp(key);
  if (key.length === 6) return formatMac(key);
  const end = key.indexOf(0);
  const isName = end > 0 && key.every((byte, i) => (i < end ? byte > 0x20 && byte < 0x7f : byte === 0));
  if (key.length === 16 && isName) return `"${cstring.decode(key)}"`;
  if (key.length === 16) return formatIp(key);
  return `0x${Array.from(key, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Adds elements, like `nft add element`. One that is there with the same data is left; with other data it is EEXIST. */
export function addElements(spec: ElementsSpec): Command[] {
  return commands(NFT_MSG.NEWSETELEM, NLM_F.CREATE, "add", spec);
}

/** Adds elements, like `nft create element`; EEXIST where one is there. */
export function createElements(spec: ElementsSpec): Command[] {
  return commands(NFT_MSG.NEWSETELEM, NLM_F.CREATE | NLM_F.EXCL, "create", spec);
}

/**
 * Deletes elements by key, like `nft delete element`; ENOENT where one is not there. NB: the kernel does not compare
 * the data: to delete only what maps to this data use destroyElements.
 */
export function deleteElements(spec: ElementsSpec): Command[] {
  return commands(NFT_MSG.DELSETELEM, 0, "delete", spec);
}

/**
 * Sees to it that the elements are not there, like `nft destroy element`; in a map EEXIST, and nothing is done, where
 * one is there with other data.
 */
export function destroyElements(spec: ElementsSpec): Command[] {
  return [...addElements(spec), ...deleteElements(spec)];
}

/** Deletes all elements, like `nft flush set`; ENOENT where there is no such set. */
export function flushSet(s: ElementSet): Command {
  const text = (): string => `flush set ${familyName(s.family)} ${s.table} ${s.set}`;
  return command(NFT_MSG.DELSETELEM, 0, s.family, text, [elements, { table: s.table, set: s.set }]);
}

/** Elements, and the set that has them. */
export interface SetElements extends ElementSet {
  readonly elements: readonly Element[];
}

/** Reads an answer to GETSETELEM, or an event. Throws DecodeError. */
export function readElements(message: Message): SetElements {
  const { family, attributes } = readReply(message, "elements", elements);
  return {
    family,
    table: required(attributes.table, "elements/table"),
    set: required(attributes.set, "elements/set"),
    elements: (attributes.elements ?? []).map(fromWire),
  };
}

/** The element with this key, or undefined where it, the set or the table isn't there; like `nft get element`. Throws NetlinkError. */
export function getElement(connection: Connection, s: ElementSet, key: Uint8Array): Element | undefined {
  const values = { table: s.table, set: s.set, elements: [{ key }] };
  const text = (): string => operation("get", s, [{ key }]);
  const get = command(NFT_MSG.GETSETELEM, 0, s.family, text, [elements, values]);
  return connection.find(get, (message) => readElements(message).elements[0], errno("ENOENT"));
}

/** All elements, in no particular order. Throws NetlinkError: ENOENT where there is no such set. */
export function listElements(connection: Connection, s: ElementSet): Element[] {
  return dumpElements(connection, s).flatMap((message) => readElements(message).elements);
}

/** The same as they came, for whoever looks into tens of thousands of them. Throws NetlinkError. */
export function dumpElements(connection: Connection, s: ElementSet): Message[] {
  const text = (): string => `list set ${familyName(s.family)} ${s.table} ${s.set}`;
  const get = command(NFT_MSG.GETSETELEM, 0, s.family, text, [elements, { table: s.table, set: s.set }]);
  return connection.dump(get);
}
