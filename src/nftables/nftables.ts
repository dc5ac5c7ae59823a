// Transactions: the commands between NFNL_MSG_BATCH_BEGIN and NFNL_MSG_BATCH_END take effect all together, as one
// generation of the rule set, across tables and families, or not at all.

import { Connection } from "../netlink/connection.ts";
import { type Request, request } from "../netlink/message.ts";
import { NFNL_SUBSYS, nfgenmsg } from "../netlink/nfnetlink.ts";
import type { SocketOptions } from "../netlink/transport.ts";
import { NETLINK } from "../netlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { type Infer, u32be } from "../wire/codec.ts";
import { getGeneration } from "./generation.ts";
import type { Command } from "./message.ts";
import { asMissingPart } from "./missing-part.ts";
import { NFNL_BATCH, NFNL_MSG, NFPROTO } from "./uapi.ts";

/** How often a transaction is tried that the kernel asks to try again. */
const COMMIT_ATTEMPTS = 16;

const batchAttributes = attrs({ generation: attr(NFNL_BATCH.GENID, u32be) });

function frame(type: number, values: Infer<typeof batchAttributes>): Request {
  const header = { family: NFPROTO.UNSPEC, version: 0, resourceId: NFNL_SUBSYS.NFTABLES };
  return request(type, 0, () => "commit the nf_tables transaction", [nfgenmsg, header], [batchAttributes, values]);
}

/** nf_tables in one network namespace. */
export class Nftables {
  /** For the questions: listRules(nftables.connection, …). */
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Opens a socket. Throws SyscallError. */
  static open(options: SocketOptions = {}): Nftables {
    return new Nftables(Connection.open(NETLINK.NETFILTER, options));
  }

  /**
   * Carries out the commands as one transaction. Throws the NetlinkError of the first that failed; then nothing has
   * been done. With `genid` it is ERESTART if anyone committed since that generation was read, and MissingPartError where
   * the kernel lacks a part of nf_tables.
   */
  commit(commands: readonly Command[], options: { readonly genid?: number | undefined } = {}): void {
    const { genid } = options;
    const begin = frame(NFNL_MSG.BATCH_BEGIN, { generation: genid });
    const end = frame(NFNL_MSG.BATCH_END, {});
    for (let attempt = 1; ; attempt++) {
      try {
        this.connection.batch(begin, commands, end);
        return;
      } catch (error) {
        const again = genid === undefined && hasCode(error, "ERESTART", "EAGAIN", "EINTR");
        if (!again || attempt === COMMIT_ATTEMPTS) throw genid === undefined ? error : asMissingPart(error);
      }
    }
  }

  /**
   * Has the kernel look at commands that make new things, and forget them again: nobody can notice but by the time that it
   * takes, a grace period. Throws MissingPartError where the kernel lacks a part of nf_tables, or NetlinkError.
   */
  tryOut(commands: readonly Command[]): void {
    try {
      this.connection.batch(frame(NFNL_MSG.BATCH_BEGIN, { generation: undefined }), commands);
    } catch (error) {
      throw asMissingPart(error);
    }
  }

  /** The number of the generation that is in force. Throws NetlinkError. */
  generation(): number {
    return getGeneration(this.connection);
  }

  close(): void {
    this.connection.close();
  }
}
