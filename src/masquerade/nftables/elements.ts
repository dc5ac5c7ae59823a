// What each address has in our sets and maps: an element in `owners` and one in `policies`, and for its packets one in
// `members` or in `exceptions`.

import type { Attachment } from "../../cni/attachment.ts";
import { verdictText } from "../../nftables/data.ts";
import { addElements, createElements, deleteElements, type Element, getElement } from "../../nftables/element.ts";
import { type ElementCursor, eachElement } from "../../nftables/element-cursor.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { NFT_VERDICT } from "../../nftables/uapi.ts";
import { writeComment } from "../../owned/comment.ts";
import { hasCode } from "../../sys/error.ts";
import { type Family, familyOf, formatIp, type Ip } from "../../wire/ip.ts";
import { goesByNetwork } from "./policy-name.ts";
import { EXCEPTIONS, MEMBERS, OWNERS, POLICIES, STRICT, setIn } from "./table-names.ts";

/** An address of an attachment, and the chain of its policy. */
export interface OwnedAddress {
  readonly ip: Ip;
  readonly prefixLength: number;
  readonly chain: string;
  /** Whether its invalid packets are dropped. */
  readonly isStrict: boolean;
}

/** An address that comes under masquerade. */
export interface NewAddress {
  readonly ip: Ip;
  /** The id of the attachment. */
  readonly id: Uint8Array;
  /** See writeComment. */
  readonly comment: string;
  readonly chain: string;
  readonly isStrict: boolean;
}

/** Adds addresses of one family, of any attachments. The kernel says EEXIST where an address has another owner. */
export function addAddresses(family: Family, added: readonly NewAddress[]): Command[] {
  const verdicts = new Map(added.map(({ chain }) => [chain, { code: NFT_VERDICT.GOTO, chain }]));
  const withVerdict = ({ ip, chain }: NewAddress): Element => ({ key: ip, data: verdicts.get(chain) });
  const { members, exceptions } = byRouteIn(family, added);
  return [
    ...addElements({
      ...setIn(family, OWNERS),
      elements: added.map(({ ip, id, comment }) => ({ key: ip, data: id, comment })),
    }),
    ...addElements({ ...setIn(family, POLICIES), elements: added.map(withVerdict) }),
    ...addElements({ ...setIn(family, MEMBERS), elements: members.map(keyOf) }),
    ...addElements({ ...setIn(family, EXCEPTIONS), elements: exceptions.map(withVerdict) }),
    ...addElements({ ...setIn(family, STRICT), elements: strictKeys(added) }),
  ];
}

/** The addresses by their route-in: those that come to the policy by the network, and those that have an element each. */
function byRouteIn<T extends { readonly chain: string }>(
  family: Family,
  all: readonly T[],
): { readonly members: readonly T[]; readonly exceptions: readonly T[] } {
  const members = all.filter(({ chain }) => goesByNetwork(family, chain));
  if (members.length === all.length) return { members, exceptions: [] };
  return { members, exceptions: all.filter(({ chain }) => !goesByNetwork(family, chain)) };
}

const keyOf = ({ ip }: { readonly ip: Ip }): { readonly key: Ip } => ({ key: ip });

/** Makes an attachment the owner of addresses of one family. The kernel says EEXIST where an address has another owner. */
export function addOwned(
  family: Family,
  attachment: Attachment,
  id: Uint8Array,
  owned: readonly OwnedAddress[],
): Command[] {
  const added = owned.map((address) => ({
    ...address,
    id,
    comment: writeComment(attachment, `${formatIp(address.ip)}/${address.prefixLength}`),
  }));
  return addAddresses(family, added);
}

/**
 * Takes addresses of one family from the attachment with this id. Where an address has another owner by now, the first
 * command fails with EEXIST, and nothing is done: the kernel takes an element again with the same data, and refuses it
 * with other data. The deletion itself would not compare the data.
 */
export function deleteOwned(family: Family, id: Uint8Array, owned: readonly OwnedAddress[]): Command[] {
  const guard = owned.map(({ ip }) => ({ key: ip, data: id }));
  const keys = owned.map(keyOf);
  const { members, exceptions } = byRouteIn(family, owned);
  return [
    ...addElements({ ...setIn(family, OWNERS), elements: guard }),
    ...deleteElements({ ...setIn(family, OWNERS), elements: keys }),
    ...deleteElements({ ...setIn(family, POLICIES), elements: keys }),
    ...deleteElements({ ...setIn(family, MEMBERS), elements: members.map(keyOf) }),
    ...deleteElements({ ...setIn(family, EXCEPTIONS), elements: exceptions.map(keyOf) }),
    ...deleteElements({ ...setIn(family, STRICT), elements: strictKeys(owned) }),
  ];
}

/** Fails with EEXIST, and nothing is done, where the address has another owner than the attachment with this id. */
export function requireOwner(family: Family, ip: Ip, id: Uint8Array): Command[] {
  return addElements({ ...setIn(family, OWNERS), elements: [{ key: ip, data: id }] });
}

/** Fails with EEXIST, and nothing is done, unless the address has the owner that was seen, or none if none was seen. */
export function requireSameOwner(ip: Ip, { id }: KernelState): Command[] {
  const family = familyOf(ip);
  if (id !== undefined) return requireOwner(family, ip, id);
  const owner = { ...setIn(family, OWNERS), elements: [{ key: ip, data: new Uint8Array(ID_LENGTH) }] };
  return [...createElements(owner), ...deleteElement(family, OWNERS, ip)];
}

const ID_LENGTH = 16;

function strictKeys(owned: readonly Pick<OwnedAddress, "ip" | "isStrict">[]): { readonly key: Ip }[] {
  return owned.filter(({ isStrict }) => isStrict).map(keyOf);
}

/** Deletes the element of an address from one map. The owner is not compared. */
export function deleteElement(family: Family, map: string, ip: Ip): Command[] {
  return deleteElements({ ...setIn(family, map), elements: [{ key: ip }] });
}

/** How the packets of an address come to the chain of the policy: as a member, or by an exception. */
export interface RouteIn {
  readonly isMember: boolean;
  /** The verdict of `exceptions`, as nft writes it; undefined where that has no element. */
  readonly exception: string | undefined;
}

/** What the kernel's sets and maps say of one address. */
export interface KernelState extends RouteIn {
  readonly id: Uint8Array | undefined;
  /** `goto outside-…`, as nft writes it; undefined where `policies` does not have the address. */
  readonly verdict: string | undefined;
  /** The chain of that verdict. */
  readonly chain: string | undefined;
  /** The chain of the verdict of `exceptions`. */
  readonly exceptionChain: string | undefined;
  /** Whether its invalid packets are dropped. */
  readonly isStrict: boolean;
}

/** The verdict that an address of this policy's chain should have. */
export function verdictOf({ chain }: { readonly chain: string }): string {
  return verdictText({ code: NFT_VERDICT.GOTO, chain });
}

/** The route-in that an address of this policy's chain should have. */
export function routeInto(family: Family, chain: string): RouteIn {
  const isMember = goesByNetwork(family, chain);
  return { isMember, exception: isMember ? undefined : verdictOf({ chain }) };
}

/** Removes the elements of any other route-in than `wanted`; without `wanted`, the elements of every route-in. */
export function clearRouteIn(
  ip: Ip,
  state: RouteIn,
  wanted: RouteIn = { isMember: false, exception: undefined },
): Command[] {
  const family = familyOf(ip);
  const isMisled = state.exception !== undefined && state.exception !== wanted.exception;
  return [
    ...(state.isMember && !wanted.isMember ? deleteElement(family, MEMBERS, ip) : []),
    ...(isMisled ? deleteElement(family, EXCEPTIONS, ip) : []),
  ];
}

export function readKernelState(nft: Nftables, ip: Ip): KernelState {
  const family = familyOf(ip);
  const get = (set: string): Element | undefined => getElement(nft.connection, setIn(family, set), ip);
  const policy = get(POLICIES);
  const exception = get(EXCEPTIONS);
  return {
    id: idOf(get(OWNERS)),
    verdict: verdictIn(policy),
    chain: chainOf(policy),
    isMember: get(MEMBERS) !== undefined,
    exception: verdictIn(exception),
    exceptionChain: chainOf(exception),
    isStrict: get(STRICT) !== undefined,
  };
}

/** The chains that the address's elements lead to, each as often as they do: the kernel counts it so. */
export function chainsLedTo({ chain, exceptionChain }: KernelState): string[] {
  return [chain, exceptionChain].filter((name) => name !== undefined);
}

function verdictIn(element: Element | undefined): string | undefined {
  const data = element?.data;
  return data === undefined || data instanceof Uint8Array ? undefined : verdictText(data);
}

/** Goes through all elements of one of our maps or sets; there are none where it is missing. Throws NetlinkError. */
export function eachOf(nft: Nftables, family: Family, set: string, visit: (element: ElementCursor) => void): void {
  try {
    eachElement(nft.connection, setIn(family, set), visit);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

/** The id that an element of `owners` holds. */
export function idOf(owner: Element | undefined): Uint8Array | undefined {
  return owner?.data instanceof Uint8Array ? owner.data : undefined;
}

/** The chain that an element of `policies` goes to. */
export function chainOf(policy: Element | undefined): string | undefined {
  return policy?.data === undefined || policy.data instanceof Uint8Array ? undefined : policy.data.chain;
}
