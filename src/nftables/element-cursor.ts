// Reading long lists of elements. A map may have tens of thousands, and whoever goes through all of them wants little of
// each: making an object of every element, attribute by attribute, takes an interpreter five times as long. element.ts
// says what each number is.

import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { NFGENMSG_SIZE } from "../netlink/nfnetlink.ts";
import { engine } from "../sys/engine.ts";
import { DecodeError } from "../wire/error.ts";
import { dumpElements, type ElementSet } from "./element.ts";
import { NFTNL_UDATA_SET_ELEM } from "./userdata.ts";

const HEADER = 4;
const NLA_TYPE_MASK = 0x3fff;

/** What a counter has counted. */
export interface Counted {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** One element of a list, and then the next: what it tells is valid while it stands there, but for what it returns. */
export class ElementCursor {
  #bytes: Uint8Array = new Uint8Array(0);
  // Where the payload of each attribute begins and ends; 0 where it is not there.
  #key = 0;
  #keyEnd = 0;
  #data = 0;
  #dataEnd = 0;
  #userdata = 0;
  #userdataEnd = 0;
  #expression = 0;
  #expressionEnd = 0;

  /** Goes to the element whose attributes lie there. */
  moveTo(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#key = this.#data = this.#userdata = this.#expression = 0;
    for (let at = start; at + HEADER <= end; ) {
      const length = lengthAt(bytes, at, end);
      switch (typeAt(bytes, at)) {
        case 1: // NFTA_SET_ELEM_KEY
          this.#key = at + HEADER;
          this.#keyEnd = at + length;
          break;
        case 2: // NFTA_SET_ELEM_DATA
          this.#data = at + HEADER;
          this.#dataEnd = at + length;
          break;
        case 6: // NFTA_SET_ELEM_USERDATA
          this.#userdata = at + HEADER;
          this.#userdataEnd = at + length;
          break;
        case 7: // NFTA_SET_ELEM_EXPR
          this.#expression = at + HEADER;
          this.#expressionEnd = at + length;
          break;
      }
      at += (length + 3) & ~3;
    }
  }

  /** The key; empty for the element that stands for every other key. */
  key(): Uint8Array {
    return this.#value(this.#key, this.#keyEnd) ?? new Uint8Array(0);
  }

  /** What it maps to, where that is no verdict. */
  value(): Uint8Array | undefined {
    return this.#value(this.#data, this.#dataEnd);
  }

  /** The code of the verdict that it maps to, of NFT_VERDICT or NF; undefined where it is none. */
  verdict(): number | undefined {
    const code = this.#partOfVerdict(1); // NFTA_VERDICT_CODE
    return code === 0 ? undefined : wordAt(this.#bytes, code);
  }

  /** The chain of that verdict, where it goes to one. */
  chain(): string | undefined {
    const name = this.#partOfVerdict(2); // NFTA_VERDICT_CHAIN
    return name === 0 ? undefined : textIn(this.#bytes, name, endOf(this.#bytes, name));
  }

  #partOfVerdict(type: number): number {
    const verdict = this.#data === 0 ? 0 : find(this.#bytes, this.#data, this.#dataEnd, 2); // NFTA_DATA_VERDICT
    return verdict === 0 ? 0 : find(this.#bytes, verdict, endOf(this.#bytes, verdict), type);
  }

  comment(): string | undefined {
    const bytes = this.#bytes;
    if (this.#userdata === 0) return undefined;
    // { u8 type; u8 length; value }: see userdata.ts
    for (let at = this.#userdata; at + 2 <= this.#userdataEnd; ) {
      const end = at + 2 + (bytes[at + 1] ?? 0);
      if (end > this.#userdataEnd) return undefined;
      if (bytes[at] === NFTNL_UDATA_SET_ELEM.COMMENT) return textIn(bytes, at + 2, end);
      at = end;
    }
    return undefined;
  }

  /** What the element's counter has counted, where it has one and nothing else of the kind. */
  counter(): Counted | undefined {
    const [bytes, start, end] = [this.#bytes, this.#expression, this.#expressionEnd];
    if (start === 0) return undefined;
    const name = find(bytes, start, end, 1); // NFTA_EXPR_NAME
    const data = find(bytes, start, end, 2); // NFTA_EXPR_DATA
    if (name === 0 || data === 0 || textIn(bytes, name, endOf(bytes, name)) !== "counter") return undefined;
    const last = endOf(bytes, data);
    return {
      bytes: longAt(bytes, find(bytes, data, last, 1)), // NFTA_COUNTER_BYTES
      packets: longAt(bytes, find(bytes, data, last, 2)), // NFTA_COUNTER_PACKETS
    };
  }

  /** The payload of NFTA_DATA_VALUE. */
  #value(start: number, end: number): Uint8Array | undefined {
    const value = start === 0 ? 0 : find(this.#bytes, start, end, 1);
    return value === 0 ? undefined : this.#bytes.slice(value, endOf(this.#bytes, value));
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
  const cursor = new ElementCursor();
  for (let at = NFGENMSG_SIZE; at + HEADER <= payload.length; ) {
    const end = at + lengthAt(payload, at, payload.length);
    // NFTA_SET_ELEM_LIST_ELEMENTS; there is no other type in it than NFTA_LIST_ELEM
    if (typeAt(payload, at) === 3) {
      for (let one = at + HEADER; one + HEADER <= end; ) {
        const length = lengthAt(payload, one, end);
        cursor.moveTo(payload, one + HEADER, one + length);
        visit(cursor);
        one += (length + 3) & ~3;
      }
    }
    at = (end + 3) & ~3;
  }
}

/** The length that an attribute says it has, which its surroundings must have, too. */
function lengthAt(bytes: Uint8Array, at: number, end: number): number {
  const length = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  if (length >= HEADER && at + length <= end) return length;
  throw new DecodeError(`attribute ${typeAt(bytes, at)} at byte ${at} has length ${length} of ${end - at} left`);
}

function typeAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8)) & NLA_TYPE_MASK;
}

/** Where the payload of the first attribute of this type begins; 0 where there is none. */
function find(bytes: Uint8Array, start: number, end: number, type: number): number {
  for (let at = start; at + HEADER <= end; ) {
    const length = lengthAt(bytes, at, end);
    if (typeAt(bytes, at) === type) return at + HEADER;
    at += (length + 3) & ~3;
  }
  return 0;
}

/** Where the payload ends that begins there. */
function endOf(bytes: Uint8Array, payload: number): number {
  return payload - HEADER + ((bytes[payload - HEADER] ?? 0) | ((bytes[payload - HEADER + 1] ?? 0) << 8));
}

/** Text that ends with a NUL. */
function textIn(bytes: Uint8Array, start: number, end: number): string {
  return engine.decode(bytes.subarray(start, bytes[end - 1] === 0 ? end - 1 : end));
}

function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

/** A __be64; most counters are small, and big integers dear. */
function longAt(bytes: Uint8Array, at: number): bigint {
  if (at === 0) return 0n;
  const [high, low] = [wordAt(bytes, at) >>> 0, wordAt(bytes, at + 4) >>> 0];
  return high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low);
}
