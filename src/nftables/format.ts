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

/** The text of each kind. */
const texts: { readonly [K in Expression["kind"]]: (e: Extract<Expression, { kind: K }>) => string } = {
  bitwise: bitwiseText,
  byteorder: byteorderText,
  cmp: cmpText,
  counter: counterText,
  ct: ctText,
  dynset: dynsetText,
  fib: fibText,
  hash: hashText,
  immediate: immediateText,
  limit: limitText,
  log: logText,
  lookup: lookupText,
  masq: masqText,
  meta: metaText,
  nat: natText,
  numgen: numgenText,
  objref: objrefText,
  payload: payloadText,
  range: rangeText,
  redir: redirText,
  reject: rejectText,
  unknown: (e) => `${e.name} ${e.data?.length ?? 0} bytes`,
};

function expressionText(e: Expression): string {
  const text: (e: never) => string = texts[e.kind];
  return text(e as never);
}

/** The rule's chain, and its expressions a line each. */
export function formatRule(r: RuleSpec): string {
  const lines = r.expressions.map((e) => `  ${formatExpression(e)}`);
  return [`${familyName(r.family)} ${r.table} ${r.chain}`, ...lines].join("\n");
}
