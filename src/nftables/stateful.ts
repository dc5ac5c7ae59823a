// Expressions that keep a state of their own: they may stand with a set, which gives one to each of its elements.

import { list, submessage } from "../wire/attrs.ts";
import type { Infer } from "../wire/codec.ts";
import { counter, counterText } from "./expr/counter.ts";
import { limit, limitText } from "./expr/limit.ts";
import { NFTA_EXPR, NFTA_LIST } from "./uapi.ts";

/** Quotas and the like, which have no codec here, survive as bytes. */
export const stateful = submessage({ name: NFTA_EXPR.NAME, data: NFTA_EXPR.DATA }, { counter, limit });

export const statefuls = list(NFTA_LIST.ELEM, stateful);

export type StatefulExpression = Infer<typeof stateful>;

/** Sets and elements have an attribute for one expression and, since kernel 5.11, one for several. */
interface OneOrMore {
  readonly expression?: StatefulExpression | undefined;
  readonly expressions?: readonly StatefulExpression[] | undefined;
}

/** One expression goes into the attribute that older kernels know, too. */
export function statefulsToWire(all: readonly StatefulExpression[] | undefined): OneOrMore {
  if (all === undefined || all.length === 0) return {};
  return all.length === 1 ? { expression: all[0] } : { expressions: all };
}

/** The expressions, from either attribute; undefined where there are none. */
export function statefulsFromWire(values: OneOrMore): readonly StatefulExpression[] | undefined {
  return values.expressions ?? (values.expression === undefined ? undefined : [values.expression]);
}

/** `counter pkts 0 bytes 0` */
export function statefulText(e: StatefulExpression): string {
  switch (e.kind) {
    case "counter":
      return counterText(e);
    case "limit":
      return limitText(e);
    case "unknown":
      return `${e.name} ${e.data?.length ?? 0} bytes`;
  }
}
