// Links that are in a container alone, of kinds that this kernel has.

import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Undo } from "../../src/cni/undo.ts";
import { createContainerLink } from "../../src/links/container-link.ts";
import { withNamespaces } from "../../src/links/namespaces.ts";
import type { LinkInfo } from "../../src/rtnetlink/link-info.ts";
import { hasCode } from "../../src/sys/error.ts";
import { formatMac } from "../../src/wire/mac.ts";
import { makeNetns, requireNamespaces, run, type TestNetns } from "../support/netns.ts";

beforeAll(() => requireNamespaces());

const KINDS: readonly LinkInfo[] = [
  { kind: "bridge" },
  { kind: "veth", peer: { name: "other" } },
  { kind: "dummy" },
  { kind: "unknown", name: "ifb", data: undefined },
];

const nameOf = (info: LinkInfo): string => (info.kind === "unknown" ? info.name : info.kind);

function container(): TestNetns {
  const netns = makeNetns();
  onTestFinished(() => netns.remove());
  return netns;
}

const linksOf = (netns: TestNetns): string[] =>
  netns.ipJson("link show").map(({ ifname }: { ifname: string }) => ifname);

describe.each(KINDS.map((info) => [nameOf(info), info] as const))("a link of type %s", (kind, info) => {
  const isThere = (): boolean => {
    try {
      container().ip(`link add probe type ${kind}`);
      return true;
    } catch {
      return false;
    }
  };

  it("is made under its final name, down, with the address that is told, or the kernel's lack is named", () => {
    const netns = container();
    const before = run("ip", "-o", "link", "show");
    withNamespaces(netns.path, (namespaces) => {
      const undo = new Undo();
      const make = (): unknown => createContainerLink(namespaces, { name: "eth0", mtu: 1400, info }, undo);
      if (!isThere()) {
        expect(make).toThrow(`this node's kernel makes no links of type ${kind}`);
        return;
      }
      const { mac } = createContainerLink(namespaces, { name: "eth0", mtu: 1400, info }, undo);
      const [link] = netns.ipJson("link show dev eth0");
      expect(link).toMatchObject({ address: formatMac(mac), mtu: 1400, linkinfo: { info_kind: kind } });
      expect(link.flags).not.toContain("UP");
      expect((mac[0] ?? 0) & 3).toBe(2);
      expect(undo.unwind()).toEqual([]);
      expect(linksOf(netns)).toEqual(["lo"]);
    });
    expect(run("ip", "-o", "link", "show")).toBe(before);
  });

  it("leaves the link that has the name already", () => {
    const netns = container();
    netns.ip("link add eth0 type bridge");
    withNamespaces(netns.path, (namespaces) => {
      const undo = new Undo();
      let thrown: unknown;
      try {
        createContainerLink(namespaces, { name: "eth0", info }, undo);
      } catch (error) {
        thrown = error;
      }
      expect(hasCode(thrown, "EEXIST", "EOPNOTSUPP")).toBe(true);
      undo.unwind();
    });
    expect(linksOf(netns)).toEqual(["lo", "eth0"]);
  });
});
