// The namespace that a record tells of.

import { withContainerNetnsIfAny, withRtnetlink } from "../links/namespaces.ts";
import type { Connection } from "../netlink/connection.ts";
import { netnsIdOf } from "../sys/netns-id.ts";
import type { SbrRecord } from "./records.ts";

/** Calls `use` with a socket there; returns undefined, without a call, where it is gone or its path leads to another by now. */
export function withRecordedNetns<T>(record: SbrRecord, use: (container: Connection) => T): T | undefined {
  return withContainerNetnsIfAny(record.netns, (netns) =>
    netnsIdOf(netns) === record.containerNetns ? withRtnetlink(netns, use) : undefined,
  );
}
