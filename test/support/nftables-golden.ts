// Compares our transactions with those of nft(8).

import { expect } from "vitest";
import { Connection } from "../../src/netlink/connection.ts";
import type { Message } from "../../src/netlink/message.ts";
import { NLM_F } from "../../src/netlink/uapi.ts";
import type { Command } from "../../src/nftables/message.ts";
import { Nftables } from "../../src/nftables/nftables.ts";
import { NFNL_MSG, NFT_MSG } from "../../src/nftables/uapi.ts";
import { attributeDifferences, hex } from "./attribute-tree.ts";
import { acknowledgeAll, FakeKernel } from "./fake-kernel.ts";
import { readGolden } from "./golden.ts";

const NFGENMSG_SIZE = 4;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;

/** The messages of the transaction, without its first and its last, which only frame it. */
export function sent(commands: readonly Command[]): Message[] {
  const kernel = new FakeKernel(acknowledgeAll);
  new Nftables(new Connection(kernel)).commit(commands);
  return withoutFrame(kernel.requests);
}

/** The messages of nft's transaction, without the two that frame it. With `type`, only those of this NFT_MSG. */
export function goldenCommands(name: string, type?: number): Message[] {
  const commands = withoutFrame(readGolden(`nftables/${name}`).requests);
  return type === undefined ? commands : commands.filter((message) => (message.type & 0xff) === type);
}

/** The kernel's answers of one NFT_MSG type. */
export function goldenReplies(name: string, type: number): Message[] {
  return readGolden(`nftables/${name}`).replies.filter((message) => (message.type & 0xff) === type);
}

function withoutFrame(messages: readonly Message[]): Message[] {
  return messages.filter(({ type }) => type !== NFNL_MSG.BATCH_BEGIN && type !== NFNL_MSG.BATCH_END);
}

/**
 * Expects the commands to say what nft's transaction says, apart from the attributes in `without`, by path,
 * which only one of the two sends.
 */
export function expectSame(
  name: string,
  commands: readonly Command[],
  options: { readonly without?: readonly string[] } = {},
): void {
  const [ours, theirs] = [sent(commands), goldenCommands(name)];
  expect(ours.map(({ type }) => type & 0xff)).toEqual(theirs.map(({ type }) => type & 0xff));
  ours.forEach((message, i) => {
    const other = theirs[i];
    if (other !== undefined) expectSameMessage(message, other, options.without);
  });
}

/** Expects one message to say what the other says. */
export function expectSameMessage(ours: Message, theirs: Message, without: readonly string[] = []): void {
  expect({
    flags: ours.flags & ~NLM_F.ACK, // nft asks for no acknowledgement
    header: hex(ours.payload.subarray(0, NFGENMSG_SIZE)),
    differences: messageDifferences(ours, theirs).filter(
      (line) => !without.some((path) => line.startsWith(`${path}:`)),
    ),
  }).toEqual({ flags: theirs.flags, header: hex(theirs.payload.subarray(0, NFGENMSG_SIZE)), differences: [] });
}

/** The differences between the attributes. */
export function messageDifferences(ours: Message, theirs: Message): string[] {
  return attributeDifferences(ours.payload.subarray(NFGENMSG_SIZE), listElements(theirs).subarray(NFGENMSG_SIZE));
}

/** nft numbers the elements of a list, where NFTA_LIST_ELEM should stand. The kernel does not look at the number. */
function listElements(message: Message): Uint8Array {
  const payload = message.payload.slice();
  const type = message.type & 0xff;
  if (type !== NFT_MSG.NEWSETELEM && type !== NFT_MSG.DELSETELEM) return payload;
  const view = new DataView(payload.buffer);
  for (let at = NFGENMSG_SIZE; at + 4 <= payload.length; at += (view.getUint16(at, true) + 3) & ~3) {
    if ((view.getUint16(at + 2, true) & 0x3fff) !== NFTA_SET_ELEM_LIST_ELEMENTS) continue;
    const end = at + view.getUint16(at, true);
    for (let e = at + 4; e + 4 <= end; e += (view.getUint16(e, true) + 3) & ~3) {
      view.setUint16(e + 2, (view.getUint16(e + 2, true) & 0x8000) | NFTA_LIST_ELEM, true);
    }
  }
  return payload;
}

/** The rules in a file of nft, in their order: the lines inside its chains. */
export function ruleLines(nftFile: string): string[] {
  const lines: string[] = [];
  let inChain = false;
  for (const raw of nftFile.split("\n")) {
    const line = raw.trim();
    if (/^chain \S+ \{$/.test(line)) inChain = true;
    else if (line === "}") inChain = false;
    else if (inChain) lines.push(line);
  }
  return lines;
}

/** A message that adds a rule, plus a handle, which readRule expects: messages of the kernel have one. */
export function withHandle(message: Message): Message {
  return { ...message, payload: Uint8Array.of(...message.payload, 12, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1) };
}
