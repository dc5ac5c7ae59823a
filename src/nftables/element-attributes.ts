// The attributes of one element of a set or map (NFTA_SET_ELEM_…), and what they say.

import { attr, attrs, writeAttribute } from "../wire/attrs.ts";
import { bytes, cstring, type Infer, u32be, u64be } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { Writer } from "../wire/writer.ts";
import { type Data, data } from "./data.ts";
import { required } from "./message.ts";
import { type StatefulExpression, stateful, statefuls, statefulsFromWire, statefulsToWire } from "./stateful.ts";
import { NFT_SET_ELEM, NFTA_LIST, NFTA_SET_ELEM } from "./uapi.ts";
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

/** The table of the attributes. */
export const element = attrs({
  key: attr(NFTA_SET_ELEM.KEY, data),
  data: attr(NFTA_SET_ELEM.DATA, data),
  flags: attr(NFTA_SET_ELEM.FLAGS, u32be),
  timeout: attr(NFTA_SET_ELEM.TIMEOUT, u64be),
  expiration: attr(NFTA_SET_ELEM.EXPIRATION, u64be),
  userdata: attr(NFTA_SET_ELEM.USERDATA, bytes),
  expression: attr(NFTA_SET_ELEM.EXPR, stateful),
  object: attr(NFTA_SET_ELEM.OBJREF, cstring),
  keyEnd: attr(NFTA_SET_ELEM.KEY_END, data),
  expressions: attr(NFTA_SET_ELEM.EXPRESSIONS, statefuls),
});

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

/** The element that these attributes describe. Throws DecodeError. */
export function fromWire(values: Infer<typeof element>): Element {
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

/** The element as it stands in NFTA_SET_ELEM_LIST_ELEMENTS. */
export function encodeElement(e: Element): Uint8Array {
  const one = new Writer(128);
  writeAttribute(one, NFTA_LIST.ELEM, element, toWire(e));
  return one.bytes();
}
