// A fake kernel that has maps in masquerade's tables and nothing else, for tests of the listings.

import { Connection } from "../../src/netlink/connection.ts";
import { type Message, readMessages, writeMessage } from "../../src/netlink/message.ts";
import { NLM_F } from "../../src/netlink/uapi.ts";
import { addElements, type Element, readElements } from "../../src/nftables/element.ts";
import type { Command } from "../../src/nftables/message.ts";
import { Nftables } from "../../src/nftables/nftables.ts";
import { addSet, type SetSpec } from "../../src/nftables/set.ts";
import { NFT_MSG } from "../../src/nftables/uapi.ts";
import { errno } from "../../src/sys/errno.ts";
import { sameBytes } from "../../src/wire/codec.ts";
import { Writer } from "../../src/wire/writer.ts";
import { type Answer, ack, done, FakeKernel, message } from "./fake-kernel.ts";

/** The elements of the maps of table bauta_masquerade, by family and name: `2 owners`. */
export type Maps = Readonly<Record<string, readonly Element[]>>;

/** Answers with the elements of these maps, and with these sets where all sets are asked for. There is nothing else. */
export function mapsKernel(maps: Maps, sets: readonly SetSpec[] = []): Answer {
  return (requests) => requests.flatMap((request) => answer(request, found(request, maps, sets)));
}

/** An Nftables that talks to such a kernel. */
export function nftablesWith(answers: Answer): Nftables {
  return new Nftables(new Connection(new FakeKernel(answers)));
}

const isDump = ({ flags }: Message): boolean => (flags & NLM_F.DUMP) === NLM_F.DUMP;

function answer(request: Message, payloads: readonly Uint8Array[] | undefined): Uint8Array[] {
  if (payloads === undefined) return [ack(request, errno("ENOENT"))];
  const { type, sequence } = request;
  const replies = payloads.map((payload) => message({ type, sequence, payload }));
  return [...replies, isDump(request) ? done(request) : ack(request)];
}

function found(request: Message, maps: Maps, sets: readonly SetSpec[]): Uint8Array[] | undefined {
  const type = request.type & 0xff;
  if (type === NFT_MSG.GETSET && isDump(request)) return sets.flatMap((set) => payloadsOf(addSet(set)));
  if (type !== NFT_MSG.GETSETELEM) return undefined;
  const { family, table, set, elements: asked } = readElements(request);
  const all = table === "bauta_masquerade" ? (maps[`${family} ${set}`] ?? []) : [];
  const elements = isDump(request) ? all : all.filter(({ key }) => asked.some((one) => sameBytes(one.key, key)));
  return elements.length === 0 ? undefined : addElements({ family, table, set, elements }).flatMap(payloadsOf);
}

/** An answer repeats what follows the header of the request. */
function payloadsOf(command: Command): Uint8Array[] {
  const out = new Writer();
  writeMessage(out, command, 0, 1);
  return readMessages(out.bytes()).map(({ payload }) => payload);
}
