import { expect, it } from "vitest";
import { textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { bridgeNetfilter } from "./bridge-netfilter.ts";

it("a kernel without br_netfilter has no rules for bridged frames, and is asked for the families in question only", () => {
  const asked: string[] = [];
  const absent = (name: string, [, path]: readonly unknown[]): "ENOENT" | undefined => {
    if (name !== "openat") return undefined;
    asked.push(textOf(path));
    return "ENOENT";
  };
  expect(withSyscalls(absent, () => bridgeNetfilter([6]))).toEqual([]);
  expect(withSyscalls(absent, () => bridgeNetfilter([4, 6]))).toEqual([]);
  const [ip, ip6] = ["iptables", "ip6tables"].map((of) => `/proc/sys/net/bridge/bridge-nf-call-${of}`);
  expect(asked).toEqual([ip6, ip, ip6]);
});
