// The rules of containernetworking/plugins' nftables back end, read for what they say. A rule's comment is the container's id,
// and nothing else tells whose it is:
//
//   table ip cni_hostport {
//     chain hostports        { [ip daddr 192.0.2.1] tcp dport 8080 dnat to 10.22.0.5:80 comment "CONTAINER" }
//     chain hostip_hostports { }                  # has the rules with an address of those older than 1.6.1
//     chain masquerading     { ip saddr 10.22.0.5 ip daddr 10.22.0.5 masquerade comment "CONTAINER" }
//   }

import type { Connection } from "../../netlink/connection.ts";
import { NFT_CMP } from "../../nftables/expr/cmp.ts";
import { NFT_NAT } from "../../nftables/expr/nat.ts";
import type { Expression } from "../../nftables/expression.ts";
import { listRules, type Rule } from "../../nftables/rule.ts";
import { daddr, dport, l4proto, saddr } from "../../nftables/selector.ts";
import { getTable } from "../../nftables/table.ts";
import { nfproto } from "../../nftables/uapi.ts";
import type { Family, Ip } from "../../wire/ip.ts";
import { hostKey, type PortMapping, PROTOCOL_NAMES, PROTOCOLS } from "../mapping.ts";

/** Upstream's table, of either family. */
export const TABLE = "cni_hostport";
const CHAINS = ["hostports", "hostip_hostports", "masquerading"];

/** A rule of upstream's. */
export interface UpstreamRule {
  readonly rule: Rule;
  /** The container's address; undefined where the rule is not of upstream's making. */
  readonly container: Ip | undefined;
  /** What it publishes; undefined for one that translates sources. */
  readonly mapping: PortMapping | undefined;
  /** Whether it translates the sources of all. */
  readonly isForAll: boolean;
}

/** Upstream's rules of the family; none where upstream's table is missing. Throws NetlinkError. */
export function readUpstreamRules(connection: Connection, family: Family): UpstreamRule[] {
  const table = { family: nfproto(family), name: TABLE };
  if (getTable(connection, table) === undefined) return [];
  return CHAINS.flatMap((chain) => listRules(connection, { family: table.family, table: TABLE, chain })).map(
    (rule) => ({
      rule,
      ...meaningOf(rule.expressions, family),
    }),
  );
}

/**
 * Whose each port is by upstream's rules, by hostKey. Those that name this container are passed over. One question where upstream's
 * table is missing. Throws NetlinkError.
 */
export function holdersByUpstream(connection: Connection, family: Family, containerId: string): Map<string, string> {
  return new Map(
    readUpstreamRules(connection, family).flatMap(({ rule: { comment }, mapping }): [string, string][] => {
      if (mapping === undefined || comment === containerId) return [];
      const whose = comment === undefined ? "somebody whom no comment names" : `container ${comment}`;
      return [[hostKey(mapping), `${whose}, by table ${TABLE}`]];
    }),
  );
}

/** Whether the base chains have conditions, which are those of the last ADD. Throws NetlinkError. */
export function hasConditions(connection: Connection, family: Family): boolean {
  const rules = listRules(connection, { family: nfproto(family), table: TABLE, chain: "prerouting" });
  const isPlain = ({ kind }: Expression): boolean => ["fib", "cmp", "immediate"].includes(kind);
  return rules.some(({ expressions }) => !expressions.every(isPlain) || expressions.length > PLAIN_ENTRY);
}

/** `fib daddr type local jump hostports_all` */
const PLAIN_ENTRY = 3;

function meaningOf(expressions: readonly Expression[], family: Family): Omit<UpstreamRule, "rule"> {
  const said = new Said(expressions);
  const to = expressions.find((one) => one.kind === "nat" && one.type === NFT_NAT.DNAT);
  const daddrOf = (): Ip | undefined => said.comparedWith(daddr(family).load(1));
  if (to?.kind !== "nat") {
    const isForAll = said.comparedWith(saddr(family).load(1)) === undefined;
    return { container: daddrOf(), mapping: undefined, isForAll };
  }
  const container = said.register(to.regAddrMin);
  const [containerPort, hostPort] = [said.register(to.regProtoMin), said.comparedWith(dport.load(1))].map(portOf);
  const number = said.comparedWith(l4proto.load(1))?.[0];
  const protocol = PROTOCOL_NAMES.find((name) => PROTOCOLS[name] === number);
  if (containerPort === undefined || hostPort === undefined || protocol === undefined) {
    return { container, mapping: undefined, isForAll: false };
  }
  const hostIp = daddrOf() ?? new Uint8Array(family === 4 ? 4 : 16);
  return { container, mapping: { hostIp, hostPort, containerPort, protocol }, isForAll: false };
}

/** What the expressions of a rule compare, and put into registers. */
class Said {
  readonly #expressions: readonly Expression[];

  constructor(expressions: readonly Expression[]) {
    this.#expressions = expressions;
  }

  /** What must be equal to what this loads; undefined where nothing must. */
  comparedWith(load: Expression): Uint8Array | undefined {
    const at = this.#expressions.findIndex((one) => isSameLoad(one, load));
    const next = at < 0 ? undefined : this.#expressions[at + 1];
    const isEqual = next?.kind === "cmp" && next.op === NFT_CMP.EQ && next.data instanceof Uint8Array;
    return isEqual && next.data instanceof Uint8Array ? next.data.slice() : undefined;
  }

  register(register: number | undefined): Uint8Array | undefined {
    for (const one of this.#expressions) {
      const isIt = register !== undefined && one.kind === "immediate" && one.dreg === register;
      if (isIt && one.data instanceof Uint8Array) return one.data.slice();
    }
    return undefined;
  }
}

function isSameLoad(one: Expression, load: Expression): boolean {
  if (one.kind === "payload" && load.kind === "payload") {
    return one.base === load.base && one.offset === load.offset && one.len === load.len;
  }
  return one.kind === "meta" && load.kind === "meta" && one.key === load.key;
}

function portOf(bytes: Uint8Array | undefined): number | undefined {
  return bytes === undefined ? undefined : ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
}
