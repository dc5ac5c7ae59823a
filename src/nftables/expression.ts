// Expressions: a nest of NFTA_EXPR_NAME and of NFTA_EXPR_DATA, whose layout the name selects. A rule is a list of them.

import { list, submessage } from "../wire/attrs.ts";
import type { Infer } from "../wire/codec.ts";
import { bitwise } from "./expr/bitwise.ts";
import { cmp } from "./expr/cmp.ts";
import { counter } from "./expr/counter.ts";
import { immediate } from "./expr/immediate.ts";
import { lookup } from "./expr/lookup.ts";
import { masq } from "./expr/masq.ts";
import { meta } from "./expr/meta.ts";
import { payload } from "./expr/payload.ts";

/** The codec of one expression. `kind` is the name; one that is not in the table survives as bytes. */
export const expression = submessage(
  { name: 1, data: 2 },
  {
    bitwise,
    cmp,
    counter,
    immediate,
    lookup,
    masq,
    meta,
    payload,
  },
);

const NFTA_LIST_ELEM = 1;

/** NFTA_RULE_EXPRESSIONS and its like. */
export const expressions = list(NFTA_LIST_ELEM, expression);

/** One step of a rule, as data. */
export type Expression = Infer<typeof expression>;

/** Sets and elements have an attribute for one expression and, since kernel 5.11, one for several. */
interface OneOrMore {
  readonly expression?: Expression | undefined;
  readonly expressions?: readonly Expression[] | undefined;
}

/** One expression goes into the attribute that older kernels know, too. */
export function expressionsToWire(all: readonly Expression[] | undefined): OneOrMore {
  if (all === undefined || all.length === 0) return {};
  return all.length === 1 ? { expression: all[0] } : { expressions: all };
}

/** The expressions, from either attribute; undefined where there are none. */
export function expressionsFromWire(values: OneOrMore): readonly Expression[] | undefined {
  return values.expressions ?? (values.expression === undefined ? undefined : [values.expression]);
}
