// Actions of a filter, of which we know one: `action mirred egress redirect`, tc-mirred(8).

import { attr, attrs, readAttributes, type SubmessageValue, submessage, writeAttribute } from "../../wire/attrs.ts";
import { type Codec, decodeNamed, s32, u32 } from "../../wire/codec.ts";
import { struct } from "../../wire/struct.ts";
import { TC_ACT, TCA_ACT, TCA_EGRESS, TCA_MIRRED } from "../uapi.ts";

/** struct tc_mirred, include/uapi/linux/tc_act/tc_mirred.h */
const mirredParameters = struct({
  index: u32,
  capab: u32,
  action: s32,
  refcnt: s32,
  bindcnt: s32,
  eaction: s32,
  ifindex: u32,
});

const mirred = attrs({ parameters: attr(TCA_MIRRED.PARMS, mirredParameters) });

const action = submessage({ name: TCA_ACT.KIND, data: TCA_ACT.OPTIONS }, { mirred });

/** An action: `{ kind: "mirred", parameters: … }`; those not known here keep their bytes. */
export type Action = SubmessageValue<{ readonly mirred: typeof mirred }>;

/** The actions of a filter, in their order, which their attribute numbers tell. */
export const actions: Codec<readonly Action[]> = {
  nested: true,
  encode(values, out) {
    for (const [i, value] of values.entries()) writeAttribute(out, i + 1, action, value);
  },
  decode: (payload) => readAttributes(payload).map((raw, i) => decodeNamed(action, raw.payload, String(i))),
};

/** Like `action mirred egress redirect dev …`: the packet leaves by that link, and nobody here sees it any more. */
export function redirectTo(ifindex: number): Action {
  const parameters = {
    index: 0,
    capab: 0,
    refcnt: 0,
    bindcnt: 0,
    action: TC_ACT.STOLEN,
    eaction: TCA_EGRESS.REDIR,
    ifindex,
  };
  return { kind: "mirred", parameters };
}

/** The index of the link that the action redirects to; undefined for any other action. 0: that link is gone. */
export function redirectionOf(one: Action): number | undefined {
  if (one.kind !== "mirred" || !("parameters" in one)) return undefined;
  return one.parameters?.eaction === TCA_EGRESS.REDIR ? one.parameters.ifindex : undefined;
}
