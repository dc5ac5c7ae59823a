// The rules of containernetworking/plugins' nftables back end, read for what they say: an address, the subnet around it,
// and whose it is. There may be ten thousands of them, so only what is looked for is decoded.
//
//   ip saddr == 10.5.0.2 ip daddr != 10.5.0.0/20 masquerade
//   comment "HASH-HASH, net: NETWORK, if: IFNAME, id: CONTAINER", cut at 128 bytes

import type { Nftables } from "../../nftables/batch.ts";
import { dumpRules } from "../../nftables/rule.ts";
import { NFPROTO } from "../../nftables/uapi.ts";
import { host } from "../../sys/host.ts";
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
  const found = /^[0-9a-f]{16}-([0-9a-f]{16}), net: ([^,]*)(?:, if: ([^,]*)(?:, id: (.*))?)?/.exec(comment);
  if (found === null) return undefined;
  const [, hash = "", network, ifname, containerId] = found;
  return { hash, network, ifname, containerId, isCut: comment.length >= COMMENT_MAX };
}

/** Upstream's rules, in order; none where there is no such chain. Throws NetlinkError. */
export function readUpstreamRules(nft: Nftables): UpstreamRule[] {
  return dumpRules(nft.connection, UPSTREAM).flatMap(({ payload }) => readRule(payload) ?? []);
}

const NFGENMSG_SIZE = 4;
const NFTA_RULE_HANDLE = 3;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_RULE_USERDATA = 7;

function readRule(payload: Uint8Array): UpstreamRule | undefined {
  let handle: bigint | undefined;
  let comment = "";
  let cidr: Cidr | undefined;
  walk(payload, NFGENMSG_SIZE, payload.length, (type, from, to) => {
    if (type === NFTA_RULE_HANDLE) handle = new DataView(payload.buffer, payload.byteOffset + from, 8).getBigUint64(0);
    else if (type === NFTA_RULE_EXPRESSIONS) cidr = readExpressions(payload, from, to);
    else if (type === NFTA_RULE_USERDATA) comment = readComment(payload.subarray(from, to));
  });
  return handle === undefined ? undefined : { handle, comment, cidr };
}

/** The type at 0, the length and the text with its NUL: see userdata.ts. */
function readComment(userdata: Uint8Array): string {
  return userdata[0] === 0 ? host.decode(userdata.subarray(2, 1 + (userdata[1] ?? 0))) : "";
}

const NFTA_EXPR_DATA = 2;
const NFTA_EXPR_NAME = 1;
const NAMES = { meta: "meta", payload: "payload", cmp: "cmp", bitwise: "bitwise", masq: "masq" } as const;

/** In the order in which nft makes them of upstream's rule; a mask only where the prefix does not end with a byte. */
const SHAPES = ["meta cmp payload cmp payload cmp masq", "meta cmp payload cmp payload bitwise cmp masq"];

function readExpressions(bytes: Uint8Array, start: number, end: number): Cidr | undefined {
  const names: string[] = [];
  const values: Uint8Array[] = [];
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
  const shape = SHAPES.indexOf(names.join(" "));
  const [, ip = new Uint8Array(0), ...subnet] = values;
  const [first = new Uint8Array(0)] = subnet;
  if (shape < 0 || (ip.length !== 4 && ip.length !== 16)) return undefined;
  return { ip, prefixLength: shape === 0 ? first.length * 8 : bitsOf(first) };
}

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

/** The bytes of the attribute of this type, inside its NFTA_DATA_VALUE. */
function valueIn(bytes: Uint8Array, start: number, end: number, wanted: number): Uint8Array {
  let value: Uint8Array = new Uint8Array(0);
  walk(bytes, start, end, (type, from, to) => {
    if (type !== wanted) return;
    walk(bytes, from, to, (_, first, last) => {
      value = bytes.slice(first, last);
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
