// Elements of sets and maps, and lists of them (NFTA_SET_ELEM_LIST_…).

import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { attr, attrs, list } from "../wire/attrs.ts";
import { bytes, type Codec, cstring, u32be } from "../wire/codec.ts";
import { formatIp } from "../wire/ip.ts";
import { formatMac } from "../wire/mac.ts";
import { Writer } from "../wire/writer.ts";
import { verdictText } from "./data.ts";
import { type Element, element, encodeElement, fromWire } from "./element-attributes.ts";
import { type Command, command, familyName, readReply, required } from "./message.ts";
import { PlainElements } from "./plain-elements.ts";
import { NFT_MSG, NFTA_LIST, NFTA_SET_ELEM_LIST } from "./uapi.ts";

export type { Element } from "./element-attributes.ts";

const elements = attrs({
  table: attr(NFTA_SET_ELEM_LIST.TABLE, cstring),
  set: attr(NFTA_SET_ELEM_LIST.SET, cstring),
  setId: attr(NFTA_SET_ELEM_LIST.SET_ID, u32be),
  elements: attr(NFTA_SET_ELEM_LIST.ELEMENTS, list(NFTA_LIST.ELEM, element)),
});

/** Elements that are encoded already. */
const encoded: Codec<Uint8Array> = { ...bytes, nested: true };

const encodedElements = attrs({
  table: attr(NFTA_SET_ELEM_LIST.TABLE, cstring),
  set: attr(NFTA_SET_ELEM_LIST.SET, cstring),
  setId: attr(NFTA_SET_ELEM_LIST.SET_ID, u32be),
  elements: attr(NFTA_SET_ELEM_LIST.ELEMENTS, encoded),
});

/** What names a set for its elements. `family` is of NFPROTO. */
export interface ElementSet {
  readonly family: number;
  readonly table: string;
  readonly set: string;
  /** The id of an anonymous set of the same transaction. */
  readonly setId?: number | undefined;
}

export interface ElementsSpec extends ElementSet {
  readonly elements: readonly Element[];
}

/** An attribute's length has 16 bits, so this is what the elements of one message can take, its header aside. */
const ELEMENTS_MAX = 0xffff - 4;

/** Of fewer elements no templates are made: to make one takes longer than to write a few elements. */
const FEW = 8;

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
  const plain = spec.elements.length < FEW ? undefined : new PlainElements();
  spec.elements.forEach((e, i) => {
    const one = plain?.encode(e) ?? encodeElement(e);
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

/** The same as they came, for readers of tens of thousands of them. Throws NetlinkError. */
export function dumpElements(connection: Connection, s: ElementSet): Message[] {
  const text = (): string => `list set ${familyName(s.family)} ${s.table} ${s.set}`;
  const get = command(NFT_MSG.GETSETELEM, 0, s.family, text, [elements, { table: s.table, set: s.set }]);
  return connection.dump(get);
}
