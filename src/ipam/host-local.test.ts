import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { addressesOf, ipConfig, route } from "../../test/support/cni-result.ts";
import { call, DUAL, inDirectory, type Json } from "../../test/support/host-local-call.ts";
import { textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { CniError } from "../cni/error.ts";
import { hostLocal } from "./host-local.ts";

function errorOf(work: () => unknown): CniError {
  try {
    work();
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("hostLocal.add()", () => {
  it("returns addresses with the subnet's prefix length, gateways and the routes as they are", () => {
    const ipam = { ...DUAL, routes: [{ dst: "0.0.0.0/0" }, { dst: "fd01::/16", gw: "fd00::9", mtu: 1400, table: 0 }] };
    expect(hostLocal.add(inDirectory().with({ ipam }))).toEqual({
      interfaces: [],
      ips: [ipConfig("10.1.0.2/24", "10.1.0.1"), ipConfig("fd00::2/64", "fd00::1")],
      routes: [route("0.0.0.0/0"), route("fd01::/16", { gw: "fd00::9", mtu: 1400, table: 0 })],
      dns: {},
    });
  });

  it("reads DNS from resolvConf, and takes nothing where that cannot be read", () => {
    const { dataDir, with: options } = inDirectory();
    writeFileSync(`${dataDir}/resolv.conf`, "nameserver 10.1.0.53\nsearch a b\n");
    const ipam = { ...DUAL, resolvConf: `${dataDir}/resolv.conf` };
    expect(hostLocal.add(options({ ipam })).dns).toMatchObject({ nameservers: ["10.1.0.53"], search: ["a", "b"] });
    rmSync(`${dataDir}/net`, { recursive: true });
    const error = errorOf(() => hostLocal.add(options({ ipam: { ...DUAL, resolvConf: `${dataDir}/none` } })));
    expect(error).toMatchObject({ code: 5, message: `ipam.resolvConf: cannot read "${dataDir}/none"` });
    expect(readdirSync(dataDir)).toEqual(["resolv.conf"]);
  });

  it("gives an interface one set of addresses, and another one others", () => {
    const { with: options } = inDirectory();
    hostLocal.add(options());
    expect(() => hostLocal.add(options())).toThrow("10.1.0.2 has been allocated to abc");
    expect(addressesOf(hostLocal.add(options({ ifname: "eth1" })))).toEqual(["10.1.0.3/24", "fd00::3/64"]);
  });

  it.each([
    ["ENOSPC", "No space left on device", "make room on its file system"],
    ["EROFS", "Read-only file system", "ipam.dataDir must be a directory that this process can write to"],
    ["EIO", "Input/output error", undefined],
  ] as const)("says what to do about %s, and leaves nothing", (code, text, advice) => {
    const { dataDir, with: options, taken } = inDirectory();
    hostLocal.add(options({ containerId: "first" }));
    const before = readdirSync(`${dataDir}/net`);
    const error = errorOf(() =>
      withSyscalls(
        (name, args) => ((name === "openat" && (Number(args[2]) & 3) !== 0) || name === "write" ? code : undefined),
        () => hostLocal.add(options()),
      ),
    );
    expect(error.code).toBe(5);
    expect(error.message).toBe(`host-local: cannot take addresses in ${dataDir}/net: ${text}`);
    expect(error.details).toBe(advice);
    expect(taken()).toHaveLength(2);
    expect(readdirSync(`${dataDir}/net`)).toEqual(before);
  });

  it("takes a data directory with slashes at its end", () => {
    const { dataDir } = inDirectory();
    hostLocal.add(call({ ipam: { ...DUAL, dataDir: `${dataDir}//` } }));
    expect(readdirSync(`${dataDir}/net`)).toContain("10.1.0.2");
  });
});

describe("hostLocal.del()", () => {
  it("gives everything back, as often as it is asked to", () => {
    const { with: options, taken } = inDirectory();
    hostLocal.add(options());
    hostLocal.add(options({ containerId: "other" }));
    hostLocal.del(options());
    hostLocal.del(options());
    expect(taken().sort()).toEqual(["10.1.0.3", "fd00::3"]);
  });

  it("makes no directory where there is none", () => {
    const { dataDir, with: options } = inDirectory();
    hostLocal.del(options());
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it("works whatever else is wrong with the configuration", () => {
    const { with: options, taken } = inDirectory();
    hostLocal.add(options());
    hostLocal.del(options({ ipam: { ranges: [[]] }, args: "nonsense" }));
    expect(taken()).toEqual([]);
  });
});

describe("hostLocal.check()", () => {
  const result = (...addresses: string[]): Json => ({
    cniVersion: "1.1.0",
    ips: addresses.map((address) => ({ address })),
  });

  it("is content with what ADD left", () => {
    const { with: options } = inDirectory();
    hostLocal.add(options());
    hostLocal.check(options());
    hostLocal.check(options({ prevResult: result("10.1.0.2/24", "fd00::2/64", "192.0.2.7/24") }));
  });

  it.each([
    ["nothing is noted", undefined, "host-local: no address is noted in DIR for container abc, interface eth1"],
    [
      "an address is not noted",
      result("10.1.0.2/24", "fd00::9/64"),
      "host-local: fd00::9 is not noted in DIR for container abc, interface eth0",
    ],
  ])("complains where %s", (_, prevResult, message) => {
    const { dataDir, with: options } = inDirectory();
    hostLocal.add(options());
    const who = prevResult === undefined ? { ifname: "eth1" } : { prevResult };
    const error = errorOf(() => hostLocal.check(options(who)));
    expect(error).toMatchObject({ code: 999, message: message.replace("DIR", `${dataDir}/net`) });
  });

  it("complains where there is no directory, and makes none", () => {
    const { dataDir, with: options } = inDirectory();
    expect(errorOf(() => hostLocal.check(options())).message).toContain("no address is noted");
    expect(readdirSync(dataDir)).toEqual([]);
  });
});

describe("hostLocal.gc()", () => {
  it("keeps what is valid", () => {
    const { with: options, taken } = inDirectory();
    for (const containerId of ["a", "b", "c"]) hostLocal.add(options({ containerId }));
    hostLocal.gc(options({ network: { "cni.dev/valid-attachments": [{ containerID: "b", ifname: "eth0" }] } }));
    expect(taken().sort()).toEqual(["10.1.0.3", "fd00::3"]);
  });

  it("makes no directory where there is none", () => {
    const { dataDir, with: options } = inDirectory();
    hostLocal.gc(options());
    expect(readdirSync(dataDir)).toEqual([]);
  });
});

describe("hostLocal.status()", () => {
  const TINY = { ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "10.2.0.0/30" }]] };

  it("is content while there are addresses, and where there is no directory yet", () => {
    const { dataDir, with: options } = inDirectory();
    hostLocal.status(options());
    expect(readdirSync(dataDir)).toEqual([]);
    hostLocal.add(options());
    hostLocal.status(options());
  });

  it("names the range set that has no more, until one is given back", () => {
    const { with: options } = inDirectory();
    hostLocal.add(options({ ipam: TINY }));
    const error = errorOf(() => hostLocal.status(options({ ipam: TINY })));
    expect(error).toMatchObject({ code: 50, message: "no IP addresses available in range set: 10.2.0.1-10.2.0.2" });
    hostLocal.del(options({ ipam: TINY }));
    hostLocal.status(options({ ipam: TINY }));
  });

  it("counts closely where other addresses are in the directory", () => {
    const { dataDir, with: options } = inDirectory();
    mkdirSync(`${dataDir}/net`);
    for (let n = 0; n < 5; n++) writeFileSync(`${dataDir}/net/10.9.0.${n}`, "x");
    hostLocal.status(options({ ipam: TINY }));
  });

  it("knows a range that never had any", () => {
    const ipam = { ranges: [[{ subnet: "10.2.0.0/30", rangeEnd: "10.2.0.1" }]] };
    expect(errorOf(() => hostLocal.status(inDirectory().with({ ipam }))).code).toBe(50);
  });

  it("does not look into files where a look at their number will do", () => {
    const { with: options } = inDirectory();
    hostLocal.add(options());
    const opened: string[] = [];
    withSyscalls(
      (name, args) => {
        if (name === "openat") opened.push(textOf(args[1]));
        return undefined;
      },
      () => hostLocal.status(options()),
    );
    expect(opened.filter((path) => /10\.1\.0\.2$/.test(path))).toEqual([]);
    expect(opened.length).toBeLessThanOrEqual(3);
  });
});
