// Statements of rules: what is done with a packet that meets the conditions (match.ts). Each composer returns the expressions
// of one statement and owns the registers that it uses; its comment has the text that `nft list` makes of it.

import { encode, u32 } from "../wire/codec.ts";
import { compareIp, type Family, familyOf, type Ip } from "../wire/ip.ts";
import type { Data } from "./data.ts";
import { NFT_LIMIT_F } from "./expr/limit.ts";
import { NFT_META } from "./expr/meta.ts";
import { NFT_NAT } from "./expr/nat.ts";
import { NFT_REJECT } from "./expr/reject.ts";
import { constant, type Expression } from "./expression.ts";
import { loadValues, type NatOptions, natFlags, portValues } from "./nat-range.ts";
import { loadAll, mark, type Selector, saddr } from "./selector.ts";
import type { StatefulExpression } from "./stateful.ts";
import { NF, NF_NAT_RANGE, NFPROTO, NFT_REG, NFT_VERDICT, nfproto } from "./uapi.ts";

function verdict(data: Data): Expression[] {
  return [{ kind: "immediate", dreg: NFT_REG.VERDICT, data }];
}

/** `accept` */
export function accept(): Expression[] {
  return verdict({ code: NF.ACCEPT });
}

/** `drop` */
export function drop(): Expression[] {
  return verdict({ code: NF.DROP });
}

const RETURN = constant({ kind: "immediate", dreg: NFT_REG.VERDICT, data: { code: NFT_VERDICT.RETURN } });

/** `return` */
export function returnVerdict(): Expression[] {
  return [RETURN];
}

/** `jump chain`: and afterwards back to the next rule. */
export function jump(chain: string): Expression[] {
  return verdict({ code: NFT_VERDICT.JUMP, chain });
}

/** `goto chain`: and afterwards back to where this chain was jumped to from. */
export function goto(chain: string): Expression[] {
  return verdict({ code: NFT_VERDICT.GOTO, chain });
}

/** `ip saddr vmap @map`: the verdict that the map has for what the selectors say; goes on where it has none. */
export function vmap(selectors: readonly Selector[], map: string): Expression[] {
  return [...loadAll(selectors), { kind: "lookup", set: map, sreg: NFT_REG[1], dreg: NFT_REG.VERDICT }];
}

/** `ip saddr vmap @map`, `ip6 saddr vmap @map` */
export function ipSaddrVmap(family: Family, map: string): Expression[] {
  return vmap([saddr(family)], map);
}

const COUNTER = constant({ kind: "counter" });

/** `counter`, which begins at zero. */
export function counter(): StatefulExpression[] {
  return [COUNTER];
}

const MASQUERADE_FULLY_RANDOM = constant({ kind: "masq", flags: NF_NAT_RANGE.PROTO_RANDOM_FULLY });

/** `masquerade to :1024-65535 fully-random,persistent`; ports only after metaL4proto. */
export function masquerade(options: NatOptions = {}): Expression[] {
  const ports = portValues(options);
  const flags = natFlags(options);
  if (flags === NF_NAT_RANGE.PROTO_RANDOM_FULLY) return [MASQUERADE_FULLY_RANDOM];
  return [
    ...loadValues(ports, NFT_REG[1]),
    {
      kind: "masq",
      flags,
      regProtoMin: ports.length > 0 ? NFT_REG[1] : undefined,
      regProtoMax: ports.length > 1 ? NFT_REG[2] : undefined,
    },
  ];
}

/** Where to: an address, or the addresses from the first to the last. */
export interface NatTarget extends NatOptions {
  readonly first: Ip;
  readonly last?: Ip | undefined;
}

function natTo(type: number, target: NatTarget): Expression[] {
  const { first, last } = target;
  if (last !== undefined && (last.length !== first.length || compareIp(first, last) > 0)) {
    throw new RangeError("the last address is not of the first's family, or comes before it");
  }
  const addresses = last === undefined ? [first] : [first, last];
  const ports = portValues(target);
  const portRegister = NFT_REG[1] + addresses.length;
  return [
    ...loadValues([...addresses, ...ports], NFT_REG[1]),
    {
      kind: "nat",
      type,
      family: nfproto(familyOf(first)),
      regAddrMin: NFT_REG[1],
      regAddrMax: last === undefined ? undefined : NFT_REG[2],
      regProtoMin: ports.length > 0 ? portRegister : undefined,
      regProtoMax: ports.length > 1 ? portRegister + 1 : undefined,
      flags: natFlags(target),
    },
  ];
}

/** `snat to 192.0.2.1-192.0.2.9:1024-65535 fully-random`. Throws RangeError. */
export function snat(target: NatTarget): Expression[] {
  return natTo(NFT_NAT.SNAT, target);
}

/** `dnat to 10.22.0.5:8080`. Throws RangeError. */
export function dnat(target: NatTarget): Expression[] {
  return natTo(NFT_NAT.DNAT, target);
}

/** What a map gives to snat and dnat: an address of the family, or with `withPort` an address and a port. */
export interface NatMap extends Omit<NatOptions, "ports"> {
  /** NFPROTO.IPV4 or NFPROTO.IPV6. */
  readonly family: number;
  readonly map: string;
  /** The id of an anonymous map of the same transaction. */
  readonly setId?: number | undefined;
  readonly withPort?: boolean | undefined;
}

function natByMap(type: number, selectors: readonly Selector[], target: NatMap): Expression[] {
  const { family, map, setId } = target;
  // The address takes one word or four of register 1; the port follows it. 9 is NFT_REG32_01.
  const portRegister = family === NFPROTO.IPV4 ? 9 : NFT_REG[2];
  return [
    ...loadAll(selectors),
    { kind: "lookup", set: map, sreg: NFT_REG[1], dreg: NFT_REG[1], setId },
    {
      kind: "nat",
      type,
      family,
      regAddrMin: NFT_REG[1],
      regProtoMin: target.withPort === true ? portRegister : undefined,
      flags: natFlags(target),
    },
  ];
}

/** `snat to ip saddr map @addresses` */
export function snatByMap(selectors: readonly Selector[], target: NatMap): Expression[] {
  return natByMap(NFT_NAT.SNAT, selectors, target);
}

/** `dnat ip to meta l4proto . th dport map @ports` */
export function dnatByMap(selectors: readonly Selector[], target: NatMap): Expression[] {
  return natByMap(NFT_NAT.DNAT, selectors, target);
}

/** `redirect to :8080` */
export function redirect(options: NatOptions = {}): Expression[] {
  const ports = portValues(options);
  return [
    ...loadValues(ports, NFT_REG[1]),
    {
      kind: "redir",
      regProtoMin: ports.length > 0 ? NFT_REG[1] : undefined,
      regProtoMax: ports.length > 1 ? NFT_REG[2] : undefined,
      flags: natFlags(options),
    },
  ];
}

/** `meta mark set 0x10`; with a mask only these bits: `meta mark set meta mark & 0xffffff0f | 0x10`. */
export function setMark(value: number, mask?: number): Expression[] {
  const reg = NFT_REG[1];
  const set: Expression = { kind: "meta", key: NFT_META.MARK, sreg: reg };
  if (mask === undefined) return [...loadValues([encode(u32, value)], reg), set];
  const keep = encode(u32, ~mask >>> 0);
  return [mark.load(reg), { kind: "bitwise", sreg: reg, dreg: reg, len: 4, mask: keep, xor: encode(u32, value) }, set];
}

/** `limit rate 10/second burst 5 packets`: at most so many packets in `seconds` (1, 60, 3600, 86400 or 604800). */
export function limitRate(packets: number, seconds: number, burst = 5): StatefulExpression[] {
  return [{ kind: "limit", rate: BigInt(packets), unit: BigInt(seconds), burst, type: 0, flags: 0 }];
}

/** `limit rate over 10/second burst 5 packets` */
export function limitRateOver(packets: number, seconds: number, burst = 5): StatefulExpression[] {
  return [{ kind: "limit", rate: BigInt(packets), unit: BigInt(seconds), burst, type: 0, flags: NFT_LIMIT_F.INV }];
}

/** `log prefix "…"`, into the kernel's log. */
export function logPrefix(prefix: string): Expression[] {
  return [{ kind: "log", prefix }];
}

/** `reject with icmpx type …`, of NFT_REJECT_ICMPX: fits IPv4 and IPv6, in tables of the families inet and bridge. */
export function rejectIcmpx(code: number): Expression[] {
  return [{ kind: "reject", type: NFT_REJECT.ICMPX_UNREACH, code }];
}

/** `reject with tcp reset`, after metaL4proto(6). */
export function rejectTcpReset(): Expression[] {
  return [{ kind: "reject", type: NFT_REJECT.TCP_RST, code: 0 }];
}
