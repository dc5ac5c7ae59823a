// Rules: NFTA_RULE_…

import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { bytes, cstring, type Infer, u32be, u64be } from "../wire/codec.ts";
import { type Expression, expressions } from "./expression.ts";
import { type Command, command, familyName, readReply, required } from "./message.ts";
import { modulesOf } from "./missing-part.ts";
import { NFPROTO, NFT_MSG, NFTA_RULE } from "./uapi.ts";
import { commentOf, commentUserdata, decodeUserdata, NFTNL_UDATA } from "./userdata.ts";

const rule = attrs({
  table: attr(NFTA_RULE.TABLE, cstring),
  chain: attr(NFTA_RULE.CHAIN, cstring),
  handle: attr(NFTA_RULE.HANDLE, u64be),
  expressions: attr(NFTA_RULE.EXPRESSIONS, expressions),
  position: attr(NFTA_RULE.POSITION, u64be), // handle of the rule to put this one beside; of the one before, in answers
  userdata: attr(NFTA_RULE.USERDATA, bytes),
  id: attr(NFTA_RULE.ID, u32be),
});

/** What names a chain for its rules. `family` is of NFPROTO. */
export interface RuleChain {
  readonly family: number;
  readonly table: string;
  readonly chain: string;
}

export interface RuleSpec extends RuleChain {
  readonly expressions: readonly Expression[];
  readonly comment?: string | undefined;
  /** Handle of the rule to add after, or to insert before; the end or the beginning of the chain when absent. */
  readonly position?: bigint | undefined;
}

/** A rule as the kernel describes it. */
export interface Rule extends RuleChain {
  readonly handle: bigint;
  readonly expressions: readonly Expression[];
  readonly comment: string | undefined;
}

const nameOf = (r: RuleChain): string => `rule ${familyName(r.family)} ${r.table} ${r.chain}`;

function newRule(verb: string, flags: number, r: RuleSpec, handle?: bigint): Command {
  const values: Infer<typeof rule> = {
    table: r.table,
    chain: r.chain,
    handle,
    expressions: r.expressions,
    position: r.position,
    userdata: commentUserdata(r.comment),
  };
  const operation = (): string => {
    const what = r.comment === undefined ? "" : ` comment "${r.comment}"`;
    return `${verb} ${nameOf(r)}${handle === undefined ? "" : ` handle ${handle}`}${what}`;
  };
  return {
    ...command(NFT_MSG.NEWRULE, flags, r.family, operation, [rule, values]),
    modules: () => modulesOf(r.family, r.expressions),
  };
}

/** Adds a rule at the end of the chain or after another, like `nft add rule`; there is no test for one like it. */
export function addRule(r: RuleSpec): Command {
  return newRule("add", NLM_F.CREATE | NLM_F.APPEND, r);
}

/** Adds a rule at the beginning of the chain or before another, like `nft insert rule`. */
export function insertRule(r: RuleSpec): Command {
  return newRule("insert", NLM_F.CREATE, r);
}

/** Puts a rule in the place of the one with this handle, like `nft replace rule`; ENOENT where there is none. */
export function replaceRule(r: RuleSpec & { readonly handle: bigint }): Command {
  return newRule("replace", NLM_F.REPLACE, r, r.handle);
}

/** Deletes one rule, like `nft delete rule`; ENOENT where there is none with this handle. */
export function deleteRule(r: RuleChain & { readonly handle: bigint }): Command {
  const values = { table: r.table, chain: r.chain, handle: r.handle };
  const operation = (): string => `delete ${nameOf(r)} handle ${r.handle}`;
  return command(NFT_MSG.DELRULE, 0, r.family, operation, [rule, values]);
}

/** Deletes all rules of the chain, like `nft flush chain`; ENOENT where there is no such chain. */
export function flushChain(r: RuleChain): Command {
  const operation = (): string => `flush chain ${familyName(r.family)} ${r.table} ${r.chain}`;
  return command(NFT_MSG.DELRULE, 0, r.family, operation, [rule, { table: r.table, chain: r.chain }]);
}

/** Reads an answer to GETRULE, or an event. Throws DecodeError. */
export function readRule(message: Message): Rule {
  const { family, attributes } = readReply(message, "rule", rule);
  return {
    family,
    table: required(attributes.table, "rule/table"),
    chain: required(attributes.chain, "rule/chain"),
    handle: required(attributes.handle, "rule/handle"),
    expressions: attributes.expressions ?? [],
    comment: commentOf(decodeUserdata(attributes.userdata), NFTNL_UDATA.COMMENT),
  };
}

/** Which rules to list: all, those of a family, of a table or of one chain. */
export type RuleScope =
  | { readonly family?: number; readonly table?: undefined; readonly chain?: undefined }
  | { readonly family: number; readonly table: string; readonly chain?: string };

/** The rules, in order; none where there is no such table or chain. Throws NetlinkError. */
export function listRules(connection: Connection, where: RuleScope = {}): Rule[] {
  return dumpRules(connection, where).map(readRule);
}

/** The same as they came, for readers of tens of thousands of them. Throws NetlinkError. */
export function dumpRules(connection: Connection, where: RuleScope = {}): Message[] {
  const values = { table: where.table, chain: where.chain };
  const list = command(NFT_MSG.GETRULE, 0, where.family ?? NFPROTO.UNSPEC, () => "list rules", [rule, values]);
  return connection.dump(list);
}
