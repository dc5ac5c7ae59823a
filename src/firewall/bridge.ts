// What the tables say of one bridge, by the segments on it.

import { sha512 } from "../hash/sha512.ts";
import type { Connection } from "../netlink/connection.ts";
import { type ChainSpec, createChain, deleteChain, getChain } from "../nftables/chain.ts";
import { createElements, deleteElements, type ElementSet, getElement } from "../nftables/element.ts";
import type { Expression } from "../nftables/expression.ts";
import { ifnameKey } from "../nftables/match.ts";
import type { Command } from "../nftables/message.ts";
import { flushChain, listRules, type Rule } from "../nftables/rule.ts";
import { jump } from "../nftables/statement.ts";
import { NFT_VERDICT } from "../nftables/uapi.ts";
import { hasRules } from "../owned/compare.ts";
import { idText } from "../owned/id.ts";
import { addRules } from "../owned/table.ts";
import { isIsolating, type KnownSegment, readSegment, segmentChain, segmentOfChain } from "./segment.ts";
import { BRIDGES, ISOLATED, inTable } from "./table.ts";
import type { IsolatingPolicy } from "./wanted.ts";

/** A segment on a bridge as it shall be; without a policy where it goes. */
export interface Change {
  readonly id: Uint8Array;
  readonly policy: KnownSegment["policy"];
}

const PLAIN = /^[A-Za-z0-9_.-]+$/;

/** The chain of a bridge; nft could not read every name that an interface can have. */
export function bridgeChain(bridge: string): ChainSpec {
  return { ...inTable, name: `bridge-${PLAIN.test(bridge) ? bridge : idText(sha512(bridge, 16))}` };
}

/**
 * What makes the tables say of the bridge what they should after these changes of its segments. `isFresh` is whether there is no
 * table yet. Throws NetlinkError.
 */
export function planBridge(
  connection: Connection,
  bridge: string,
  changes: readonly Change[],
  isFresh: boolean,
): Command[] {
  const rules = isFresh ? [] : rulesOf(connection, bridge);
  const changed = new Set(changes.map(({ id }) => idText(id)));
  const others = jumpsIn(rules).filter((id) => !changed.has(idText(id)));
  const own = changes.filter(({ policy }) => policy !== undefined && isIsolating({ bridge, policy }));
  const isolating = [...others, ...own.map(({ id }) => id)];
  return planWay(
    connection,
    bridge,
    isolating.map((id) => jump(segmentChain(id))),
    rules,
    isFresh,
  );
}

/** The rules of the bridge's chain; none where there is none. */
function rulesOf(connection: Connection, bridge: string): Rule[] {
  const { family, table, name } = bridgeChain(bridge);
  return listRules(connection, { family, table, chain: name });
}

/** The segments that rules lead to. */
function jumpsIn(rules: readonly Rule[]): Uint8Array[] {
  return rules.flatMap(({ expressions }) => {
    const last = expressions.at(-1);
    if (last?.kind !== "immediate" || last.data === undefined || last.data instanceof Uint8Array) return [];
    return segmentOfChain(last.data.chain) ?? [];
  });
}

/** The policies of the segments that isolate the bridge, each once. Throws NetlinkError. */
export function isolatingPolicies(connection: Connection, bridge: string): IsolatingPolicy[] {
  const policies = jumpsIn(rulesOf(connection, bridge)).map((id) => readSegment(connection, id)?.policy);
  return [...new Set(policies)].filter((one) => one !== undefined && one !== "open");
}

/** The chain with these rules, and the elements that lead there; none of it without rules. */
function planWay(
  connection: Connection,
  bridge: string,
  wanted: readonly (readonly Expression[])[],
  rules: readonly Rule[],
  isFresh: boolean,
): Command[] {
  const chain = bridgeChain(bridge);
  const key = ifnameKey(bridge);
  const isThere = !isFresh && getChain(connection, chain) !== undefined;
  const led = isFresh ? undefined : getElement(connection, BRIDGES, key);
  const isNamed = !isFresh && getElement(connection, ISOLATED, key) !== undefined;
  if (wanted.length === 0) {
    return [
      ...(led === undefined ? [] : deleteElements({ ...BRIDGES, elements: [{ key }] })),
      ...(isNamed ? deleteElements({ ...ISOLATED, elements: [{ key }] }) : []),
      ...(isThere ? [deleteChain(chain)] : []),
    ];
  }
  const flush = isThere ? [flushChain({ ...inTable, chain: chain.name })] : [createChain(chain)];
  return [
    ...(isThere && hasRules(rules, wanted) ? [] : [...flush, ...addRules(chain, wanted)]),
    ...leadTo(BRIDGES, key, chain.name, led?.data),
    ...(isNamed ? [] : createElements({ ...ISOLATED, elements: [{ key }] })),
  ];
}

function leadTo(set: ElementSet, key: Uint8Array, chain: string, found: unknown): Command[] {
  const data = { code: NFT_VERDICT.JUMP, chain };
  if (found === undefined) return createElements({ ...set, elements: [{ key, data }] });
  if (isVerdict(found) && found.code === data.code && found.chain === chain) return [];
  return [...deleteElements({ ...set, elements: [{ key }] }), ...createElements({ ...set, elements: [{ key, data }] })];
}

function isVerdict(data: unknown): data is { readonly code: number; readonly chain?: string } {
  return typeof data === "object" && data !== null && !(data instanceof Uint8Array);
}

/** What is missing of the bridge of an isolating segment, each as a phrase. Throws NetlinkError. */
export function bridgeFaults(connection: Connection, bridge: string, { id }: Change): string[] {
  const chain = bridgeChain(bridge);
  const key = ifnameKey(bridge);
  const faults: string[] = [];
  const leads = getElement(connection, BRIDGES, key)?.data;
  if (!isVerdict(leads) || leads.chain !== chain.name) {
    faults.push(`map ${BRIDGES.set} does not lead ${bridge} to chain ${chain.name}`);
  }
  if (!jumpsIn(rulesOf(connection, bridge)).some((one) => idText(one) === idText(id))) {
    faults.push(`chain ${chain.name} does not lead to chain ${segmentChain(id)}`);
  }
  if (getElement(connection, ISOLATED, key) === undefined) faults.push(`set ${ISOLATED.set} does not have ${bridge}`);
  return faults;
}
