// The kernel's no over netlink. A failed system call is a SyscallError instead.

import { errnoName, errnoText } from "../sys/errno.ts";
import type { Ack, ExtendedAck } from "./ack.ts";

/** The kernel refused a request. The message names the operation, the error and the kernel's own words. */
export class NetlinkError extends Error {
  override readonly name: string = "NetlinkError";
  /** What was asked, as a person would type it: `route add default via 10.22.0.1`. */
  readonly operation: string;
  readonly errno: number;
  /** `EEXIST` and the like. */
  readonly code: string;
  readonly extack: ExtendedAck | undefined;
  readonly sequence: number;
  /** Names of the modules that the kernel may have had to load for the request. */
  readonly modules: readonly string[];

  constructor(operation: string, ack: Ack, modules: readonly string[] = []) {
    const said = ack.extack?.message ?? errnoText(ack.errno);
    super(`cannot ${operation}: ${errnoName(ack.errno)}: ${said}`);
    this.operation = operation;
    this.errno = ack.errno;
    this.code = errnoName(ack.errno);
    this.extack = ack.extack;
    this.sequence = ack.sequence;
    this.modules = modules;
  }
}

/** The conversation itself went wrong: no reply, a truncated one, a dump that kept being interrupted. */
export class NetlinkProtocolError extends Error {
  override readonly name: string = "NetlinkProtocolError";
}
