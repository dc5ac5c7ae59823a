// The rules of containernetworking/plugins' nftables back end, read for what they say: an address, the subnet around it,
// and the attachment. There may be tens of thousands of rules, so only the parts that are needed are decoded.
//
//   ip saddr == 10.5.0.2 ip daddr != 10.5.0.0/20 masquerade
//   comment "HASH-HASH, net: NETWORK, if: IFNAME, id: CONTAINER", cut at 128 bytes

import { NFGENMSG_SIZE } from "../../netlink/nfnetlink.ts";
import { NFTA_BITWISE } from "../../nftables/expr/bitwise.ts";
import { NFTA_CMP } from "../../nftables/expr/cmp.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { dumpRules } from "../../nftables/rule.ts";
import { NFPROTO, NFTA_DATA, NFTA_EXPR, NFTA_RULE } from "../../nftables/uapi.ts";
import { decodeUserdata, NFTNL_UDATA } from "../../nftables/userdata.ts";
import { engine } from "../../sys/engine.ts";
import { AttributeCursor } from "../../wire/attribute-cursor.ts";
import { cstring, u64be } from "../../wire/codec.ts";
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

function readRule(payload: Uint8Array, shapes: Map<number, Shape>): UpstreamRule | undefined {
  let handle: bigint | undefined;
  let comment = "";
  let cidr: Cidr | undefined;
  for (const cursor = new AttributeCursor(payload, NFGENMSG_SIZE); cursor.next(); ) {
    if (cursor.type === NFTA_RULE.HANDLE) handle = u64be.decode(cursor.payload());
    else if (cursor.type === NFTA_RULE.EXPRESSIONS) cidr = readExpressions(cursor, shapes);
    else if (cursor.type === NFTA_RULE.USERDATA) comment = readComment(cursor.payload());
  }
  return handle === undefined ? undefined : { handle, comment, cidr };
}

/** The comment, which upstream's rules have as their first user data; "" where something else is first. */
function readComment(userdata: Uint8Array): string {
  const [first] = decodeUserdata(userdata);
  if (first === undefined || first.type !== NFTNL_UDATA.COMMENT) return "";
  return engine.decode(first.value.subarray(0, -1)); // a NUL ends it
}

/** In the order in which nft makes them of upstream's rule; a mask only where the prefix does not end with a byte. */
const SHAPES = ["meta cmp payload cmp payload cmp masq", "meta cmp payload cmp payload bitwise cmp masq"];

/** Where something stands in the expressions of a rule, in bytes from their beginning. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** The expressions of a rule that has been read: others are mostly the same but for the address and the subnet. */
interface Shape {
  readonly words: Uint32Array;
  readonly address: Span;
  readonly subnet: Span;
  readonly prefixLength: number;
}

/** Whether these words are those of the shape, whatever they have for address and subnet. */
function isOfShape(words: Uint32Array, { words: same, address, subnet }: Shape): boolean {
  for (let i = 0; i < words.length; i++) {
    if (words[i] === same[i]) continue;
    const at = i << 2; // the padding behind an address, up to a whole word, has no meaning, so it may differ
    if ((at < address.from || at >= address.to) && (at < subnet.from || at >= subnet.to)) return false;
  }
  return true;
}

function readExpressions(list: AttributeCursor, shapes: Map<number, Shape>): Cidr | undefined {
  const { bytes, start, end } = list;
  const at = bytes.byteOffset + start;
  const words = at % 4 === 0 ? new Uint32Array(bytes.buffer, at, (end - start) >> 2) : new Uint32Array(0);
  const known = words.length * 4 === end - start ? shapes.get(end - start) : undefined;
  const isKnown = known !== undefined && isOfShape(words, known);
  const shape = isKnown ? known : readShape(list, words);
  if (shape === undefined) return undefined;
  if (!isKnown) shapes.set(end - start, shape);
  const { address, prefixLength } = shape;
  return { ip: bytes.slice(start + address.from, start + address.to), prefixLength };
}

function readShape(list: AttributeCursor, words: Uint32Array): Shape | undefined {
  const { bytes, start } = list;
  const names: string[] = [];
  const values: Span[] = [];
  for (const element = list.enter(); element.next(); ) {
    const name = nameIn(element.enter());
    names.push(name);
    const value = VALUES.get(name);
    if (value !== undefined) values.push(valueIn(element.enter(), value));
  }
  const kind = SHAPES.indexOf(names.join(" "));
  const [, address = NOWHERE, first = NOWHERE] = values; // the first value is compared with the family
  const size = address.to - address.from;
  if (kind < 0 || (size !== 4 && size !== 16)) return undefined;
  const prefixLength = kind === 0 ? (first.to - first.from) * 8 : bitsOf(bytes.subarray(first.from, first.to));
  const inside = ({ from, to }: Span): Span => ({ from: from - start, to: to - start });
  // A mask decides the length of the prefix, so two rules of one shape have the same mask.
  const subnet = inside(kind === 0 ? first : (values[3] ?? NOWHERE));
  return { words: words.slice(), address: inside(address), subnet, prefixLength };
}

const NOWHERE: Span = { from: 0, to: 0 };

/** The attribute that has the value of an expression, by the expression's name. */
const VALUES: ReadonlyMap<string, number> = new Map([
  ["cmp", NFTA_CMP.DATA],
  ["bitwise", NFTA_BITWISE.MASK],
]);

function nameIn(expression: AttributeCursor): string {
  return expression.find(NFTA_EXPR.NAME) ? cstring.decode(expression.payload()) : "";
}

/** Where the expression's attribute of this type has the bytes of its NFTA_DATA_VALUE. */
function valueIn(expression: AttributeCursor, type: number): Span {
  if (!expression.find(NFTA_EXPR.DATA)) return NOWHERE;
  const attributes = expression.enter();
  if (!attributes.find(type)) return NOWHERE;
  const value = attributes.enter();
  return value.find(NFTA_DATA.VALUE) ? { from: value.start, to: value.end } : NOWHERE;
}

function bitsOf(mask: Ip): number {
  return mask.reduce((sum, byte) => sum + (byte === 0 ? 0 : 8 - Math.log2(byte & -byte || 1)), 0);
}
