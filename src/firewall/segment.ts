// Segments: the attachments of one network that the node reaches through one interface. See firewall/table.ts.

import { sha512 } from "../hash/sha512.ts";
import type { Connection } from "../netlink/connection.ts";
import { type ChainSpec, createChain } from "../nftables/chain.ts";
import { concatKey } from "../nftables/datatype.ts";
import { addElements, deleteElements, type Element, getElement } from "../nftables/element.ts";
import type { Expression } from "../nftables/expression.ts";
import { ifnameKey, isIn, oifnameIsNot } from "../nftables/match.ts";
import type { Command } from "../nftables/message.ts";
import { oifname } from "../nftables/selector.ts";
import { counter, drop } from "../nftables/statement.ts";
import { idBytes, idText, networkId } from "../owned/id.ts";
import { addRules, chainFaults, type Fault } from "../owned/table.ts";
import { cstring, sameBytes } from "../wire/codec.ts";
import { IFNAME_LENGTH, ISOLATED, inTable, SEGMENTS } from "./table.ts";
import { INGRESS_POLICIES, type IngressPolicy, type Protection } from "./wanted.ts";

/** A segment as some attachment wants it. */
export interface Segment {
  readonly id: Uint8Array;
  readonly bridge: string | undefined;
  readonly policy: IngressPolicy;
  /** Undefined where the administrator's rules are in another firewall. */
  readonly adminChain: string | undefined;
}

/** The segment of an attachment to this network. */
export function segmentOf(network: string, protection: Omit<Protection, "addresses">): Segment {
  const { bridge, policy, backend } = protection;
  const adminChain = backend === "iptables" ? undefined : protection.adminChain;
  const id = new Uint8Array(16);
  id.set(networkId(network));
  id.set(sha512(`${bridge ?? ""}/${adminChain ?? ""}`, 8), 8); // no interface has a slash in its name
  return { id, bridge, policy, adminChain };
}

const PREFIX = "segment-";

/** The name of the segment's chain. */
export function segmentChain(id: Uint8Array): string {
  return PREFIX + idText(id);
}

const SEGMENT_CHAIN = /^segment-([0-9a-f]{32})$/;

/** The segment whose chain has this name; undefined where it is another chain. */
export function segmentOfChain(chain: string | undefined): Uint8Array | undefined {
  const [, text] = SEGMENT_CHAIN.exec(chain ?? "") ?? [];
  return text === undefined ? undefined : idBytes(text);
}

/** What stands for the interface of a segment that has none. No chain looks it up. */
const NO_BRIDGE = "-";

function dataOf({ bridge = NO_BRIDGE, policy }: Pick<Segment, "bridge" | "policy">): Uint8Array {
  return concatKey(ifnameKey(bridge), ifnameKey(policy));
}

/** Says that the segment is so; EEXIST where it is otherwise. */
export function assertSegment(segment: Segment): Command[] {
  return addElements({ ...SEGMENTS, elements: [{ key: segment.id, data: dataOf(segment) }] });
}

/** What the kernel has of a segment: its bridge and its policy; undefined, where somebody has written something else. */
export interface KnownSegment {
  readonly bridge: string | undefined;
  readonly policy: IngressPolicy | undefined;
}

/** The segment by its id, or undefined where there is none. Throws NetlinkError. */
export function readSegment(connection: Connection, id: Uint8Array): KnownSegment | undefined {
  const found = getElement(connection, SEGMENTS, id);
  return found === undefined ? undefined : segmentIn(found);
}

/** What an element of the map segments says. */
export function segmentIn({ data }: Element): KnownSegment {
  const texts = data instanceof Uint8Array ? data : new Uint8Array(2 * IFNAME_LENGTH);
  const bridge = cstring.decode(texts.subarray(0, IFNAME_LENGTH));
  const policy = cstring.decode(texts.subarray(IFNAME_LENGTH));
  return {
    bridge: bridge === NO_BRIDGE ? undefined : bridge,
    policy: INGRESS_POLICIES.find((one) => one === policy),
  };
}

/** Whether the kernel has the segment as it is wanted: by one question, so not whether its chain has been altered. */
export function hasSegment(connection: Connection, segment: Segment): boolean {
  const data = getElement(connection, SEGMENTS, segment.id)?.data;
  return data instanceof Uint8Array && sameBytes(data, dataOf(segment));
}

/** What is dropped of the packets that come in through the segment's bridge. */
function rulesOf({ bridge, policy }: Pick<Segment, "bridge" | "policy">): Expression[][] {
  if (policy === "open" || bridge === undefined) return [];
  const toOthers = policy === "same-bridge" ? oifnameIsNot(bridge) : [];
  return [[...toOthers, ...isIn([oifname], ISOLATED.set), ...counter(), ...drop()]];
}

/** How many references to the segment's chain are its own: its rule, and the jump from the chain of the bridge. */
export function ownReferences({ bridge, policy }: KnownSegment): number {
  return policy === "open" || bridge === undefined ? 0 : 2;
}

/** Whether packets that come in through the segment's bridge are dropped at all. */
export function isIsolating({ bridge, policy }: Pick<Segment, "bridge" | "policy">): boolean {
  return policy !== "open" && bridge !== undefined;
}

function chainSpec(id: Uint8Array): ChainSpec {
  return { ...inTable, name: segmentChain(id) };
}

/** Makes the chain and the element of a segment, where there is nothing of it. */
export function createSegment(segment: Segment): Command[] {
  const chain = chainSpec(segment.id);
  return [createChain(chain), ...addRules(chain, rulesOf(segment)), ...assertSegment(segment)];
}

/** What is wrong with the segment's chain and element; a segment of another policy is wrong, too. Throws NetlinkError. */
export function segmentFaults(connection: Connection, segment: Segment): Fault[] {
  const chain = chainFaults(connection, { chain: chainSpec(segment.id), rules: rulesOf(segment) });
  const found = readSegment(connection, segment.id);
  if (found === undefined) {
    return [
      ...chain,
      { text: `the segment's element of map ${SEGMENTS.set} is missing`, repair: assertSegment(segment) },
    ];
  }
  if (hasSegment(connection, segment)) return chain;
  const text =
    found.policy === undefined || found.bridge !== segment.bridge
      ? `the segment's element of map ${SEGMENTS.set} has been altered`
      : `the segment's ingress policy is ${found.policy}, not ${segment.policy}`;
  return [...chain, { text, repair: [...forgetSegment(segment.id), ...assertSegment(segment)] }];
}

/** Deletes the segment's element; ENOENT where there is none. */
export function forgetSegment(id: Uint8Array): Command[] {
  return deleteElements({ ...SEGMENTS, elements: [{ key: id }] });
}
