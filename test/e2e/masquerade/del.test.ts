// DEL: whatever is left of an attachment, and however much of it the runtime still knows, it succeeds and nothing remains.

import { existsSync, rmSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { poll, run, type TestNetns } from "../../support/netns.ts";
import type { PluginCall } from "../../support/plugin.ts";
import { addressFiles, becomeNode, leftovers } from "./node.ts";
import { add, attach, check, containerFor, del, type Json, networkOf, SEVEN, TYPES } from "./runtime.ts";

beforeAll(() => {
  becomeNode();
});

/** What has become of an attachment before its DEL. */
interface Situation {
  readonly prepare?: (container: TestNetns, result: Json) => void;
  /** CNI_NETNS where it isn't the container's. */
  readonly netns?: string;
  /** Whether the namespace is still there, so that without a prevResult nobody can tell which interface it was. */
  readonly isHidden?: boolean;
}

const NEVER_WAS = "/run/netns/never-was";

const hostEnd = ({ interfaces }: Json): string =>
  interfaces.find(({ name, sandbox }: Json) => name.startsWith("veth") && sandbox === undefined).name;
const remove = (container: TestNetns): void => container.remove();
const deleteLink = (container: TestNetns): string => container.ip("link delete eth0");

const SITUATIONS: Readonly<Record<string, Situation>> = {
  "with everything as ADD left it": {},
  "with an empty CNI_NETNS": { netns: "", isHidden: true },
  "with a CNI_NETNS that leads nowhere": { netns: NEVER_WAS, isHidden: true },
  "with a CNI_NETNS that is an empty file": {
    netns: "/run/unmounted",
    prepare: () => run("touch", "/run/unmounted"),
    isHidden: true,
  },
  "with the namespace gone": { prepare: remove },
  "with the namespace gone and an empty CNI_NETNS": { prepare: remove, netns: "" },
  "with the link deleted in the container": { prepare: deleteLink },
  "with the link deleted on the node": { prepare: (_, result) => run("ip", "link", "delete", hostEnd(result)) },
  "with the link deleted and an empty CNI_NETNS": { prepare: deleteLink, netns: "" },
  "with our tables gone": { prepare: () => run("nft", "flush ruleset") },
  "with one family's table gone": { prepare: () => run("nft", "delete table ip6 bauta_masquerade") },
  "with our records gone": { prepare: () => rmSync("/run/bauta", { recursive: true }) },
  "with the addresses' files gone": {
    prepare() {
      for (const path of addressFiles()) rmSync(path);
    },
  },
  "with the IPAM directory gone": { prepare: () => rmSync("/var/lib/cni/networks", { recursive: true }) },
  "with tables, records, namespace and IPAM directory gone": {
    prepare(container) {
      run("nft", "flush ruleset");
      for (const path of ["/run/bauta", "/var/lib/cni/networks"]) rmSync(path, { recursive: true });
      container.remove();
    },
  },
};

describe.each(TYPES)("%s", (type) => {
  describe.each(Object.entries(SITUATIONS))("%s", (_, { prepare, netns, isHidden }) => {
    it.each([true, false])("leaves nothing, the first time and the second (prevResult: %s)", (withResult) => {
      const config = networkOf(type);
      const { container, result } = attach(config);
      prepare?.(container, result);
      const known = withResult ? { ...config, prevResult: result } : config;
      const call: Partial<PluginCall> = netns === undefined ? {} : { netns };
      for (const time of [1, 2]) {
        expect({ time, ...del(known, container, call) }).toMatchObject({ time, status: 0, stdout: "" });
        if (isHidden && !withResult) {
          expect(leftovers()).toEqual([`link ${hostEnd(result)}`]); // which goes with its namespace
          continue;
        }
        // The kernel removes a namespace's interfaces in its own time.
        if (!existsSync(container.path)) poll("the interfaces to go", () => leftovers().length === 0);
        expect(leftovers()).toEqual([]);
      }
      if (isHidden && !withResult) container.remove();
      poll("all to go", () => leftovers().length === 0);
    });
  });

  it("does nothing for a container that never was attached", () => {
    const config = networkOf(type);
    const container = containerFor(config);
    const mine = attach(config);
    for (const call of [{}, { netns: "" }, { netns: NEVER_WAS }]) {
      expect(del(config, container, call)).toMatchObject({ status: 0, stdout: "" });
    }
    expect(check(config, mine.container, mine.result)).toMatchObject({ status: 0 });
  });

  it("leaves the other interface of the same container, and other containers, alone", () => {
    const config = networkOf(type, SEVEN);
    const [one, other] = [attach(config), attach(config)];
    // With ptp two interfaces of one container can't have the same gateway.
    const again = type === "ptp" ? networkOf(type, ["10.9.0.0/16"], { name: config.name }) : config;
    const second = add(again, one.container, { ifname: "eth1" });
    expect(del(config, one.container)).toMatchObject({ status: 0 });
    expect(check(again, one.container, second, { ifname: "eth1" })).toMatchObject({ status: 0 });
    expect(check(config, other.container, other.result)).toMatchObject({ status: 0 });
    expect(check(config, one.container, one.result)).toMatchObject({ status: 1 });
    expect(del(again, one.container, { ifname: "eth1" })).toMatchObject({ status: 0 });
    expect(del(config, other.container)).toMatchObject({ status: 0 });
    expect(leftovers()).toEqual([]);
  });

  it("ends the masquerade also when the configuration does not ask for it any more", () => {
    const config = networkOf(type);
    const { container } = attach(config);
    expect(del({ ...config, ipMasq: false }, container)).toMatchObject({ status: 0 });
    expect(leftovers()).toEqual([]);
  });
});
