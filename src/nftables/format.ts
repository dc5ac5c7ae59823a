// Rules as text, the way `nft --debug=netlink` prints them: for traces, error reports and tests.

import { bitwiseText } from "./expr/bitwise.ts";
import { byteorderText } from "./expr/byteorder.ts";
import { cmpText } from "./expr/cmp.ts";
import { counterText } from "./expr/counter.ts";
import { ctText } from "./expr/ct.ts";
import { dynsetText } from "./expr/dynset.ts";
import { fibText } from "./expr/fib.ts";
import { hashText } from "./expr/hash.ts";
import { immediateText } from "./expr/immediate.ts";
import { limitText } from "./expr/limit.ts";
import { logText } from "./expr/log.ts";
import { lookupText } from "./expr/lookup.ts";
import { masqText } from "./expr/masq.ts";
import { metaText } from "./expr/meta.ts";
import { natText } from "./expr/nat.ts";
import { numgenText } from "./expr/numgen.ts";
import { objrefText } from "./expr/objref.ts";
import { payloadText } from "./expr/payload.ts";
import { rangeText } from "./expr/range.ts";
import { redirText } from "./expr/redir.ts";
import { rejectText } from "./expr/reject.ts";
import type { Expression } from "./expression.ts";
import { familyName } from "./message.ts";
import type { RuleSpec } from "./rule.ts";

/** `[ cmp eq reg 1 0x0000000a ]` */
export function formatExpression(e: Expression): string {
  return `[ ${expressionText(e)} ]`;
}

function expressionText(e: Expression): string {
  switch (e.kind) {
    case "bitwise":
      return bitwiseText(e);
    case "byteorder":
      return byteorderText(e);
    case "cmp":
      return cmpText(e);
    case "counter":
      return counterText(e);
    case "ct":
      return ctText(e);
    case "dynset":
      return dynsetText(e);
    case "fib":
      return fibText(e);
    case "hash":
      return hashText(e);
    case "immediate":
      return immediateText(e);
    case "limit":
      return limitText(e);
    case "log":
      return logText(e);
    case "lookup":
      return lookupText(e);
    case "masq":
      return masqText(e);
    case "meta":
      return metaText(e);
    case "nat":
      return natText(e);
    case "numgen":
      return numgenText(e);
    case "objref":
      return objrefText(e);
    case "payload":
      return payloadText(e);
    case "range":
      return rangeText(e);
    case "redir":
      return redirText(e);
    case "reject":
      return rejectText(e);
    case "unknown":
      return `${e.name} ${e.data?.length ?? 0} bytes`;
  }
}

/** The rule's chain, and its expressions a line each. */
export function formatRule(r: RuleSpec): string {
  const lines = r.expressions.map((e) => `  ${formatExpression(e)}`);
  return [`${familyName(r.family)} ${r.table} ${r.chain}`, ...lines].join("\n");
}
