// Rules of nf_tables, of whatever table, judged for a container's packets.

import { extensionOf } from "../../iptables/compat.ts";
import type { Connection } from "../../netlink/connection.ts";
import { type ChainName, getChain } from "../../nftables/chain.ts";
import type { Verdict } from "../../nftables/data.ts";
import { getElement } from "../../nftables/element.ts";
import { NFT_BITWISE } from "../../nftables/expr/bitwise.ts";
import { compares, NFT_CMP } from "../../nftables/expr/cmp.ts";
import { CT_STATE, NFT_CT } from "../../nftables/expr/ct.ts";
import { NFT_LOOKUP_F } from "../../nftables/expr/lookup.ts";
import { NFT_META } from "../../nftables/expr/meta.ts";
import { NFT_PAYLOAD } from "../../nftables/expr/payload.ts";
import type { Expression } from "../../nftables/expression.ts";
import { formatExpression } from "../../nftables/format.ts";
import { ifnameKey } from "../../nftables/match.ts";
import { listRules, type Rule } from "../../nftables/rule.ts";
import { getSet } from "../../nftables/set.ts";
import { NF, NFT_REG32_00, NFT_SET, NFT_VERDICT, nfproto } from "../../nftables/uapi.ts";
import { encode, u32 } from "../../wire/codec.ts";
import type { Certainty, Chains, Judged, Traffic } from "./fate.ts";

/**
 * The base chain and those that it leads to, or undefined where it is not there. Chains of these names are passed over. Throws
 * NetlinkError.
 */
export function nftChains(
  connection: Connection,
  base: ChainName,
  traffic: Traffic,
  ignored: ReadonlySet<string> = new Set(),
): Chains | undefined {
  const { family, table } = base;
  const policy = getChain(connection, base)?.policy;
  if (policy === undefined) return undefined;
  return {
    isDropping: policy === NF.DROP,
    rulesOf(chain) {
      if (ignored.has(chain)) return [];
      return listRules(connection, { family, table, chain }).map((rule) => judge(connection, rule, traffic));
    },
  };
}

function judge(connection: Connection, rule: Rule, traffic: Traffic): Judged {
  const reading = new Reading(connection, rule, traffic);
  for (const expression of rule.expressions) {
    const end = reading.take(expression);
    if (end !== undefined) return { ...end, text: () => ruleText(rule) };
  }
  return { matches: reading.certainty, text: () => ruleText(rule) };
}

function ruleText({ handle, expressions, comment }: Rule): string {
  const last = expressions.at(-1);
  const said = comment === undefined ? "" : ` "${comment}"`;
  return `handle ${handle}${said} ${last === undefined ? "" : formatExpression(last)}`.trim();
}

/** What is in a register: bytes, or what nobody knows: the name of an interface, or anything else. */
type Value = Uint8Array | "an interface" | "something";

type End = Omit<Judged, "text"> | undefined;

const NO: End = { matches: "no" };

/** Registers have 16 bytes, and may be named by their four words. */
function wordOf(register = 0): number {
  return register >= NFT_REG32_00 ? register - NFT_REG32_00 : (register - 1) * 4;
}

/** A rule as it is read, expression by expression. */
class Reading {
  certainty: Certainty = "yes";
  readonly #connection: Connection;
  readonly #rule: Rule;
  readonly #traffic: Traffic;
  readonly #registers = new Map<number, Value>();

  constructor(connection: Connection, rule: Rule, traffic: Traffic) {
    this.#connection = connection;
    this.#rule = rule;
    this.#traffic = traffic;
  }

  /** Undefined where the rule goes on. */
  take(e: Expression): End {
    switch (e.kind) {
      case "counter":
      case "log":
      case "dynset":
        return undefined;
      case "meta":
        return e.sreg === undefined ? this.#load(e.dreg, metaOf(e.key, this.#traffic)) : undefined;
      case "ct":
        return e.sreg === undefined ? this.#load(e.dreg, this.#stateOf(e.key)) : undefined;
      case "payload":
        return e.sreg === undefined ? this.#load(e.dreg, payloadOf(e, this.#traffic)) : undefined;
      case "bitwise":
        return this.#mask(e);
      case "cmp":
        return this.#compare(e);
      case "lookup":
        return this.#lookUp(e);
      case "immediate":
        return this.#take(e);
      case "reject":
        return this.#does({ kind: "drop" });
      case "unknown":
        return this.#extension(e);
      default:
        return NO;
    }
  }

  #does(action: NonNullable<Judged["action"]>): End {
    return { matches: this.certainty, action };
  }

  #load(register: number | undefined, value: Value): End {
    this.#registers.set(wordOf(register), value);
    return undefined;
  }

  #at(register: number | undefined): Value {
    return this.#registers.get(wordOf(register)) ?? "something";
  }

  #stateOf(key: number | undefined): Value {
    if (key !== NFT_CT.STATE) return "something";
    return encode(u32, this.#traffic.isEstablished ? CT_STATE.ESTABLISHED : CT_STATE.NEW);
  }

  #mask({ sreg, dreg, mask, xor, op = NFT_BITWISE.MASK_XOR }: Extract<Expression, { kind: "bitwise" }>): End {
    const value = this.#at(sreg);
    const isPlain = op === NFT_BITWISE.MASK_XOR && mask instanceof Uint8Array && xor instanceof Uint8Array;
    if (!(value instanceof Uint8Array) || !isPlain)
      return this.#load(dreg, value instanceof Uint8Array ? "something" : value);
    return this.#load(
      dreg,
      value.map((byte, i) => (byte & (mask[i] ?? 0)) ^ (xor[i] ?? 0)),
    );
  }

  #compare({ sreg, op = NFT_CMP.EQ, data }: Extract<Expression, { kind: "cmp" }>): End {
    const value = this.#at(sreg);
    if (!(data instanceof Uint8Array)) return NO;
    if (value instanceof Uint8Array) return compares(value.subarray(0, data.length), op, data) ? undefined : NO;
    return this.#unknown(value, op === NFT_CMP.NEQ);
  }

  /** A condition on what nobody knows. All but some means most. */
  #unknown(value: "an interface" | "something", isAllBut: boolean): End {
    if (value === "something" && !isAllBut) return NO;
    this.certainty = "perhaps";
    return undefined;
  }

  #lookUp({ set = "", sreg, dreg, flags = 0 }: Extract<Expression, { kind: "lookup" }>): End {
    const { family, table } = this.#rule;
    const isAllBut = (flags & NFT_LOOKUP_F.INV) !== 0;
    const key = this.#at(sreg);
    const known = getSet(this.#connection, { family, table, name: set });
    const isPlain = ((known?.flags ?? 0) & NFT_SET.INTERVAL) === 0;
    if (!(key instanceof Uint8Array) || known === undefined || key.length !== known.keyLength || !isPlain) {
      return dreg === undefined ? this.#unknown(key === "an interface" ? key : "something", isAllBut) : NO;
    }
    const element = getElement(this.#connection, { family, table, set }, key);
    if ((element === undefined) !== isAllBut) return NO;
    if (dreg === undefined || element?.data === undefined) return undefined;
    if (element.data instanceof Uint8Array) return this.#load(dreg, element.data);
    return this.#verdict(element.data);
  }

  #take({ data, dreg }: Extract<Expression, { kind: "immediate" }>): End {
    if (data === undefined) return NO;
    return data instanceof Uint8Array ? this.#load(dreg, data) : this.#verdict(data);
  }

  #verdict({ code, chain = "" }: Verdict): End {
    if (code === NF.ACCEPT) return this.#does({ kind: "accept" });
    if (code === NF.DROP) return this.#does({ kind: "drop" });
    if (code === NFT_VERDICT.RETURN) return this.#does({ kind: "return" });
    if (code === NFT_VERDICT.JUMP) return this.#does({ kind: "jump", chain });
    if (code === NFT_VERDICT.GOTO) return this.#does({ kind: "goto", chain });
    return NO;
  }

  #extension(e: Expression): End {
    const found = extensionOf(e);
    if (found?.kind === "target") return /^(DROP|REJECT)$/.test(found.name) ? this.#does({ kind: "drop" }) : undefined;
    return found?.name === "comment" ? undefined : NO;
  }
}

function metaOf(key: number | undefined, { family, in: input, out }: Traffic): Value {
  switch (key) {
    case NFT_META.IIFNAME:
      return input === undefined ? "an interface" : ifnameKey(input);
    case NFT_META.OIFNAME:
      return out === undefined ? "an interface" : ifnameKey(out);
    case NFT_META.IIF:
    case NFT_META.OIF:
      return "an interface";
    case NFT_META.NFPROTO:
      return Uint8Array.of(nfproto(family));
    default:
      return "something";
  }
}

function payloadOf({ base, offset = 0, len = 0 }: Extract<Expression, { kind: "payload" }>, traffic: Traffic): Value {
  if (base !== NFT_PAYLOAD.NETWORK_HEADER) return "something";
  const [source, destination] = traffic.family === 4 ? [12, 16] : [8, 24];
  if (offset === source && traffic.source !== undefined) return traffic.source.subarray(0, len);
  if (offset === destination && traffic.destination !== undefined) return traffic.destination.subarray(0, len);
  return "something";
}
