// Which links hang on another, as ipvlan asks before it makes one. Kernels without ipvlan have the same questions to answer.

import { existsSync, readdirSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { withIpvlanMode } from "../../src/links/ipvlan-mode.ts";
import { type Namespaces, withNamespaces } from "../../src/links/namespaces.ts";
import { findParent, type Parent } from "../../src/links/parent.ts";
import { plugin as macvlan } from "../../src/plugins/macvlan/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { syscallsOf } from "../support/intercept-syscalls.ts";
import { requireNamespaces } from "../support/netns.ts";
import { anotherContainer, connectUplink, UPLINK } from "../support/uplink.ts";

beforeAll(() => requireNamespaces());

const NOTES = "/run/bauta/ipvlan";
const notes = (): string[] => (existsSync(NOTES) ? readdirSync(NOTES) : []);

/** Calls `work` with a link that others could hang on, of the node's or of the container's. */
function withParent<T>(
  { node, container }: TestNode,
  linkInContainer: boolean,
  work: (namespaces: Namespaces, parent: Parent) => T,
): T {
  const master = linkInContainer ? "inside" : UPLINK;
  return inNetns(node.fd, () =>
    withNamespaces(container.path, (namespaces) =>
      work(namespaces, findParent(namespaces, { master, linkInContainer })),
    ),
  );
}

describe("the mode of ipvlans", () => {
  const wanted = { mode: "l2", flags: "bridge" } as const;

  it("of a master in the container is asked of the container alone, and nothing is noted", () => {
    const node = ourNode(macvlan);
    node.container.ip("link add inside type bridge");
    const before = notes();
    const lookups = (): number =>
      withParent(node, true, (namespaces, parent) =>
        syscallsOf(() => withIpvlanMode(namespaces, parent, wanted, () => undefined)),
      ).length;
    const alone = lookups();
    for (let n = 2; n < 6; n++) anotherContainer(`container-${n}`);
    expect([lookups(), notes()]).toEqual([alone, before]);
  });

  it("of a master on the node is noted", () => {
    const node = ourNode(macvlan);
    connectUplink(node);
    const before = notes().length;
    withParent(node, false, (namespaces, parent) => withIpvlanMode(namespaces, parent, wanted, () => undefined));
    expect(notes()).toHaveLength(before + 2);
  });
});
