// Which links hang on another, as ipvlan asks before it makes one. Kernels without ipvlan have the same questions to answer.

import { existsSync, readdirSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { withIpvlanMode } from "../../src/links/ipvlan-mode.ts";
import { type Namespaces, withNamespaces } from "../../src/links/namespaces.ts";
import { findParent, type Parent } from "../../src/links/parent.ts";
import { findUpper } from "../../src/links/uppers.ts";
import { plugin as ipvlan } from "../../src/plugins/ipvlan/plugin.ts";
import { plugin as macvlan } from "../../src/plugins/macvlan/plugin.ts";
import type { ErrnoName } from "../../src/sys/errno.ts";
import { inNetns, OWN_NETNS } from "../../src/sys/netns.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { syscallsOf, textOf, withSyscalls } from "../support/intercept-syscalls.ts";
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

/** Looks for a macvlan of the uplink which is in another container; the `nth` open of such a path fails like this. */
function find(
  node: TestNode,
  nth: number,
  failure: ErrnoName,
  isCounted: (path: string) => boolean = () => true,
): readonly [found: string | undefined, opens: number] {
  let opens = 0;
  const found = withParent(node, false, (namespaces, parent) =>
    withSyscalls(
      (name, args) => (name === "openat" && isCounted(textOf(args[1])) && opens++ === nth ? failure : undefined),
      () => findUpper(namespaces, parent, ["macvlan"], undefined)?.link.name,
    ),
  );
  return [found, opens];
}

describe("a link that hangs on another", () => {
  function nodeWithUpper(): TestNode {
    const node = ourNode(macvlan);
    connectUplink(node);
    node.node.ip(`link add link ${UPLINK} name theirs netns ${anotherContainer().netns.name} type macvlan`);
    return node;
  }
  const isElsewhere = (path: string): boolean => path !== OWN_NETNS;

  it.each(["EMFILE", "ENFILE", "EIO", "ENOMEM"] as const)(
    "is not said to be missing where a look fails by %s",
    (code) => {
      const node = nodeWithUpper();
      const [, all] = find(node, -1, code);
      for (let nth = 0; nth < all; nth++) expect(() => find(node, nth, code)).toThrow(code);
    },
  );

  it.each(["ENOENT", "ENOTDIR", "ESRCH", "EACCES", "EPERM"] as const)(
    "is found wherever else a path leads to no namespace (%s)",
    (code) => {
      const node = nodeWithUpper();
      const [, all] = find(node, -1, code, isElsewhere);
      for (let nth = 0; nth < all; nth++)
        expect([undefined, "theirs"]).toContain(find(node, nth, code, isElsewhere)[0]);
      expect(find(node, -1, code)[0]).toBe("theirs");
    },
  );
});

describe("ipvlan behind another plugin", () => {
  it("says that both would have one name", () => {
    const node = ourNode(ipvlan);
    const interfaces = [{ name: "eth0", sandbox: node.container.path }];
    const prevResult = { cniVersion: "1.1.0", interfaces, ips: [{ address: "10.77.0.5/24" }] };
    for (const linkInContainer of [true, false]) {
      const config = { cniVersion: "1.1.0", name: "net1", type: "ipvlan", linkInContainer, prevResult };
      expect(node.call({ command: "ADD", config }).json).toMatchObject({
        code: 7,
        msg: "master is missing, and the plugin before has made the container's eth0 itself",
        details: expect.stringContaining(
          'all plugins of a list make the interface eth0: name another interface by "master"',
        ),
      });
    }
  });
});

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
