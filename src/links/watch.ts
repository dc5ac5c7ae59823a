// Waiting for something to become so in a network namespace: a look after each event of the kernel's, instead of one every so often.

import { NetlinkSocket } from "../netlink/transport.ts";
import { NETLINK } from "../netlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { POLL, poll } from "../sys/poll.ts";
import { monotonicMs } from "../sys/process.ts";

/** What is heard of a namespace. */
export type Watch = Pick<NetlinkSocket, "fd" | "receive">;

/**
 * Listens to these groups (RTNLGRP) of rtnetlink while `use` runs, in the namespace with this descriptor; undefined: in this
 * thread's own. Nothing is missed that happens after the start. Throws SyscallError.
 */
export function withWatch<T>(netns: number | undefined, groups: readonly number[], use: (watch: Watch) => T): T {
  const watch = new NetlinkSocket(NETLINK.ROUTE, { netns, groups });
  try {
    return use(watch);
  } finally {
    watch.close();
  }
}

/**
 * Calls `look` at once and after each event, until `look` returns something else than undefined, and returns that; undefined where
 * that is not within `patienceMs`. Throws what `look` throws.
 */
export function awaitEvent<T>(watch: Watch, patienceMs: number, look: () => T | undefined): T | undefined {
  const end = monotonicMs() + patienceMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    const left = end - monotonicMs();
    if (left <= 0) return undefined;
    poll([{ fd: watch.fd, events: POLL.IN }], left);
    drain(watch);
  }
}

/** What has been heard does not matter, nor that there was too much of it (ENOBUFS): the next look tells. */
function drain(watch: Watch): void {
  try {
    while (watch.receive(false) !== undefined);
  } catch (error) {
    if (!hasCode(error, "ENOBUFS")) throw error;
  }
}
