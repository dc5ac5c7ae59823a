// Generations: every transaction makes a new one of the whole rule set (NFTA_GEN_…).

import type { Connection } from "../netlink/connection.ts";
import type { Message } from "../netlink/message.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { cstring, u32be } from "../wire/codec.ts";
import { command, readReply, required } from "./message.ts";
import { NFPROTO, NFT_MSG, NFTA_GEN } from "./uapi.ts";

const generation = attrs({
  id: attr(NFTA_GEN.ID, u32be),
  processId: attr(NFTA_GEN.PROC_PID, u32be),
  processName: attr(NFTA_GEN.PROC_NAME, cstring),
});

export interface GenerationInfo {
  /** Counts up from 1; over 32 bits it begins again at 1. */
  readonly generation: number;
  /** Who committed it; of the question for the generation in force, who asked. */
  readonly processId: number | undefined;
  readonly processName: string | undefined;
}

/** Reads the answer to GETGEN, or the event at the end of a transaction. Throws DecodeError. */
export function readGeneration(message: Message): GenerationInfo {
  const { attributes } = readReply(message, "generation", generation);
  const { id, processId, processName } = attributes;
  return { generation: required(id, "generation/id"), processId, processName };
}

/** The number of the generation that is in force. Throws NetlinkError. */
export function getGeneration(connection: Connection): number {
  const operation = (): string => "get the generation of nf_tables";
  const get = command(NFT_MSG.GETGEN, 0, NFPROTO.UNSPEC, operation, [generation, {}]);
  return connection.ask(get, readGeneration).generation;
}
