// "conditionsV4" and "conditionsV6" in the words of nft(8): what a packet must meet to be led to the container. Attachments
// with the same conditions share two chains of the family's table, named after a digest of the words:
//
//   chain addresses_5d2c… {
//     iifname "eth0" dnat ip to ip daddr . meta l4proto . th dport map @addresses
//     goto any_address
//   }
//   chain ports_5d2c… {
//     iifname "eth0" dnat ip to meta l4proto . th dport map @ports
//   }
//
// Elements of conditional_addresses and conditional_ports lead there.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { excerpt } from "../cni/json.ts";
import { sha512Hex } from "../hash/sha512.ts";
import { NFT_CMP } from "../nftables/expr/cmp.ts";
import type { Expression } from "../nftables/expression.ts";
import {
  compare,
  etherSaddrIs,
  etherSaddrIsNot,
  iifnameBegins,
  iifnameIs,
  iifnameIsNot,
  inRange,
  ipDaddr,
  ipDaddrNot,
  ipSaddr,
  ipSaddrNot,
  metaIiftypeEther,
  metaL4proto,
  notInRange,
} from "../nftables/match.ts";
import { portBytes } from "../nftables/nat-range.ts";
import { dport, l4proto, mark, type Selector, sport } from "../nftables/selector.ts";
import { goto } from "../nftables/statement.ts";
import type { FilledChain } from "../owned/table.ts";
import { encode, u32 } from "../wire/codec.ts";
import { type Cidr, compareIp, type Family, familyOf, hostPrefix, parseCidr, parseIp } from "../wire/ip.ts";
import { parseMac } from "../wire/mac.ts";
import { PROTOCOLS } from "./mapping.ts";
import { toContainer } from "./table.ts";
import { ANY_ADDRESS, chainIn } from "./table-names.ts";

const DIGITS = 16;
const CONDITIONAL_CHAIN = /^(addresses|ports)_[0-9a-f]{16}$/;

/** Whether a chain of this name holds conditions. */
export function isConditionalChain(name: string): boolean {
  return CONDITIONAL_CHAIN.test(name);
}

/** The names of the two chains for these conditions: for mappings that have an address of the node, and for others. */
export function conditionalChainNames(words: readonly string[]): {
  readonly addresses: string;
  readonly ports: string;
} {
  const digest = sha512Hex(tokensOf(words).join(" "), DIGITS);
  return { addresses: `addresses_${digest}`, ports: `ports_${digest}` };
}

/** The two chains, the one that others lead to last. Throws CniError 7 for words that nobody knows here. */
export function conditionalChains(family: Family, words: readonly string[]): readonly FilledChain[] {
  const names = conditionalChainNames(words);
  const ways = compileConditions(family, words);
  return [
    {
      chain: chainIn(family, names.ports),
      rules: ways.map((match) => [...match, ...toContainer(family, false)]),
    },
    {
      chain: chainIn(family, names.addresses),
      rules: [...ways.map((match) => [...match, ...toContainer(family, true)]), goto(ANY_ADDRESS)],
    },
  ];
}

/** More ways than this to meet the conditions would be slow to look through. */
const WAYS_MAX = 64;

/**
 * The ways to meet the conditions, each as expressions that must all hold: lists in braces make several. Throws CniError 7
 * that names the first word which is not understood.
 */
export function compileConditions(family: Family, words: readonly string[]): readonly (readonly Expression[])[] {
  const reader = new WordReader(family, tokensOf(words));
  let ways: Expression[][] = [[]];
  while (!reader.isAtEnd()) {
    const alternatives = readCondition(reader, family);
    ways = ways.flatMap((way) => alternatives.map((more) => [...way, ...more]));
    if (ways.length > WAYS_MAX) throw reader.problem(`lists make more than ${WAYS_MAX} combinations`);
  }
  return ways;
}

/** Words may stand together in one text; braces, commas and comparisons stand for themselves. */
function tokensOf(words: readonly string[]): string[] {
  return Array.from(
    words.join(" ").matchAll(/"([^"]*)"|[{},]|!=|==|[^\s{},"!=]+/g),
    ([whole, quoted]) => quoted ?? whole,
  );
}

class WordReader {
  readonly #key: string;
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(family: Family, tokens: readonly string[]) {
    this.#key = family === 4 ? "conditionsV4" : "conditionsV6";
    this.#tokens = tokens;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** Takes the next word if it is this one. */
  takes(word: string): boolean {
    if (this.#tokens[this.#at] !== word) return false;
    this.#at++;
    return true;
  }

  next(wanted: string): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw this.problem(`${wanted} is missing at the end`);
    return token;
  }

  /** The error about the word that was taken last. */
  unknown(wanted: string): CniError {
    return this.problem(`${excerpt(this.#tokens[this.#at - 1] ?? "")} is not ${wanted}`);
  }

  problem(text: string): CniError {
    return new CniError(
      CNI_CODE.INVALID_CONFIG,
      `${this.#key}: ${text}`,
      `the nftables back end knows ${KNOWN}, each with != and with lists in braces; backend "iptables" takes conditions of iptables(8), which begin with - or !`,
    );
  }
}

const KNOWN =
  "ip saddr, ip daddr, ip6 saddr, ip6 daddr, iifname, meta iifname, meta mark, meta l4proto, ether saddr, and sport and dport of tcp, udp, sctp or th";

/** What a selector's value comes to: the packet has it, or has any other. */
interface Comparison {
  readonly is: readonly Expression[];
  readonly isNot: readonly Expression[];
}

interface Kind {
  /** What must hold before the selector can be looked at. */
  readonly before?: readonly Expression[];
  readonly noun: string;
  readonly parse: (text: string) => Comparison | undefined;
}

function readCondition(reader: WordReader, family: Family): readonly (readonly Expression[])[] {
  const { before = [], noun, parse } = readSelector(reader, family);
  const isNegated = reader.takes("!=");
  if (!isNegated) reader.takes("==");
  const values = readValues(reader, noun).map((text) => {
    const value = parse(text);
    if (value === undefined) throw reader.problem(`${excerpt(text)} is not ${noun}`);
    return value;
  });
  if (isNegated) return [[...before, ...values.flatMap(({ isNot }) => isNot)]];
  return values.map(({ is }) => [...before, ...is]);
}

function readValues(reader: WordReader, noun: string): string[] {
  if (!reader.takes("{")) return [reader.next(noun)];
  const values: string[] = [];
  while (!reader.takes("}")) {
    values.push(reader.next(`${noun}, or "}",`));
    reader.takes(",");
  }
  if (values.length === 0) throw reader.problem("a list is empty");
  return values;
}

function readSelector(reader: WordReader, family: Family): Kind {
  const first = reader.next("a condition");
  switch (first) {
    case "ip":
    case "ip6":
      if ((first === "ip" ? 4 : 6) !== family) throw reader.unknown(`about IPv${family}`);
      return addressKind(family, readOneOf(reader, ["saddr", "daddr"]));
    case "iifname":
    case "iif":
      return INTERFACE;
    case "meta":
      return META[readOneOf(reader, ["iifname", "iif", "mark", "l4proto"])];
    case "mark":
      return MARK;
    case "ether":
      readOneOf(reader, ["saddr"]);
      return ETHER;
    case "tcp":
    case "udp":
    case "sctp":
    case "th":
      return portKind(first, readOneOf(reader, ["sport", "dport"]));
    default:
      throw reader.unknown("a condition that is known here");
  }
}

function readOneOf<const T extends string>(reader: WordReader, words: readonly T[]): T {
  const given = reader.next(words.join(" or "));
  const known = words.find((one) => one === given);
  if (known === undefined) throw reader.unknown(words.join(" or "));
  return known;
}

function addressKind(family: Family, end: "saddr" | "daddr"): Kind {
  const [is, isNot] = end === "saddr" ? [ipSaddr, ipSaddrNot] : [ipDaddr, ipDaddrNot];
  return {
    noun: `an IPv${family} address or prefix`,
    parse(text) {
      const prefix = prefixIn(text);
      if (prefix === undefined || familyOf(prefix.ip) !== family) return undefined;
      return { is: is(prefix), isNot: isNot(prefix) };
    },
  };
}

function prefixIn(text: string): Cidr | undefined {
  const ip = parseIp(text);
  return ip === undefined ? parseCidr(text) : hostPrefix(ip);
}

const INTERFACE: Kind = {
  noun: "the name of an interface",
  parse(text) {
    if (/[\s/]/.test(text) || text.length > 15 || text === "*") return undefined;
    if (!text.endsWith("*")) return { is: iifnameIs(text), isNot: iifnameIsNot(text) };
    const begins = iifnameBegins(text.slice(0, -1));
    return { is: begins, isNot: begins.map((e) => (e.kind === "cmp" ? { ...e, op: NFT_CMP.NEQ } : e)) };
  },
};

const MARK: Kind = { noun: "a number of 32 bits", parse: (text) => numberOf(text, mark) };

function numberOf(text: string, selector: Selector): Comparison | undefined {
  const value = /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text) ? Number(text) : Number.NaN;
  return value <= 0xffffffff ? equal(selector, encode(u32, value).slice()) : undefined;
}

function equal(selector: Selector, value: Uint8Array): Comparison {
  return { is: compare(selector, value), isNot: compare(selector, value, NFT_CMP.NEQ) };
}

const PROTOCOL: Kind = {
  noun: `one of ${Object.keys(PROTOCOLS).join(", ")}, or a number up to 255`,
  parse(text) {
    const named = Object.entries(PROTOCOLS).find(([name]) => name === text)?.[1];
    const number = named ?? (/^\d{1,3}$/.test(text) ? Number(text) : Number.NaN);
    return number <= 0xff ? equal(l4proto, Uint8Array.of(number)) : undefined;
  },
};

const ETHER: Kind = {
  before: metaIiftypeEther(),
  noun: "a MAC address",
  parse(text) {
    const mac = parseMac(text);
    return mac === undefined ? undefined : { is: etherSaddrIs(mac), isNot: etherSaddrIsNot(mac) };
  },
};

const META = { iifname: INTERFACE, iif: INTERFACE, mark: MARK, l4proto: PROTOCOL } as const;

function portKind(protocol: "tcp" | "udp" | "sctp" | "th", end: "sport" | "dport"): Kind {
  const selector = end === "sport" ? sport : dport;
  return {
    before: protocol === "th" ? [] : metaL4proto(PROTOCOLS[protocol]),
    noun: "a port from 1 to 65535, or a range of them",
    parse(text) {
      const [first, last, ...more] = text.split("-").map(portIn);
      if (first === undefined || more.length > 0) return undefined;
      if (!text.includes("-")) return equal(selector, first);
      if (last === undefined || compareIp(first, last) > 0) return undefined;
      return { is: inRange(selector, first, last), isNot: notInRange(selector, first, last) };
    },
  };
}

function portIn(text: string): Uint8Array | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 0xffff ? portBytes(port) : undefined;
}
