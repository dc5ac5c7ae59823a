// An attachment: one interface of one container on one network (CNI specification, "Overview").

import type { Invocation } from "./plugin.ts";

/** The three names that identify an attachment. */
export interface Attachment {
  readonly network: string;
  readonly containerId: string;
  readonly ifname: string;
}

/** The attachment that ADD, CHECK or DEL is called for. */
export function attachmentOf({ config, containerId, ifname }: Invocation): Attachment {
  return { network: config.name, containerId, ifname };
}

/** The attachments that GC must leave alone. */
export function validAttachments({ config }: Invocation): Attachment[] {
  return config.validAttachments.map(({ containerId, ifname }) => ({ network: config.name, containerId, ifname }));
}
