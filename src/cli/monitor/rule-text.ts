// Rules as nft writes them, as far as ours need it; a rule with anything else in it is shown as the kernel has it.

import { IPS } from "../../netlink/netfilter.ts";
import { type Data, verdictText } from "../../nftables/data.ts";
import { NFT_CMP } from "../../nftables/expr/cmp.ts";
import { RTN } from "../../nftables/expr/fib.ts";
import { NFT_LOOKUP_F } from "../../nftables/expr/lookup.ts";
import { NFT_NAT } from "../../nftables/expr/nat.ts";
import { NFT_RANGE } from "../../nftables/expr/range.ts";
import type { Expression } from "../../nftables/expression.ts";
import { formatExpression } from "../../nftables/format.ts";
import {
  ctStatus,
  daddr,
  dport,
  etherDaddr,
  etherSaddr,
  fibDaddrType,
  iifname,
  l4proto,
  mark,
  nfproto,
  oifname,
  type Selector,
  saddr,
  sport,
} from "../../nftables/selector.ts";
import { NF_NAT_RANGE, NFPROTO, NFT_REG } from "../../nftables/uapi.ts";
import { cstring } from "../../wire/codec.ts";
import { formatIp } from "../../wire/ip.ts";
import { formatMac } from "../../wire/mac.ts";
import { protocolText } from "./value-text.ts";

/** `ip saddr vmap @policies`, or `[ payload load 4b @ network header + 12 => reg 1 ] …`. */
export function ruleText(expressions: readonly Expression[]): string {
  return statementsText(expressions) ?? expressions.map(formatExpression).join(" ");
}

interface Named {
  readonly name: string;
  readonly selector: Selector;
  readonly value: (bytes: Uint8Array) => string;
}

const ifnameText = (bytes: Uint8Array): string => `"${cstring.decode(bytes)}${bytes.includes(0) ? "" : "*"}"`;

const portText = ([high = 0, low = 0]: Uint8Array): string => String((high << 8) | low);

const NFPROTO_NAMES = new Map<number, string>([
  [NFPROTO.IPV4, "ipv4"],
  [NFPROTO.IPV6, "ipv6"],
]);

const numberIn = (bytes: Uint8Array): number => new DataView(bytes.slice().buffer).getUint32(0, true);

const markText = (bytes: Uint8Array): string => `0x${numberIn(bytes).toString(16).padStart(8, "0")}`;

const fibTypeText = (bytes: Uint8Array): string => (numberIn(bytes) === RTN.LOCAL ? "local" : String(numberIn(bytes)));

const ctStatusText = (bytes: Uint8Array): string => (numberIn(bytes) === IPS.DST_NAT ? "dnat" : markText(bytes));

function selectors(): readonly Named[] {
  return [
    { name: "ip saddr", selector: saddr(4), value: formatIp },
    { name: "ip daddr", selector: daddr(4), value: formatIp },
    { name: "ip6 saddr", selector: saddr(6), value: formatIp },
    { name: "ip6 daddr", selector: daddr(6), value: formatIp },
    { name: "ether saddr", selector: etherSaddr, value: formatMac },
    { name: "ether daddr", selector: etherDaddr, value: formatMac },
    { name: "iifname", selector: iifname, value: ifnameText },
    { name: "oifname", selector: oifname, value: ifnameText },
    { name: "meta nfproto", selector: nfproto, value: ([family = 0]) => NFPROTO_NAMES.get(family) ?? String(family) },
    { name: "meta l4proto", selector: l4proto, value: ([protocol = 0]) => protocolText(protocol) },
    { name: "meta mark", selector: mark, value: markText },
    { name: "fib daddr type", selector: fibDaddrType, value: fibTypeText },
    { name: "ct status", selector: ctStatus, value: ctStatusText },
    { name: "th sport", selector: sport, value: portText },
    { name: "th dport", selector: dport, value: portText },
  ];
}

/** What a register holds: a selector, and the bits of it that count. */
interface Loaded extends Named {
  readonly mask: Uint8Array | undefined;
}

/** The rule in nft's words, or undefined where it has something that is not known here. */
function statementsText(expressions: readonly Expression[]): string | undefined {
  const words: string[] = [];
  const values = new Map<number, Uint8Array>();
  let loaded: Loaded[] = [];
  // What a map gives for what was loaded, and the register that this is in.
  let mapped: Mapped | undefined;
  for (const [i, e] of expressions.entries()) {
    if (e.kind === "immediate" && e.dreg !== NFT_REG.VERDICT && e.data instanceof Uint8Array) {
      values.set(e.dreg ?? 0, e.data);
      continue;
    }
    const found = load(e);
    if (found !== undefined) {
      loaded.push(found);
      continue;
    }
    const [first] = loaded;
    if (e.kind === "bitwise" && first !== undefined && e.mask instanceof Uint8Array && isZero(e.xor)) {
      loaded = [{ ...first, mask: e.mask }];
      continue;
    }
    if (e.kind === "lookup" && e.dreg !== undefined && e.dreg !== NFT_REG.VERDICT && loaded.length > 0) {
      mapped = { text: `${concatenation(loaded)} map @${e.set}`, register: e.dreg };
      loaded = [];
      continue;
    }
    const last = expressions[i + 1];
    if (isFirstOfRange(e, last)) continue;
    const text =
      rangeText(expressions[i - 1], e, loaded) ??
      statementText(e, loaded) ??
      mappedTranslationText(e, mapped) ??
      translationText(e, values);
    if (text === undefined) return undefined;
    words.push(text);
    loaded = [];
    mapped = undefined;
  }
  return loaded.length === 0 && mapped === undefined ? words.join(" ") : undefined;
}

interface Mapped {
  readonly text: string;
  readonly register: number;
}

const concatenation = (loaded: readonly Loaded[]): string => loaded.map(({ name }) => name).join(" . ");

/** A range is two comparisons, one behind the other. */
function isFirstOfRange(e: Expression | undefined, next: Expression | undefined): boolean {
  return e?.kind === "cmp" && e.op === NFT_CMP.GTE && next?.kind === "cmp" && next.op === NFT_CMP.LTE;
}

/** `th sport 1000-2000`, and with `!=` as an expression of its own. */
function rangeText(
  before: Expression | undefined,
  e: Expression,
  [first, ...more]: readonly Loaded[],
): string | undefined {
  if (first === undefined || more.length > 0 || first.mask !== undefined) return undefined;
  const text = (not: string, from?: Data, to?: Data): string | undefined => {
    if (!(from instanceof Uint8Array) || !(to instanceof Uint8Array)) return undefined;
    return `${first.name} ${not}${first.value(from)}-${first.value(to)}`;
  };
  if (e.kind === "range") return text(e.op === NFT_RANGE.NEQ ? "!= " : "", e.from, e.to);
  if (before?.kind !== "cmp" || e.kind !== "cmp" || !isFirstOfRange(before, e)) return undefined;
  return text("", before.data, e.data);
}

/** `dnat ip to meta l4proto . th dport map @ports` */
function mappedTranslationText(e: Expression, mapped: Mapped | undefined): string | undefined {
  if (e.kind !== "nat" || mapped === undefined || e.regAddrMin !== mapped.register) return undefined;
  const name = e.type === NFT_NAT.SNAT ? "snat" : "dnat";
  const family = e.family === NFPROTO.IPV4 ? "ip" : "ip6";
  return [`${name} ${family} to ${mapped.text}`, ...flagWords(e.flags ?? 0)].join(" ");
}

/** Fields of the same packet at the same place, in whole or (a prefix of whole bytes) in part. */
function load(e: Expression): Loaded | undefined {
  const found = selectors().find(({ selector }) => isLoadOf(e, selector.load(NFT_REG[1])));
  return found === undefined ? undefined : { ...found, mask: undefined };
}

function isLoadOf(e: Expression, whole: Expression): boolean {
  switch (e.kind) {
    case "payload":
      return (
        whole.kind === "payload" &&
        e.base === whole.base &&
        e.offset === whole.offset &&
        (e.len ?? 0) <= (whole.len ?? 0)
      );
    case "meta":
    case "ct":
      return whole.kind === e.kind && e.key === whole.key && e.dreg !== undefined;
    case "fib":
      return whole.kind === "fib" && e.result === whole.result && e.flags === whole.flags;
    default:
      return false;
  }
}

function isZero(value: Data | undefined): boolean {
  return value instanceof Uint8Array && value.every((byte) => byte === 0);
}

function statementText(e: Expression, loaded: readonly Loaded[]): string | undefined {
  const [first] = loaded;
  switch (e.kind) {
    case "cmp":
      return first === undefined || loaded.length > 1 || !(e.data instanceof Uint8Array)
        ? undefined
        : comparisonText(first, e.op, e.data);
    case "lookup":
      return loaded.length === 0 || loaded.some(({ mask }) => mask !== undefined)
        ? undefined
        : lookupText(loaded, e.set ?? "", e.dreg, e.flags);
    case "immediate":
      return e.dreg === NFT_REG.VERDICT && e.data !== undefined && !(e.data instanceof Uint8Array)
        ? verdictText(e.data)
        : undefined;
    case "counter":
      return "counter";
    default:
      return undefined;
  }
}

function comparisonText(
  { name, selector, value, mask }: Loaded,
  op: number | undefined,
  data: Uint8Array,
): string | undefined {
  if (op !== NFT_CMP.EQ && op !== NFT_CMP.NEQ) return undefined;
  const not = op === NFT_CMP.NEQ ? "!= " : "";
  const isIp = value === formatIp;
  if (!isIp && mask !== undefined && op === NFT_CMP.NEQ && isZero(data)) return `${name} ${value(mask)}`;
  if (!isIp) return mask === undefined && data.length > 0 ? `${name} ${not}${value(data)}` : undefined;
  const prefixLength = mask === undefined ? data.length * 8 : bitsOf(mask);
  if (prefixLength === undefined) return undefined;
  const whole = new Uint8Array(selector.length);
  whole.set(data.subarray(0, selector.length));
  const suffix = prefixLength === selector.length * 8 ? "" : `/${prefixLength}`;
  return `${name} ${not}${value(whole)}${suffix}`;
}

/** How many bits a mask has if they are its first; undefined otherwise. */
function bitsOf(mask: Uint8Array): number | undefined {
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits) ? (bits.indexOf("0") < 0 ? bits.length : bits.indexOf("0")) : undefined;
}

function lookupText(loaded: readonly Loaded[], set: string, dreg: number | undefined, flags = 0): string | undefined {
  const what = concatenation(loaded);
  if (dreg === undefined) return `${what} ${(flags & NFT_LOOKUP_F.INV) === 0 ? "" : "!= "}@${set}`;
  return dreg === NFT_REG.VERDICT ? `${what} vmap @${set}` : undefined;
}

/** `masquerade to :1024-2048 random`, `snat to 192.0.2.1-192.0.2.9:1024-2048 persistent`, with what registers hold. */
function translationText(e: Expression, values: ReadonlyMap<number, Uint8Array>): string | undefined {
  if (e.kind !== "masq" && e.kind !== "nat") return undefined;
  const range = (
    text: (bytes: Uint8Array) => string,
    ...registers: readonly (number | undefined)[]
  ): string | undefined => {
    const ends = registers.filter((one) => one !== undefined).map((one) => values.get(one));
    const texts = ends.flatMap((bytes) => (bytes === undefined ? [] : [text(bytes)]));
    return texts.length < ends.length ? undefined : texts.join("-");
  };
  const ports = range(portText, e.regProtoMin, e.regProtoMax);
  const addresses = e.kind === "nat" ? range(bracketed(e.regProtoMin !== undefined), e.regAddrMin, e.regAddrMax) : "";
  if (ports === undefined || addresses === undefined) return undefined;
  const name = e.kind === "masq" ? "masquerade" : e.type === NFT_NAT.SNAT ? "snat" : "dnat";
  const to = `${addresses}${ports === "" ? "" : `:${ports}`}`;
  return [name, ...(to === "" ? [] : [`to ${to}`]), ...flagWords(e.flags ?? 0)].join(" ");
}

/** IPv6 addresses stand in brackets where ports follow. */
function bracketed(hasPorts: boolean): (bytes: Uint8Array) => string {
  return (bytes) => (hasPorts && bytes.length === 16 ? `[${formatIp(bytes)}]` : formatIp(bytes));
}

function flagWords(flags: number): string[] {
  const words: string[] = [];
  if ((flags & NF_NAT_RANGE.PROTO_RANDOM) !== 0) words.push("random");
  if ((flags & NF_NAT_RANGE.PROTO_RANDOM_FULLY) !== 0) words.push("fully-random");
  if ((flags & NF_NAT_RANGE.PERSISTENT) !== 0) words.push("persistent");
  return words.length === 0 ? [] : [words.join(",")];
}
