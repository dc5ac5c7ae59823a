// The callers of the daemon's socket: each gets a connection, as long as there are descriptors for them.

import { EPOLL } from "../sys/epoll.ts";
import { errorText, hasCode } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { acceptUnix } from "../sys/unix-stream.ts";
import type { Loop } from "./loop.ts";
import { type Call, RpcConnection } from "./rpc-connection.ts";

/** How long callers wait in the kernel's queue when this process or the node has no descriptor left. */
const PAUSE_MS = 1000;

/** Has every call that comes over the listening socket served. */
export function acceptCallers(loop: Loop, fd: number, serve: (call: Call) => void, log: (line: string) => void): void {
  const watch = (): void => loop.watch(fd, EPOLL.IN, accept);
  const accept = (): void => {
    try {
      acceptOne(loop, fd, serve);
    } catch (error) {
      if (!hasCode(error, "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ENOSPC")) throw error;
      // The socket stays ready: the loop would do nothing else.
      loop.unwatch(fd);
      loop.at(loop.now() + PAUSE_MS, watch);
      log(`${errorText(error)}; callers have to wait (LimitNOFILE= of dhcp.service)`);
    }
  };
  watch();
}

function acceptOne(loop: Loop, fd: number, serve: (call: Call) => void): void {
  const connection = acceptUnix("accept a call", fd);
  if (connection === undefined) return;
  try {
    new RpcConnection(loop, connection, serve);
  } catch (error) {
    close(connection);
    throw error;
  }
}
