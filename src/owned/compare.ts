// Whether rules, chains and sets in the kernel are still those that were made. Every field counts: what the kernel writes in
// another form than it was sent (a default, an implied flag) is written out on both sides first, and then both must be equal.

import type { Chain, ChainSpec } from "../nftables/chain.ts";
import type { Expression } from "../nftables/expression.ts";
import type { Rule } from "../nftables/rule.ts";
import { type NftSet, type SetSpec, setFlags } from "../nftables/set.ts";
import type { StatefulExpression } from "../nftables/stateful.ts";
import { NF_NAT_RANGE, NFT_CHAIN, NFT_DATA_VERDICT } from "../nftables/uapi.ts";
import type { RawAttribute } from "../wire/attrs.ts";
import { sameBytes } from "../wire/codec.ts";

/** Whether the chain has these rules, in this order, without comments, and no others. Counts are no difference. */
export function hasRules(found: readonly Rule[], wanted: readonly (readonly Expression[])[]): boolean {
  if (found.length !== wanted.length) return false;
  return found.every(
    ({ expressions, comment }, i) => comment === undefined && isSameRule(expressions, wanted[i] ?? []),
  );
}

function isSameRule(found: readonly Expression[], wanted: readonly Expression[]): boolean {
  return found.length === wanted.length && found.every((one, i) => isSame(asDumped(one), asDumped(wanted[i] ?? one)));
}

/** Whether the chain hangs where it should: a chain that does not must be made anew. */
export function isHookedAs(found: Chain, { type, hook, priority, device }: ChainSpec): boolean {
  const flags = hook === undefined ? 0 : NFT_CHAIN.BASE;
  // Kernels before 5.7 tell no flags.
  const hasFlags = found.flags === flags || found.flags === 0;
  return hasFlags && isSame([found.type, found.hook, found.priority, found.device], [type, hook, priority, device]);
}

/** Whether the set or map is of this kind, with just these flags, and without a size, a timeout or a comment unless said. */
export function isSetAsMade(found: NftSet, wanted: SetSpec): boolean {
  return isSame(setFields(found), setFields(wanted));
}

function setFields(set: SetSpec): object {
  const { handle: _, id: _id, ...fields }: SetSpec & { readonly handle?: bigint } = set;
  return {
    ...fields,
    flags: setFlags(set),
    // The kernel tells the length of a verdict in its own memory.
    dataLength: set.dataType === NFT_DATA_VERDICT ? undefined : set.dataLength,
    policy: set.policy === 0 ? undefined : set.policy,
    timeout: set.timeout === 0n ? undefined : set.timeout,
    gcInterval: set.gcInterval === 0 ? undefined : set.gcInterval,
    expressions: set.expressions?.map(asDumped),
  };
}

/**
 * What the kernel takes a field for that was left out. It writes some of these in its answers, always or since some version:
 * NFTA_BITWISE_OP since 5.6.
 */
const DEFAULTS: Readonly<Partial<Record<Expression["kind"], object>>> = {
  bitwise: { op: 0 },
  fib: { flags: 0 },
  hash: { offset: 0, type: 0 },
  limit: { burst: 5, type: 0, flags: 0 },
  log: { level: 4, flags: 0, snaplen: 0, qthreshold: 0 }, // LOGLEVEL_WARNING
  lookup: { flags: 0 },
  masq: { flags: 0 },
  nat: { flags: 0 },
  numgen: { offset: 0 },
  payload: { csumType: 0, csumOffset: 0, csumFlags: 0 },
  redir: { flags: 0 },
  reject: { code: 0 },
};

/** The expression as the kernel would write it. */
function asDumped(said: Expression | StatefulExpression): object {
  const unknown = "unknown" in said ? said.unknown?.filter(isMeant) : undefined;
  return { ...DEFAULTS[said.kind], ...said, ...implied(said), unknown };
}

/** Padding, and what a newer kernel tells besides, as long as that is zero. */
function isMeant({ payload }: RawAttribute): boolean {
  return payload.some((byte) => byte !== 0);
}

/** What the kernel takes from other fields, or counts by itself. */
function implied(said: Expression | StatefulExpression): object {
  switch (said.kind) {
    case "counter":
      return { packets: undefined, bytes: undefined };
    case "lookup":
    case "objref":
      return { setId: undefined }; // for the transaction only
    case "dynset":
      return { setId: undefined, expression: undefined, expressions: statefulsOf(said) };
    case "nat": {
      const { regAddrMin, regAddrMax = regAddrMin, regProtoMin, regProtoMax = regProtoMin, flags = 0 } = said;
      const addresses = regAddrMin === undefined ? 0 : NF_NAT_RANGE.MAP_IPS;
      return { regAddrMax, regProtoMax, flags: flags | addresses | portFlags(regProtoMin) };
    }
    case "masq":
    case "redir": {
      const { regProtoMin, regProtoMax = regProtoMin, flags = 0 } = said;
      return { regProtoMax, flags: flags | portFlags(regProtoMin) };
    }
    default:
      return {};
  }
}

const portFlags = (register: number | undefined): number => (register === undefined ? 0 : NF_NAT_RANGE.PROTO_SPECIFIED);

function statefulsOf({ expression, expressions }: Extract<Expression, { kind: "dynset" }>): object[] {
  return (expressions ?? (expression === undefined ? [] : [expression])).map(asDumped);
}

/** Whether two values are equal, field by field; a field that is undefined is one that is not there, and so is an empty list. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (one instanceof Uint8Array) return other instanceof Uint8Array && sameBytes(one, other);
  if (other instanceof Uint8Array) return false;
  if (Array.isArray(one) && Array.isArray(other) && one.length !== other.length) return false;
  if (!hasFields(one) || !hasFields(other)) return isAbsent(one) && isAbsent(other);
  for (const key of Object.keys(one)) if (!isSame(one[key], other[key])) return false;
  for (const key of Object.keys(other)) if (!Object.hasOwn(one, key) && !isAbsent(other[key])) return false;
  return true;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function hasFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
