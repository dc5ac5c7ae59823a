// What one rule does to a packet: its expressions, carried out one after the other as the kernel does
// (nft_do_chain() in net/netfilter/nf_tables_core.c).

import type { Verdict } from "../../nftables/data.ts";
import { NFT_BITWISE } from "../../nftables/expr/bitwise.ts";
import { NFT_CMP } from "../../nftables/expr/cmp.ts";
import { NFT_LOOKUP_F } from "../../nftables/expr/lookup.ts";
import { NFT_META } from "../../nftables/expr/meta.ts";
import { NFT_NAT } from "../../nftables/expr/nat.ts";
import { NFT_PAYLOAD } from "../../nftables/expr/payload.ts";
import type { Expression } from "../../nftables/expression.ts";
import { ifnameKey } from "../../nftables/match.ts";
import { NF_NAT_RANGE, NFPROTO, NFT_REG } from "../../nftables/uapi.ts";
import { sameBytes } from "../../wire/codec.ts";
import { compareIp, type Ip } from "../../wire/ip.ts";
import { hasPorts, type Packet } from "./packet.ts";
import { Registers } from "./registers.ts";
import type { FoundElement, Sets } from "./sets.ts";

/** What a packet's source becomes. Without addresses it is one of the outgoing interface's. */
export interface Translation {
  readonly kind: "masquerade" | "snat";
  readonly first?: Ip | undefined;
  readonly last?: Ip | undefined;
  readonly ports?: { readonly first: number; readonly last: number } | undefined;
  /** NF_NAT_RANGE flags. */
  readonly flags: number;
}

/** What came of a rule. `found` is the element that a look-up found. */
export type Effect =
  | { readonly kind: "no match" }
  | { readonly kind: "continue"; readonly found?: FoundElement | undefined }
  | { readonly kind: "verdict"; readonly verdict: Verdict; readonly found?: FoundElement | undefined }
  | { readonly kind: "translate"; readonly translation: Translation; readonly found?: FoundElement | undefined }
  /** Something in it that nobody can tell without the packet itself; `what` is the expression's kind. */
  | { readonly kind: "unknown"; readonly what: string };

/** Carries out the expressions for the packet. `sets` are those of the rule's table. */
export function applyRule(expressions: readonly Expression[], packet: Packet, sets: Sets): Effect {
  const registers = new Registers();
  let found: FoundElement | undefined;
  for (const e of expressions) {
    const unknown: Effect = { kind: "unknown", what: e.kind === "unknown" ? (e.name ?? e.kind) : e.kind };
    switch (e.kind) {
      case "counter":
        break;
      case "payload":
      case "meta": {
        if (e.dreg === undefined) return unknown;
        const value =
          e.kind === "payload" ? payloadOf(packet, e.base, e.offset ?? 0, e.len ?? 0) : metaOf(packet, e.key);
        registers.set(e.dreg, value);
        break;
      }
      case "bitwise": {
        const { op = NFT_BITWISE.MASK_XOR, mask, xor, len = 0 } = e;
        if (op !== NFT_BITWISE.MASK_XOR || !(mask instanceof Uint8Array) || !(xor instanceof Uint8Array))
          return unknown;
        const value = registers.get(e.sreg ?? 0, len);
        registers.set(
          e.dreg ?? 0,
          value?.map((byte, i) => (byte & (mask[i] ?? 0)) ^ (xor[i] ?? 0)),
          len,
        );
        break;
      }
      case "cmp": {
        if (!(e.data instanceof Uint8Array)) return unknown;
        const value = registers.get(e.sreg ?? 0, e.data.length);
        if (value === undefined) return unknown;
        if (!compares(value, e.op ?? NFT_CMP.EQ, e.data)) return { kind: "no match" };
        break;
      }
      case "lookup": {
        const { set = "", sreg = 0, dreg, flags = 0 } = e;
        const key = registers.get(sreg, sets.keyLength(set));
        if (key === undefined) return unknown;
        const element = sets.find(set, key);
        if ((element !== undefined) === ((flags & NFT_LOOKUP_F.INV) !== 0)) return { kind: "no match" };
        found = element ?? found;
        if (dreg === undefined || element === undefined) break;
        if (element.data === undefined) return unknown;
        if (!(element.data instanceof Uint8Array)) return { kind: "verdict", verdict: element.data, found };
        registers.set(dreg, element.data);
        break;
      }
      case "immediate":
        if (e.data === undefined) return unknown;
        if (!(e.data instanceof Uint8Array)) return { kind: "verdict", verdict: e.data, found };
        registers.set(e.dreg ?? NFT_REG[1], e.data);
        break;
      case "masq":
      case "nat": {
        const translation = translationOf(e, registers, packet);
        return translation === undefined ? unknown : { kind: "translate", translation, found };
      }
      default:
        return unknown;
    }
  }
  return { kind: "continue", found };
}

function payloadOf(packet: Packet, base: number | undefined, offset: number, length: number): Uint8Array | undefined {
  if (base === NFT_PAYLOAD.NETWORK_HEADER) {
    const [source, destination] = packet.family === 4 ? [12, 16] : [8, 24];
    const from = offset - source;
    const to = offset - destination;
    if (to >= 0 && to + length <= packet.to.length) return packet.to.slice(to, to + length);
    if (from >= 0 && from + length <= packet.from.length) return packet.from.slice(from, from + length);
    return undefined;
  }
  const isPort = base === NFT_PAYLOAD.TRANSPORT_HEADER && offset === 2 && length === 2 && hasPorts(packet.protocol);
  if (!isPort || packet.port === undefined) return undefined;
  return Uint8Array.of(packet.port >> 8, packet.port & 0xff);
}

function metaOf(packet: Packet, key: number | undefined): Uint8Array | undefined {
  switch (key) {
    case NFT_META.NFPROTO:
      return Uint8Array.of(packet.family === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6);
    case NFT_META.L4PROTO:
      return Uint8Array.of(packet.protocol);
    case NFT_META.OIFNAME:
      return packet.oifname === undefined ? undefined : ifnameKey(packet.oifname);
    default:
      return undefined;
  }
}

function compares(value: Uint8Array, op: number, data: Uint8Array): boolean {
  switch (op) {
    case NFT_CMP.EQ:
      return sameBytes(value, data);
    case NFT_CMP.NEQ:
      return !sameBytes(value, data);
    case NFT_CMP.LT:
      return compareIp(value, data) < 0;
    case NFT_CMP.LTE:
      return compareIp(value, data) <= 0;
    case NFT_CMP.GT:
      return compareIp(value, data) > 0;
    default:
      return compareIp(value, data) >= 0;
  }
}

type Translating = Extract<Expression, { kind: "masq" | "nat" }>;

function translationOf(e: Translating, registers: Registers, packet: Packet): Translation | undefined {
  if (e.kind === "nat" && e.type !== NFT_NAT.SNAT) return undefined;
  const flags = (e.flags ?? 0) & ~(NF_NAT_RANGE.MAP_IPS | NF_NAT_RANGE.PROTO_SPECIFIED);
  const lowest = e.regProtoMin === undefined ? undefined : registers.get(e.regProtoMin, 2);
  const highest = e.regProtoMax === undefined ? lowest : registers.get(e.regProtoMax, 2);
  const number = (port: Uint8Array): number => ((port[0] ?? 0) << 8) | (port[1] ?? 0);
  const ports =
    lowest === undefined || highest === undefined ? undefined : { first: number(lowest), last: number(highest) };
  if (e.regProtoMin !== undefined && ports === undefined) return undefined;
  if (e.kind === "masq") return { kind: "masquerade", ports, flags };
  const { length } = packet.from;
  const first = registers.get(e.regAddrMin ?? 0, length);
  const last = e.regAddrMax === undefined ? first : registers.get(e.regAddrMax, length);
  return first === undefined || last === undefined ? undefined : { kind: "snat", first, last, ports, flags };
}
