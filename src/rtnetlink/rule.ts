// Rules that choose a routing table for a packet: `ip rule`.

import type { Connection } from "../netlink/connection.ts";
import { type Message, type Request, request } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { type Infer, pad, u8, u32 } from "../wire/codec.ts";
import { decodeWithin } from "../wire/error.ts";
import { type Cidr, type Family, familyOf, formatCidr } from "../wire/ip.ts";
import { struct } from "../wire/struct.ts";
import { ip } from "./codecs.ts";
import { addressFamily } from "./device.ts";
import { AF, FIB_RULE, FR_ACT, FRA, RT_TABLE, RTM, RTPROT } from "./uapi.ts";

/** struct fib_rule_hdr, include/uapi/linux/fib_rules.h */
const fibRuleHeader = struct({
  family: u8,
  dstLength: u8,
  srcLength: u8,
  tos: u8,
  table: u8,
  _reserved: pad(2),
  action: u8,
  flags: u32,
});

/** include/uapi/linux/fib_rules.h, FRA_* */
const ruleAttributes = attrs({
  source: attr(FRA.SRC, ip),
  priority: attr(FRA.PRIORITY, u32),
  suppressPrefixLength: attr(FRA.SUPPRESS_PREFIXLEN, u32),
  table: attr(FRA.TABLE, u32),
  protocol: attr(FRA.PROTOCOL, u8),
});

type RuleHeader = Infer<typeof fibRuleHeader>;

/** A rule by the source of packets: `from SOURCE lookup TABLE`. */
export interface NewRule {
  /** The packets that the rule is for. Its family is the rule's. */
  readonly source: Cidr;
  /** The table that a route is looked for in. */
  readonly table: number;
  /** The lower comes first; when absent, the kernel chooses one before all others but that of the local table. */
  readonly priority?: number | undefined;
  /** RTPROT; UNSPEC when absent, as with ip(8). */
  readonly protocol?: number | undefined;
}

/** A rule as the kernel describes it. */
export interface Rule {
  readonly family: Family;
  /** Undefined where the rule is for packets from anywhere. */
  readonly source: Cidr | undefined;
  /** 0 where the rule looks into no table. */
  readonly table: number;
  readonly priority: number;
  readonly protocol: number;
  /** Whether the rule looks into its table for all packets of its source: no other condition, no other action. */
  readonly isPlain: boolean;
}

/** Like `ip rule add`. Fails with EEXIST when there is this very rule already. */
export function addRule(rule: NewRule): Request {
  const header = { ...headerOf(rule), action: FR_ACT.TO_TBL };
  return ruleRequest(RTM.NEWRULE, NLM_F.CREATE | NLM_F.EXCL, "add", header, rule);
}

/** Like `ip rule delete`: the first that agrees with all that is given. Fails with ENOENT when there is none. */
export function deleteRule(rule: NewRule): Request {
  return ruleRequest(RTM.DELRULE, 0, "delete", { ...headerOf(rule), action: FR_ACT.UNSPEC }, rule);
}

/** Like `ip rule show`, of both families, in the order in which the kernel goes through each family's. */
export function listRules(connection: Connection): Rule[] {
  const dump = request(RTM.GETRULE, 0, () => "rule show", [fibRuleHeader, emptyHeader], [ruleAttributes, {}]);
  // Other families, multicast routing say, have rules of their own.
  return connection.dump(dump, { isWanted: ({ payload }) => isOfIp(payload) }).map(decodeRule);
}

function isOfIp(payload: Uint8Array): boolean {
  const { family } = fibRuleHeader.decode(payload);
  return family === AF.INET || family === AF.INET6;
}

/** A rule from an RTM_NEWRULE or RTM_DELRULE, answered or heard. Throws DecodeError. */
export function decodeRule({ payload }: Message): Rule {
  return decodeWithin("rule", () => {
    const header = fibRuleHeader.decode(payload);
    const found = ruleAttributes.decode(payload.subarray(fibRuleHeader.size));
    const hasOthers = found.unknown !== undefined || header.dstLength > 0 || header.tos > 0;
    const suppresses = (found.suppressPrefixLength ?? NONE) !== NONE;
    const isInverted = (header.flags & FIB_RULE.INVERT) !== 0;
    return {
      family: header.family === AF.INET ? 4 : 6,
      source: found.source === undefined ? undefined : { ip: found.source, prefixLength: header.srcLength },
      table: found.table ?? header.table,
      priority: found.priority ?? 0,
      protocol: found.protocol ?? RTPROT.UNSPEC,
      isPlain: header.action === FR_ACT.TO_TBL && !hasOthers && !suppresses && !isInverted,
    };
  });
}

/** What the kernel says for no prefix length at all. */
const NONE = 0xffffffff;

const emptyHeader: RuleHeader = {
  ...{ family: AF.UNSPEC, dstLength: 0, srcLength: 0, tos: 0 },
  ...{ table: RT_TABLE.UNSPEC, action: FR_ACT.UNSPEC, flags: 0 },
};

/** Tables past 255 stand in FRA_TABLE only. */
function headerOf({ source, table }: NewRule): RuleHeader {
  const family = addressFamily(source.ip);
  return { ...emptyHeader, family, srcLength: source.prefixLength, table: table <= 0xff ? table : RT_TABLE.UNSPEC };
}

function ruleRequest(type: number, flags: number, verb: string, header: RuleHeader, rule: NewRule): Request {
  const { source, table, priority, protocol } = rule;
  const attributes = { source: source.ip, priority, table: table <= 0xff ? undefined : table, protocol };
  const operation = (): string => {
    const order = priority === undefined ? "" : ` priority ${priority}`;
    return `${familyOf(source.ip) === 4 ? "" : "-6 "}rule ${verb} from ${formatCidr(source)}${order} lookup ${table}`;
  };
  return request(type, flags, operation, [fibRuleHeader, header], [ruleAttributes, attributes]);
}
