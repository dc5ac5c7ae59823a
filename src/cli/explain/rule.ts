// What one rule does to a packet: its expressions, carried out one after the other as the kernel does
// (nft_do_chain() in net/netfilter/nf_tables_core.c).

import type { Data, Verdict } from "../../nftables/data.ts";
import { NFT_BITWISE } from "../../nftables/expr/bitwise.ts";
import { compares, NFT_CMP } from "../../nftables/expr/cmp.ts";
import { NFT_CT } from "../../nftables/expr/ct.ts";
import { NFT_FIB_RESULT, NFTA_FIB_F, RTN } from "../../nftables/expr/fib.ts";
import { NFT_LOOKUP_F } from "../../nftables/expr/lookup.ts";
import { NFT_META } from "../../nftables/expr/meta.ts";
import { NFT_NAT } from "../../nftables/expr/nat.ts";
import { NFT_PAYLOAD } from "../../nftables/expr/payload.ts";
import type { Expression } from "../../nftables/expression.ts";
import { ifnameKey } from "../../nftables/match.ts";
import { NF_NAT_RANGE, NFT_REG, nfproto } from "../../nftables/uapi.ts";
import { encode, u32 } from "../../wire/codec.ts";
import { IFNAMSIZ } from "../../wire/ifname.ts";
import type { Ip } from "../../wire/ip.ts";
import { hasPorts, type Packet } from "./packet.ts";
import { Registers } from "./registers.ts";
import type { FoundElement, Sets } from "./sets.ts";

/** What a packet's source becomes, or with "dnat" its destination. Without addresses it is one of the outgoing interface's. */
export interface Translation {
  readonly kind: "masquerade" | "snat" | "dnat";
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
  const run = new RuleRun(packet, sets);
  for (const e of expressions) {
    const effect = run.carryOut(e);
    if (effect === UNKNOWN) return { kind: "unknown", what: e.kind === "unknown" ? (e.name ?? e.kind) : e.kind };
    if (effect !== undefined) return effect;
  }
  return { kind: "continue", found: run.found };
}

const UNKNOWN = "unknown";
/** What came of one expression; undefined where the rule goes on. */
type Step = Effect | typeof UNKNOWN | undefined;
type Kind<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

class RuleRun {
  readonly #registers = new Registers();
  readonly #packet: Packet;
  readonly #sets: Sets;
  /** What the last look-up found. */
  found: FoundElement | undefined;

  constructor(packet: Packet, sets: Sets) {
    this.#packet = packet;
    this.#sets = sets;
  }

  carryOut(e: Expression): Step {
    switch (e.kind) {
      case "counter":
        return undefined;
      case "payload":
        return this.#load(e.dreg, payloadOf(this.#packet, e.base, e.offset ?? 0, e.len ?? 0));
      case "meta":
        return this.#load(e.dreg, metaOf(this.#packet, e.key));
      case "fib":
        return this.#load(e.dreg, fibOf(this.#packet, e));
      case "ct":
        return this.#load(e.dreg, ctOf(this.#packet, e));
      case "bitwise":
        return this.#mask(e);
      case "cmp":
        return this.#compare(e);
      case "lookup":
        return this.#lookUp(e);
      case "immediate":
        return this.#take(e.data, e.dreg ?? NFT_REG[1]);
      case "masq":
      case "nat": {
        const translation = translationOf(e, this.#registers, this.#packet);
        return translation === undefined ? UNKNOWN : { kind: "translate", translation, found: this.found };
      }
      default:
        return UNKNOWN;
    }
  }

  #load(register: number | undefined, value: Uint8Array | undefined): Step {
    if (register === undefined) return UNKNOWN;
    this.#registers.set(register, value);
    return undefined;
  }

  #mask({ op = NFT_BITWISE.MASK_XOR, mask, xor, len = 0, sreg = 0, dreg = 0 }: Kind<"bitwise">): Step {
    if (op !== NFT_BITWISE.MASK_XOR || !(mask instanceof Uint8Array) || !(xor instanceof Uint8Array)) return UNKNOWN;
    const value = this.#registers.get(sreg, len);
    const masked = value?.map((byte, i) => (byte & (mask[i] ?? 0)) ^ (xor[i] ?? 0));
    this.#registers.set(dreg, masked, len);
    return undefined;
  }

  #compare({ data, op = NFT_CMP.EQ, sreg = 0 }: Kind<"cmp">): Step {
    if (!(data instanceof Uint8Array)) return UNKNOWN;
    const value = this.#registers.get(sreg, data.length);
    if (value === undefined) return UNKNOWN;
    return compares(value, op, data) ? undefined : { kind: "no match" };
  }

  #lookUp({ set = "", sreg = 0, dreg, flags = 0 }: Kind<"lookup">): Step {
    const key = this.#registers.get(sreg, this.#sets.keyLength(set));
    if (key === undefined) return UNKNOWN;
    const element = this.#sets.find(set, key);
    if ((element !== undefined) === ((flags & NFT_LOOKUP_F.INV) !== 0)) return { kind: "no match" };
    this.found = element ?? this.found;
    return dreg === undefined || element === undefined ? undefined : this.#take(element.data, dreg);
  }

  /** A verdict ends the rule; anything else goes into the register. */
  #take(data: Data | undefined, register: number): Step {
    if (data === undefined) return UNKNOWN;
    if (!(data instanceof Uint8Array)) return { kind: "verdict", verdict: data, found: this.found };
    this.#registers.set(register, data);
    return undefined;
  }
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
      return Uint8Array.of(nfproto(packet.family));
    case NFT_META.L4PROTO:
      return Uint8Array.of(packet.protocol);
    case NFT_META.OIFNAME:
      return packet.oifname === undefined ? undefined : ifnameKey(packet.oifname);
    case NFT_META.IIFNAME:
      if (packet.iifname === "") return new Uint8Array(IFNAMSIZ);
      return packet.iifname === undefined ? undefined : ifnameKey(packet.iifname);
    default:
      return undefined;
  }
}

function fibOf({ isForNode }: Packet, { result, flags }: Kind<"fib">): Uint8Array | undefined {
  const isKnown = result === NFT_FIB_RESULT.ADDRTYPE && flags === NFTA_FIB_F.DADDR && isForNode !== undefined;
  return isKnown ? encode(u32, isForNode ? RTN.LOCAL : RTN.UNICAST).slice() : undefined;
}

function ctOf({ ctStatus }: Packet, { key, sreg }: Kind<"ct">): Uint8Array | undefined {
  const isKnown = key === NFT_CT.STATUS && sreg === undefined && ctStatus !== undefined;
  return isKnown ? encode(u32, ctStatus).slice() : undefined;
}

type Translating = Extract<Expression, { kind: "masq" | "nat" }>;

function translationOf(e: Translating, registers: Registers, packet: Packet): Translation | undefined {
  const flags = (e.flags ?? 0) & ~(NF_NAT_RANGE.MAP_IPS | NF_NAT_RANGE.PROTO_SPECIFIED);
  const lowest = e.regProtoMin === undefined ? undefined : registers.get(e.regProtoMin, 2);
  const highest = e.regProtoMax === undefined ? lowest : registers.get(e.regProtoMax, 2);
  const number = (port: Uint8Array): number => ((port[0] ?? 0) << 8) | (port[1] ?? 0);
  const ports =
    lowest === undefined || highest === undefined ? undefined : { first: number(lowest), last: number(highest) };
  if (e.regProtoMin !== undefined && ports === undefined) return undefined;
  if (e.kind === "masq") return { kind: "masquerade", ports, flags };
  const kind = e.type === NFT_NAT.SNAT ? "snat" : "dnat";
  const { length } = packet.from;
  const first = registers.get(e.regAddrMin ?? 0, length);
  const last = e.regAddrMax === undefined ? first : registers.get(e.regAddrMax, length);
  return first === undefined || last === undefined ? undefined : { kind, first, last, ports, flags };
}
