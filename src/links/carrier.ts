// When frames can pass. A link that is up gets its carrier when its peer comes up, and begins to send when a work queue of
// the kernel's has seen that (net/core/link_watch.c): what is sent to it before is lost.

import type { Connection } from "../netlink/connection.ts";
import { getOperState } from "../rtnetlink/brief-link.ts";
import type { Device } from "../rtnetlink/device.ts";
import { IF_OPER } from "../rtnetlink/uapi.ts";
import { poll } from "../sys/poll.ts";
import { monotonicMs } from "../sys/process.ts";

// The kernel takes less than a millisecond, but a second where both ends happen to have the same index.
const PATIENCE_MS = 1500;
const PAUSE_MS = 1;

/**
 * Waits until frames pass through the link, and returns its operational state (IF_OPER) then, undefined where it is gone;
 * since Linux 6.9, being asked about a link is enough to make the kernel see to it. Gives up silently: what brings the peer
 * up is not here.
 */
export function waitForCarrier(
  connection: Connection,
  device: Device,
  patienceMs: number = PATIENCE_MS,
): number | undefined {
  let deadline: number | undefined;
  for (;;) {
    const state = getOperState(connection, device);
    if (state === undefined || state === IF_OPER.UP) return state; // mostly at once, without a look at the clock
    deadline ??= monotonicMs() + patienceMs;
    if (monotonicMs() > deadline) return state;
    poll([], PAUSE_MS);
  }
}
