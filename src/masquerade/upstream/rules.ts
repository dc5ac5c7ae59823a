// The rules of containernetworking/plugins' nftables back end, read for what they say: an address, the subnet around it,
// and whose it is. There may be ten thousands of them, so only what is looked for is decoded.
//
//   ip saddr == 10.5.0.2 ip daddr != 10.5.0.0/20 masquerade
//   comment "HASH-HASH, net: NETWORK, if: IFNAME, id: CONTAINER", cut at 128 bytes

import type { Nftables } from "../../nftables/nftables.ts";
import { dumpRules } from "../../nftables/rule.ts";
import { NFPROTO } from "../../nftables/uapi.ts";
import { engine } from "../../sys/engine.ts";
import type { Cidr, Ip } from "../../wire/ip.ts";

export const UPSTREAM = { family: NFPROTO.INET, table: "cni_plugins_masquerade", chain: "masq_checks" } as const;

/** knftables.CommentLengthMax */
const COMMENT_MAX = 128;

export interface UpstreamRule {
  readonly handle: bigint;
  readonly comment: string;
  /** The address, with the length of its subnet; undefined where the rule is not of upstream's making. */
  readonly cidr: Cidr | undefined;
}

/** What a comment tells. Names that it had no room for are undefined; the last that is there may have been cut. */
export interface UpstreamName {
  /** Sixteen hexadecimal digits: the beginning of SHA-512 of "IFNAME:CONTAINER". */
  readonly hash: string;
  readonly network: string | undefined;
  readonly ifname: string | undefined;
  readonly containerId: string | undefined;
  readonly isCut: boolean;
}

/** Reads such a comment; undefined where it is none. */
export function parseUpstreamComment(comment: string): UpstreamName | undefined {
  const [hashes = "", net, ifname, ...id] = comment.split(", ");
  if (!/^[0-9a-f]{16}-[0-9a-f]{16}$/.test(hashes) || net?.startsWith("net: ") !== true) return undefined;
  return {
    hash: hashes.slice(17),
    network: net.slice(5),
    ifname: behind("if: ", ifname),
    containerId: behind("id: ", id.length === 0 ? undefined : id.join(", ")),
    isCut: comment.length >= COMMENT_MAX,
  };
}

function behind(key: string, text: string | undefined): string | undefined {
  return text?.startsWith(key) === true ? text.slice(key.length) : undefined;
}

/** Upstream's rules, in order; none where there is no such chain. Throws NetlinkError. */
export function readUpstreamRules(nft: Nftables): UpstreamRule[] {
  const shapes = new Map<number, Shape>();
  return dumpRules(nft.connection, UPSTREAM).flatMap(({ payload }) => readRule(payload, shapes) ?? []);
}

const NFGENMSG_SIZE = 4;
const NFTA_RULE_HANDLE = 3;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_RULE_USERDATA = 7;

function readRule(payload: Uint8Array, shapes: Map<number, Shape>): UpstreamRule | undefined {
  let handle: bigint | undefined;
  let comment = "";
  let cidr: Cidr | undefined;
  walk(payload, NFGENMSG_SIZE, payload.length, (type, from, to) => {
    if (type === NFTA_RULE_HANDLE) handle = new DataView(payload.buffer, payload.byteOffset + from, 8).getBigUint64(0);
    else if (type === NFTA_RULE_EXPRESSIONS) cidr = readExpressions(payload, from, to, shapes);
    else if (type === NFTA_RULE_USERDATA) comment = readComment(payload, from, to);
  });
  return handle === undefined ? undefined : { handle, comment, cidr };
}

/** The type at 0, the length and the text with its NUL: see userdata.ts. */
function readComment(bytes: Uint8Array, from: number, to: number): string {
  const end = from + 1 + (bytes[from + 1] ?? 0);
  return bytes[from] === 0 && end < to ? engine.decode(bytes.subarray(from + 2, end)) : "";
}

const NFTA_EXPR_DATA = 2;
const NFTA_EXPR_NAME = 1;
const NAMES = { meta: "meta", payload: "payload", cmp: "cmp", bitwise: "bitwise", masq: "masq" } as const;

/** In the order in which nft makes them of upstream's rule; a mask only where the prefix does not end with a byte. */
const SHAPES = ["meta cmp payload cmp payload cmp masq", "meta cmp payload cmp payload bitwise cmp masq"];

/** Where something stands in the expressions of a rule, in bytes from their beginning. */
interface Place {
  readonly from: number;
  readonly to: number;
}

/** The expressions of a rule that has been read: others are mostly the same but for the address and the subnet. */
interface Shape {
  readonly words: Uint32Array;
  readonly address: Place;
  readonly subnet: Place;
  readonly prefixLength: number;
}

/** Whether these words are those of the shape, whatever they have for address and subnet. */
function isOfShape(words: Uint32Array, { words: same, address, subnet }: Shape): boolean {
  for (let i = 0; i < words.length; i++) {
    if (words[i] === same[i]) continue;
    const at = i << 2; // what an attribute has behind its end, up to a whole word, nobody reads
    if ((at < address.from || at >= address.to) && (at < subnet.from || at >= subnet.to)) return false;
  }
  return true;
}

function readExpressions(bytes: Uint8Array, start: number, end: number, shapes: Map<number, Shape>): Cidr | undefined {
  const at = bytes.byteOffset + start;
  const words = at % 4 === 0 ? new Uint32Array(bytes.buffer, at, (end - start) >> 2) : new Uint32Array(0);
  const known = words.length * 4 === end - start ? shapes.get(end - start) : undefined;
  const isKnown = known !== undefined && isOfShape(words, known);
  const shape = isKnown ? known : readShape(bytes, start, end, words);
  if (shape === undefined) return undefined;
  if (!isKnown) shapes.set(end - start, shape);
  const { address, prefixLength } = shape;
  return { ip: bytes.slice(start + address.from, start + address.to), prefixLength };
}

function readShape(bytes: Uint8Array, start: number, end: number, words: Uint32Array): Shape | undefined {
  const names: string[] = [];
  const values: Place[] = [];
  walk(bytes, start, end, (_, from, to) => {
    let name = "";
    walk(bytes, from, to, (type, at, stop) => {
      if (type === NFTA_EXPR_NAME) name = nameAt(bytes, at);
      else if (type === NFTA_EXPR_DATA && (name === NAMES.cmp || name === NAMES.bitwise)) {
        values.push(valueIn(bytes, at, stop, name === NAMES.cmp ? NFTA_CMP_DATA : NFTA_BITWISE_MASK));
      }
    });
    names.push(name);
  });
  const kind = SHAPES.indexOf(names.join(" "));
  const [, address = NOWHERE, first = NOWHERE] = values; // the first is what is compared with the family
  const size = address.to - address.from;
  if (kind < 0 || (size !== 4 && size !== 16)) return undefined;
  const prefixLength = kind === 0 ? (first.to - first.from) * 8 : bitsOf(bytes.subarray(first.from, first.to));
  const inside = ({ from, to }: Place): Place => ({ from: from - start, to: to - start });
  // A mask decides the length of the prefix, so it is no place where rules of one shape may differ.
  const subnet = inside(kind === 0 ? first : (values[3] ?? NOWHERE));
  return { words: words.slice(), address: inside(address), subnet, prefixLength };
}

const NOWHERE: Place = { from: 0, to: 0 };

/** By the first two letters, which differ. */
function nameAt(bytes: Uint8Array, at: number): string {
  switch (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)) {
    case 0x6d65:
      return NAMES.meta;
    case 0x7061:
      return NAMES.payload;
    case 0x636d:
      return NAMES.cmp;
    case 0x6269:
      return NAMES.bitwise;
    case 0x6d61:
      return NAMES.masq;
    default:
      return "other";
  }
}

const NFTA_CMP_DATA = 3;
const NFTA_BITWISE_MASK = 4;
const HEADER = 4;

/** Where the attribute of this type has the bytes of its NFTA_DATA_VALUE. */
function valueIn(bytes: Uint8Array, start: number, end: number, wanted: number): Place {
  let value = NOWHERE;
  walk(bytes, start, end, (type, from, to) => {
    if (type !== wanted) return;
    walk(bytes, from, to, (_, first, last) => {
      value = { from: first, to: last };
    });
  });
  return value;
}

function bitsOf(mask: Ip): number {
  return mask.reduce((sum, byte) => sum + (byte === 0 ? 0 : 8 - Math.log2(byte & -byte || 1)), 0);
}

/** Calls `visit` with type, beginning and end of each attribute's payload. */
function walk(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (type: number, from: number, to: number) => void,
): void {
  for (let at = start; at + HEADER <= end; ) {
    const length = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    if (length < HEADER || at + length > end) return;
    visit((bytes[at + 2] ?? 0) | (((bytes[at + 3] ?? 0) & 0x3f) << 8), at + HEADER, at + length);
    at += (length + 3) & ~3;
  }
}
