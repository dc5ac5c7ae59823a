// Elements that have a key, and perhaps data, a comment or the mark of an interval's end, but nothing else. A map may get ten
// thousand of them in one transaction, and writing them attribute by attribute takes an interpreter four times as long.
// Elements of the same lengths differ in these bytes only, so the first is written by the table and serves as the template
// of the others.

import { AttributeCursor } from "../wire/attribute-cursor.ts";
import type { Verdict } from "./data.ts";
import { type Element, encodeElement } from "./element-attributes.ts";
import { NFTA_DATA, NFTA_SET_ELEM } from "./uapi.ts";
import { commentEntry, NFTNL_UDATA_SET_ELEM } from "./userdata.ts";

export class PlainElements {
  // By what the elements map to, a length or a verdict, and then by the length of the comment.
  readonly #templates = new Map<number | Verdict | undefined, Template[]>();

  /** The element as it stands in NFTA_SET_ELEM_LIST_ELEMENTS; undefined where it has anything else. Throws RangeError. */
  encode(e: Element): Uint8Array | undefined {
    if (!isPlain(e)) return undefined;
    if (e.intervalEnd === true) return encodeElement(e);
    const { key, data, comment: text } = e;
    const comment = text === undefined ? undefined : commentEntry(NFTNL_UDATA_SET_ELEM.COMMENT, text).value;
    const { bytes, keyAt, valueAt, commentAt } = this.#templateOf(e, comment?.length ?? 0);
    const one = bytes.slice();
    one.set(key, keyAt);
    if (data instanceof Uint8Array) one.set(data, valueAt);
    if (comment !== undefined) one.set(comment, commentAt);
    return one;
  }

  #templateOf(e: Element, commentLength: number): Template {
    const kind = e.data instanceof Uint8Array ? e.data.length : e.data;
    const templates = this.#templates.get(kind) ?? [];
    const known = templates[commentLength];
    if (known?.keyLength === e.key.length) return known;
    const made = templateFrom(e);
    templates[commentLength] = made;
    this.#templates.set(kind, templates);
    return made;
  }
}

/** The bytes of one element, and where in them the others differ. */
interface Template {
  readonly bytes: Uint8Array;
  readonly keyLength: number;
  readonly keyAt: number;
  /** 0 where the element maps to no value. */
  readonly valueAt: number;
  /** Where the text of the comment begins; 0 where there is none. */
  readonly commentAt: number;
}

function templateFrom(e: Element): Template {
  const bytes = encodeElement(e);
  const list = new AttributeCursor(bytes);
  list.next();
  const startOf = (...path: readonly number[]): number => {
    let attribute = list;
    for (const type of path) {
      attribute = attribute.enter();
      if (!attribute.find(type)) return 0;
    }
    return attribute.start;
  };
  const userdata = startOf(NFTA_SET_ELEM.USERDATA);
  return {
    bytes,
    keyLength: e.key.length,
    keyAt: startOf(NFTA_SET_ELEM.KEY, NFTA_DATA.VALUE),
    valueAt: startOf(NFTA_SET_ELEM.DATA, NFTA_DATA.VALUE),
    commentAt: userdata === 0 ? 0 : userdata + USERDATA_HEADER,
  };
}

/** { u8 type; u8 length; value }: see userdata.ts */
const USERDATA_HEADER = 2;

function isPlain(e: Element): boolean {
  return (
    e.keyEnd === undefined &&
    e.object === undefined &&
    (e.intervalEnd !== true || (e.data === undefined && e.comment === undefined)) &&
    e.intervalOpen !== true &&
    e.catchAll !== true &&
    e.timeout === undefined &&
    e.expiration === undefined &&
    e.expressions === undefined
  );
}
