// Chains: NFTA_CHAIN_… and NFTA_HOOK_…

import type { Connection } from "../netlink/connection.ts";
import { type Message, question } from "../netlink/message.ts";
import { NFGENMSG_SIZE } from "../netlink/nfnetlink.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { attr, attrs, pick } from "../wire/attrs.ts";
import { bytes, cstring, type Infer, s32be, u32be, u64be } from "../wire/codec.ts";
import { type Command, command, familyName, readReply, required } from "./message.ts";
import { NFPROTO, NFT_MSG, NFTA_CHAIN, NFTA_HOOK } from "./uapi.ts";
import { commentOf, commentUserdata, decodeUserdata, NFTNL_UDATA } from "./userdata.ts";

const ENOENT = errno("ENOENT");

const chain = attrs({
  table: attr(NFTA_CHAIN.TABLE, cstring),
  handle: attr(NFTA_CHAIN.HANDLE, u64be),
  name: attr(NFTA_CHAIN.NAME, cstring),
  hook: attr(
    NFTA_CHAIN.HOOK,
    attrs({
      number: attr(NFTA_HOOK.HOOKNUM, u32be),
      priority: attr(NFTA_HOOK.PRIORITY, s32be),
      device: attr(NFTA_HOOK.DEV, cstring),
    }),
  ),
  policy: attr(NFTA_CHAIN.POLICY, u32be),
  use: attr(NFTA_CHAIN.USE, u32be), // how many rules and jumps refer to it
  type: attr(NFTA_CHAIN.TYPE, cstring),
  flags: attr(NFTA_CHAIN.FLAGS, u32be),
  userdata: attr(NFTA_CHAIN.USERDATA, bytes),
});

/** What names a chain. `family` is of NFPROTO. */
export interface ChainName {
  readonly family: number;
  readonly table: string;
  readonly name: string;
}

/** A chain; one with a hook is a base chain and needs type and priority too. */
export interface ChainSpec extends ChainName {
  /** `filter`, `nat` or `route`. */
  readonly type?: string | undefined;
  /** Of NF_INET, or of NF_NETDEV in that family. */
  readonly hook?: number | undefined;
  /** Of NF_IP_PRI or NF_BR_PRI, say. */
  readonly priority?: number | undefined;
  /** The interface of a chain of the family netdev. */
  readonly device?: string | undefined;
  /** NF.ACCEPT or NF.DROP. */
  readonly policy?: number | undefined;
  /** Kernel 5.10 and later keep it. */
  readonly comment?: string | undefined;
}

/** A chain as the kernel describes it. */
export interface Chain extends ChainSpec {
  readonly handle: bigint;
  readonly use: number;
  readonly flags: number;
}

const nameOf = (c: ChainName): string => `chain ${familyName(c.family)} ${c.table} ${c.name}`;

function newChain(verb: string, flags: number, c: ChainSpec): Command {
  const values: Infer<typeof chain> = {
    table: c.table,
    name: c.name,
    hook: c.hook === undefined ? undefined : { number: c.hook, priority: c.priority, device: c.device },
    policy: c.policy,
    type: c.type,
    userdata: commentUserdata(c.comment),
  };
  const operation = (): string => `${verb} ${nameOf(c)}`;
  return {
    ...command(NFT_MSG.NEWCHAIN, NLM_F.CREATE | flags, c.family, operation, [chain, values]),
    modules: () => (c.type === "nat" ? ["nft_chain_nat"] : []),
  };
}

/** Makes the chain unless it exists, like `nft add chain`; the policy of one that exists is changed. */
export function addChain(c: ChainSpec): Command {
  return newChain("add", 0, c);
}

/** Makes the chain, like `nft create chain`; EEXIST where there is one. */
export function createChain(c: ChainSpec): Command {
  return newChain("create", NLM_F.EXCL, c);
}

/** Deletes the chain with its rules; EBUSY while something jumps to it, ENOENT where there is none. */
export function deleteChain(c: ChainName): Command {
  const values = { table: c.table, name: c.name };
  return command(NFT_MSG.DELCHAIN, 0, c.family, () => `delete ${nameOf(c)}`, [chain, values]);
}

/** Sees to it that there is no such chain, like `nft destroy chain`; the table must exist. */
export function destroyChain(c: ChainName): Command[] {
  return [addChain({ family: c.family, table: c.table, name: c.name }), deleteChain(c)];
}

/** Reads an answer to GETCHAIN, or an event. Throws DecodeError. */
export function readChain(message: Message): Chain {
  const { family, attributes } = readReply(message, "chain", chain);
  const { hook } = attributes;
  return {
    family,
    table: required(attributes.table, "chain/table"),
    name: required(attributes.name, "chain/name"),
    handle: attributes.handle ?? 0n,
    type: attributes.type,
    hook: hook?.number,
    priority: hook?.priority,
    device: hook?.device,
    policy: attributes.policy,
    use: attributes.use ?? 0,
    flags: attributes.flags ?? 0,
    comment: commentOf(decodeUserdata(attributes.userdata), NFTNL_UDATA.COMMENT),
  };
}

function getCommand(c: ChainName): Command {
  const values = { table: c.table, name: c.name };
  return question(command(NFT_MSG.GETCHAIN, 0, c.family, () => `get ${nameOf(c)}`, [chain, values]));
}

/** A chain to ask for; with `use`, one to which just so many rules and jumps refer. */
export interface AskedChain extends ChainName {
  readonly use?: number | undefined;
}

/** "other": the kernel has the chain, but not as it was asked for, or won't tell. */
export type ChainState = "as asked" | "missing" | "other";

/** How it stands with each of these chains: one question for any number of them. Throws what the transport throws. */
export function chainStates(connection: Connection, chains: readonly AskedChain[]): ChainState[] {
  const others = new Set<number>();
  const acks = connection.tryAll(chains.map(getCommand), (message, i) => {
    const use = chains[i]?.use;
    if (use !== undefined && readUse(message) !== use) others.add(i);
  });
  return acks.map((ack, i) => {
    if (ack.errno === ENOENT) return "missing";
    return ack.errno !== 0 || others.has(i) ? "other" : "as asked";
  });
}

/** Whether all of these chains are there. Throws what the transport throws. */
export function haveChains(connection: Connection, chains: readonly AskedChain[]): boolean {
  return chainStates(connection, chains).every((state) => state === "as asked");
}

const pickUse = pick({ use: attr(NFTA_CHAIN.USE, u32be) });

/** How many rules and jumps refer to the chain in an answer. */
function readUse({ payload }: Message): number | undefined {
  return pickUse.decode(payload.subarray(NFGENMSG_SIZE)).use;
}

/** The chain, or undefined where there is none. Throws NetlinkError. */
export function getChain(connection: Connection, c: ChainName): Chain | undefined {
  return connection.find(getCommand(c), readChain, ENOENT);
}

/** The chains of all tables, of a family, or of one table. Throws NetlinkError. */
export function listChains(
  connection: Connection,
  where: { readonly family?: number; readonly table?: string } = {},
): Chain[] {
  const list = command(NFT_MSG.GETCHAIN, 0, where.family ?? NFPROTO.UNSPEC, () => "list chains", [chain, {}]);
  const chains = connection.dump(list).map(readChain);
  // The kernel selects by family only.
  return where.table === undefined ? chains : chains.filter((c) => c.table === where.table);
}
