// Whether this node's kernel has all that limits take, for STATUS.

import { withNode } from "../links/namespaces.ts";
import { deleteLinkIfAny } from "../links/veth.ts";
import { type TryOut, tryOutOnce } from "../owned/tried-out.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import { addLink } from "../rtnetlink/link.ts";
import { randomBytes } from "../sys/process.ts";
import { aliasOf } from "./names.ts";
import { planOf } from "./plan.ts";
import { shape } from "./shape.ts";
import { deleteIfbs } from "./unshape.ts";

const LIMIT = { rate: 1_000_000, burst: 1_000_000 };

/** Limits a link that is there for the moment only, once since the node was started. Throws as `shape` does. */
export function tryOutLimits(tryOut: TryOut = tryOutOnce): void {
  tryOut("bandwidth", () =>
    withNode((node) => {
      const name = `bwt${[...randomBytes(6)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
      const attachment = { network: "status", containerId: name, ifname: name };
      try {
        node.execute(addLink({ name, info: { kind: "ifb" } }));
        const link = getBriefLink(node, name);
        if (link === undefined) throw new Error(`the interface ${name} has gone while it was tried out`);
        shape(node, link, planOf(attachment, { ingress: LIMIT, egress: LIMIT }, "node"), aliasOf(attachment));
      } finally {
        deleteLinkIfAny(node, name);
        deleteIfbs(node, attachment, undefined);
      }
    }),
  );
}
