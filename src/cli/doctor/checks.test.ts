// Checks of what no test may do to the machine that it runs on, on a node that is made up.

import { describe, expect, it } from "vitest";
import { withSyscalls } from "../../../test/support/intercept-syscalls.ts";
import { parseList } from "../../lists/list.ts";
import { engine } from "../../sys/engine.ts";
import { errno } from "../../sys/errno.ts";
import { SyscallError } from "../../sys/error.ts";
import { bridgeRules } from "./bridge-netfilter.ts";
import { CHECKS } from "./checks.ts";
import { examine } from "./examine.ts";
import type { Check } from "./finding.ts";
import { flows } from "./flows.ts";
import { forwarding } from "./forwarding.ts";
import { inotify } from "./inotify.ts";
import { kernel } from "./kernel.ts";
import { networkOf } from "./network.ts";
import type { Node } from "./node.ts";

const absent = (): never => {
  throw new Error("nobody should ask for this");
};

/** A node with a dual-stack bridge and these kernel parameters, of which nothing else is known. */
function nodeWith(sysctls: Readonly<Record<string, string>>, more: Partial<Node> = {}): Node {
  const ipam = { type: "host-local", ranges: [[{ subnet: "10.99.0.0/24" }], [{ subnet: "fd99::/64" }]] };
  const list = { cniVersion: "1.0.0", name: "dual", plugins: [{ type: "bridge", ipam }] };
  const network = networkOf(parseList(engine.encode(JSON.stringify(list)), "a.conflist"), "a.conflist");
  return {
    confDir: "",
    cniPath: "",
    directory: absent,
    files: absent,
    networks: () => [network],
    taken: () => [],
    links: absent,
    routes: absent,
    sysctl: (name) => sysctls[name],
    nftables: absent,
    ...more,
  };
}

const severities = (check: Check<Node>, node: Node): string[] => check.look(node).map(({ severity }) => severity);

describe("kernel", () => {
  it("lacks nothing for want of privileges: nobody knows", () => {
    const nftables = (): never => {
      throw new SyscallError("sendto", errno("EPERM"), "get the generation of nf_tables");
    };
    expect(examine([kernel], nodeWith({}, { nftables }))).toMatchObject([
      { severity: "unknown", remedy: "run it as root" },
    ]);
  });
});

describe("bridge-nf-call", () => {
  const look = (four: string, six: string): string[] =>
    severities(
      bridgeRules,
      nodeWith({ "net/bridge/bridge-nf-call-iptables": four, "net/bridge/bridge-nf-call-ip6tables": six }),
    );

  it("is told of where the families differ", () => {
    expect([look("0", "0"), look("1", "1"), severities(bridgeRules, nodeWith({}))]).toEqual([[], [], []]);
    expect([look("1", "0"), look("0", "1")]).toEqual([["warning"], ["warning"]]);
  });
});

describe("flows", () => {
  const look = (count: string, max: string): string[] =>
    severities(flows, nodeWith({ "net/netfilter/nf_conntrack_count": count, "net/netfilter/nf_conntrack_max": max }));

  it("are told of where a destination could have used up the ports of a masquerade", () => {
    expect([look("32255", "262144"), look("32256", "262144")]).toEqual([[], ["note"]]);
    expect(look("250000", "262144")).toEqual(["problem", "note"]);
    expect([severities(flows, nodeWith({})), look("0", "0")]).toEqual([[], []]);
  });
});

describe("forwarding", () => {
  it("cannot be where the kernel has no such family", () => {
    const [finding, ...others] = forwarding.look(nodeWith({ "net/ipv4/ip_forward": "0" }));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: "problem", text: expect.stringContaining("this kernel has no IPv6") });
  });
});

describe("inotify", () => {
  const look = (instances: number, canWatch: boolean): { found: string[]; left: number } => {
    let left = 0;
    const found = withSyscalls(
      (name) => {
        if (name === "inotify_init1") return left < instances ? undefined : "EMFILE";
        return name === "inotify_add_watch" && !canWatch ? "ENOSPC" : undefined;
      },
      () => inotify.look(nodeWith({})).map(({ text }) => text),
      (name, _, result) => {
        if (name === "inotify_init1" && result >= 0) left++;
        if (name === "close") left--;
      },
    );
    return { found, left };
  };

  it("has instances and watches left, or has not", () => {
    expect(look(100, true)).toEqual({ found: [], left: 0 });
    expect(look(3, true)).toEqual({ found: [expect.stringContaining("only 3 instances")], left: 0 });
    expect(look(0, true).found).toEqual([expect.stringContaining("no instance")]);
    expect(look(100, false)).toEqual({ found: [expect.stringContaining("no watch")], left: 0 });
  });

  it("is there on this machine", () => {
    expect(() => inotify.look(nodeWith({}))).not.toThrow();
  });
});

describe("examine()", () => {
  const check = (name: string, look: () => never[]): Check<undefined> => ({ name, look });

  it("tells what could not be looked at, and goes on", () => {
    const refused = check("a", () => {
      throw new SyscallError("openat", errno("EACCES"), "open /x");
    });
    const warned = { name: "b", look: () => [{ severity: "problem", text: "t", remedy: "r" }] as const };
    expect(examine([refused, warned], undefined)).toEqual([
      { check: "b", severity: "problem", text: "t", remedy: "r" },
      { check: "a", severity: "unknown", text: expect.stringContaining("open /x: EACCES"), remedy: "run it as root" },
    ]);
  });

  it("does not hide a mistake of ours", () => {
    const wrong = check("a", () => {
      throw new TypeError("x is not a function");
    });
    expect(() => examine([wrong], undefined)).toThrow(TypeError);
  });

  it("has checks of one word each", () => {
    expect(CHECKS.map(({ name }) => name)).toEqual([...new Set(CHECKS.map(({ name }) => name))]);
    expect(CHECKS.filter(({ name }) => !/^[a-z-]+$/.test(name))).toEqual([]);
  });
});
