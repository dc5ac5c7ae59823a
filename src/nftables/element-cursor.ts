// Reading long lists of elements. A map may have tens of thousands, and a reader of all of them wants little of each. An
// object of every element, attribute by attribute, takes an interpreter five times as long.

import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { NFGENMSG_SIZE } from "../netlink/nfnetlink.ts";
import { engine } from "../sys/engine.ts";
import { AttributeCursor, locate } from "../wire/attribute-cursor.ts";
import { s32be } from "../wire/codec.ts";
import { dumpElements, type ElementSet } from "./element.ts";
import { counter } from "./expr/counter.ts";
import { NFTA_DATA, NFTA_EXPR, NFTA_SET_ELEM, NFTA_SET_ELEM_LIST, NFTA_VERDICT } from "./uapi.ts";
import { NFTNL_UDATA_SET_ELEM } from "./userdata.ts";

/** What a counter has counted. */
export interface Counted {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** The attributes that are looked at. The place of the first is at KEY, and so on. */
const PARTS = [NFTA_SET_ELEM.KEY, NFTA_SET_ELEM.DATA, NFTA_SET_ELEM.USERDATA, NFTA_SET_ELEM.EXPR];
const [KEY, DATA, USERDATA, EXPR] = [0, 2, 4, 6];

/** Stands at one element of a list after the other. What a method returns stays valid when the cursor moves on. */
export class ElementCursor {
  readonly #attributes: AttributeCursor = new AttributeCursor(new Uint8Array(0));
  #bytes: Uint8Array = new Uint8Array(0);
  /** See PARTS. */
  readonly #places = new Int32Array(2 * PARTS.length);

  /** Goes to the element whose attributes are between these offsets. Throws DecodeError. */
  moveTo(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    locate(bytes, start, end, PARTS, this.#places);
  }

  /** The key; empty for the element that stands for every other key. */
  key(): Uint8Array {
    return this.#find(KEY, NFTA_DATA.VALUE)?.copy() ?? new Uint8Array(0);
  }

  /** What the key maps to; undefined where that is a verdict, or the set is no map. */
  value(): Uint8Array | undefined {
    return this.#find(DATA, NFTA_DATA.VALUE)?.copy();
  }

  /** The code of the verdict that the key maps to, of NFT_VERDICT or NF; undefined where it maps to none. */
  verdict(): number | undefined {
    const code = this.#partOfVerdict(NFTA_VERDICT.CODE);
    return code && s32be.decode(code.payload());
  }

  /** The chain of that verdict; undefined where the verdict goes to none. */
  chain(): string | undefined {
    const name = this.#partOfVerdict(NFTA_VERDICT.CHAIN);
    return name && textIn(name.bytes, name.start, name.end);
  }

  #partOfVerdict(type: number): AttributeCursor | undefined {
    const verdict = this.#find(DATA, NFTA_DATA.VERDICT);
    return verdict?.moveTo(verdict.bytes, verdict.start, verdict.end).find(type) === true ? verdict : undefined;
  }

  /** The comment, or undefined. */
  comment(): string | undefined {
    const bytes = this.#bytes;
    const start = this.#places[USERDATA] ?? 0;
    const last = this.#places[USERDATA + 1] ?? 0;
    if (start === 0) return undefined;
    // { u8 type; u8 length; value }: see userdata.ts
    for (let at = start; at + 2 <= last; ) {
      const end = at + 2 + (bytes[at + 1] ?? 0);
      if (end > last) return undefined;
      if (bytes[at] === NFTNL_UDATA_SET_ELEM.COMMENT) return textIn(bytes, at + 2, end);
      at = end;
    }
    return undefined;
  }

  /** What the element's counter has counted; undefined where the element has none, or several expressions. */
  counter(): Counted | undefined {
    const name = this.#find(EXPR, NFTA_EXPR.NAME);
    if (name === undefined || textIn(name.bytes, name.start, name.end) !== "counter") return undefined;
    const data = this.#find(EXPR, NFTA_EXPR.DATA);
    if (data === undefined) return undefined;
    const { packets = 0n, bytes = 0n } = counter.decode(data.payload());
    return { packets, bytes };
  }

  /** At the first attribute of this type inside a part; the next search moves the same cursor. */
  #find(part: number, type: number): AttributeCursor | undefined {
    const places = this.#places;
    const start = places[part] ?? 0;
    const attributes = this.#attributes.moveTo(this.#bytes, start, places[part + 1] ?? 0);
    return start !== 0 && attributes.find(type) ? attributes : undefined;
  }
}

/**
 * Goes through all elements of a set, in no particular order. Throws NetlinkError (ENOENT where there is no such set),
 * DecodeError.
 */
export function eachElement(connection: Connection, set: ElementSet, visit: (element: ElementCursor) => void): void {
  for (const message of dumpElements(connection, set)) eachElementOf(message, visit);
}

/** The elements of one message of the list. Throws DecodeError. */
export function eachElementOf({ payload }: Message, visit: (element: ElementCursor) => void): void {
  const element = new ElementCursor();
  for (const list = new AttributeCursor(payload, NFGENMSG_SIZE); list.next(); ) {
    if (list.type !== NFTA_SET_ELEM_LIST.ELEMENTS) continue;
    for (const one = list.enter(); one.next(); ) {
      element.moveTo(payload, one.start, one.end);
      visit(element);
    }
  }
}

/** Text that may end with a NUL. */
function textIn(bytes: Uint8Array, start: number, end: number): string {
  return engine.decode(bytes.subarray(start, bytes[end - 1] === 0 ? end - 1 : end));
}
