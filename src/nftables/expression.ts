// Expressions: a nest of NFTA_EXPR_NAME and of NFTA_EXPR_DATA, whose layout the name selects. A rule is a list of them.

import { list, submessage } from "../wire/attrs.ts";
import { type Codec, encode, type Infer } from "../wire/codec.ts";
import { bitwise } from "./expr/bitwise.ts";
import { byteorder } from "./expr/byteorder.ts";
import { cmp } from "./expr/cmp.ts";
import { counter } from "./expr/counter.ts";
import { ct } from "./expr/ct.ts";
import { dynset } from "./expr/dynset.ts";
import { fib } from "./expr/fib.ts";
import { hash } from "./expr/hash.ts";
import { immediate } from "./expr/immediate.ts";
import { limit } from "./expr/limit.ts";
import { log } from "./expr/log.ts";
import { lookup } from "./expr/lookup.ts";
import { masq } from "./expr/masq.ts";
import { meta } from "./expr/meta.ts";
import { nat } from "./expr/nat.ts";
import { numgen } from "./expr/numgen.ts";
import { objref } from "./expr/objref.ts";
import { payload } from "./expr/payload.ts";
import { range } from "./expr/range.ts";
import { redir } from "./expr/redir.ts";
import { reject } from "./expr/reject.ts";
import { NFTA_EXPR, NFTA_LIST } from "./uapi.ts";

const anyExpression = submessage(
  { name: NFTA_EXPR.NAME, data: NFTA_EXPR.DATA },
  {
    bitwise,
    byteorder,
    cmp,
    counter,
    ct,
    dynset,
    fib,
    hash,
    immediate,
    limit,
    log,
    lookup,
    masq,
    meta,
    nat,
    numgen,
    objref,
    payload,
    range,
    redir,
    reject,
  },
);

/** One step of a rule, as data. */
export type Expression = Infer<typeof anyExpression>;

/** The bytes of expressions that are always the same. */
const constants = new Map<Expression, Uint8Array>();

/** An expression that module-level code makes once: it is encoded once, too, when the executable is built. */
export function constant<E extends Expression>(value: E): E {
  constants.set(value, encode(anyExpression, value).slice());
  return value;
}

/** The codec of one expression. `kind` is the name; one that is not in the table survives as bytes. */
export const expression: Codec<Expression> = {
  ...anyExpression,
  encode(value, out) {
    const known = constants.get(value);
    if (known === undefined) anyExpression.encode(value, out);
    else out.raw(known);
  },
};

/** NFTA_RULE_EXPRESSIONS and its like. */
export const expressions = list(NFTA_LIST.ELEM, expression);
