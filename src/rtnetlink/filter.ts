// Filters of traffic control, at one of the hooks of a link: `tc filter`.

import type { Connection } from "../netlink/connection.ts";
import { type Message, type Request, request } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { attr, attrs, decodeVariant, type SubmessageValue } from "../wire/attrs.ts";
import { cstring, encode } from "../wire/codec.ts";
import { decodeWithin } from "../wire/error.ts";
import { rawNest } from "./codecs.ts";
import { type Device, deviceText } from "./device.ts";
import { type Action, redirectionOf } from "./tc/mirred.ts";
import { filterMessage, HOOKS, type Hook, handleOf, handleText } from "./tc/tcmsg.ts";
import { matching, type U32Key, u32Filter } from "./tc/u32.ts";
import { ETH_P, RTM, TCA } from "./uapi.ts";

/** include/uapi/linux/rtnetlink.h, TCA_* */
const filterAttributes = attrs({ kind: attr(TCA.KIND, cstring), options: attr(TCA.OPTIONS, rawNest) });

const kinds = { u32: u32Filter };

/** What filters of one kind and protocol have in common: the kernel goes through the priorities from 1 on. */
export interface FilterPlace {
  readonly hook: Hook;
  /** 1 to 65535; the filters of one priority are of one kind and one protocol. */
  readonly priority: number;
  /** ETH_P */
  readonly protocol: number;
}

/** A filter of the kind u32 to be added. */
export interface NewFilter extends FilterPlace {
  /** Of these all must fit; those of a packet of any kind have a mask of 0. */
  readonly keys: readonly U32Key[];
  /** None: the search ends, and the packet passes. */
  readonly actions: readonly Action[];
}

/** A filter as the kernel describes it. */
export interface Filter {
  readonly priority: number;
  readonly protocol: number;
  /** Of a u32 filter `800::800` as a number; 0 stands for all that are of the priority. */
  readonly handle: number;
  /** `u32`, `bpf` and so on. */
  readonly kind: string;
  /** Of a u32 filter; undefined for other kinds and for what is no filter but a table of them. */
  readonly keys: readonly U32Key[] | undefined;
  readonly actions: readonly Action[];
}

/** The class that upstream's filters give packets; at these hooks there are no classes, and nobody looks at it. */
const CLASS_ID = handleOf(1, 1);

/** Like `tc filter add dev … ingress protocol all pref 65535 u32 match … action …`: another one beside those that are there. */
export function addFilter(device: Device, filter: NewFilter): Request {
  const { hook, priority, protocol, keys, actions } = filter;
  const options = encode(u32Filter, {
    classId: CLASS_ID,
    selector: matching(keys),
    actions: actions.length > 0 ? actions : undefined,
  });
  const operation = (): string =>
    `filter add dev ${deviceText(device)} ${placeText(filter)} u32${keysText(keys)}${actionsText(actions)}`;
  const header = { family: 0, index: device.index, handle: 0, parent: HOOKS[hook], protocol, priority };
  const flags = NLM_F.CREATE | NLM_F.EXCL;
  return request(
    RTM.NEWTFILTER,
    flags,
    operation,
    [filterMessage, header],
    [filterAttributes, { kind: "u32", options }],
  );
}

/**
 * Like `tc filter delete dev … ingress protocol all pref 65535 u32`: all filters of this priority, or the one of this handle.
 * Fails with ENOENT where there is none, and with EINVAL where the hook is missing or the priority has another kind.
 */
export function deleteFilters(device: Device, place: FilterPlace, handle = 0): Request {
  const { hook, priority, protocol } = place;
  const operation = (): string => `filter delete dev ${deviceText(device)} ${placeText(place)} u32`;
  const header = { family: 0, index: device.index, handle, parent: HOOKS[hook], protocol, priority };
  return request(RTM.DELTFILTER, 0, operation, [filterMessage, header], [filterAttributes, { kind: "u32" }]);
}

/** Like `tc filter show dev … ingress`; empty where the link has no such hook, or is gone. */
export function listFilters(connection: Connection, device: Device, hook: Hook): Filter[] {
  const operation = (): string => `filter show dev ${deviceText(device)} ${hook}`;
  const header = { family: 0, index: device.index, handle: 0, parent: HOOKS[hook], protocol: 0, priority: 0 };
  const dump = request(RTM.GETTFILTER, 0, operation, [filterMessage, header], [filterAttributes, {}]);
  try {
    return connection.dump(dump).map(decodeFilter);
  } catch (error) {
    if (hasCode(error, "EINVAL", "ENOENT", "ENODEV", "EOPNOTSUPP")) return [];
    throw error;
  }
}

/** A filter from an RTM_NEWTFILTER or RTM_DELTFILTER, answered or heard. Throws DecodeError. */
export function decodeFilter({ payload }: Message): Filter {
  return decodeWithin("filter", () => {
    const { priority, protocol, handle } = filterMessage.decode(payload);
    const { kind = "", options } = filterAttributes.decode(payload.subarray(filterMessage.size));
    const known: SubmessageValue<typeof kinds> = decodeVariant(kinds, kind, options);
    const u32 = known.kind === "u32" && !("name" in known) ? known : undefined;
    return { priority, protocol, handle, kind, keys: u32?.selector?.keys, actions: u32?.actions ?? [] };
  });
}

function placeText({ hook, protocol, priority }: FilterPlace): string {
  const [name] = Object.entries(ETH_P).find(([, number]) => number === protocol) ?? [`0x${protocol.toString(16)}`];
  return `${hook} protocol ${name.toLowerCase()} pref ${priority}`;
}

function keysText(keys: readonly U32Key[]): string {
  const hex = (value: number): string => `0x${value.toString(16).padStart(8, "0")}`;
  return keys.map(({ mask, value, offset }) => ` match u32 ${hex(value)} ${hex(mask)} at ${offset}`).join("");
}

function actionsText(actions: readonly Action[]): string {
  const text = (action: Action): string => {
    const index = redirectionOf(action);
    return index === undefined ? ` action ${action.kind}` : ` action mirred egress redirect dev if${index}`;
  };
  return actions.length === 0 ? ` flowid ${handleText(CLASS_ID)}` : actions.map(text).join("");
}
