// The executable for arm64 under qemu-user, beside the one for this machine: what they print, and what they do where qemu-user
// hands it to the kernel. tools/arm64 has the rest, on a kernel of arm64.

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sysrootOf } from "../../engine/cross.mjs";
import { CACHE } from "../../engine/executable.mjs";
import { PLUGIN_NAMES } from "../../src/plugins/all.ts";
import { MACHINES } from "../../src/sys/machine.ts";
import { SYSCALL_TABLES } from "../../src/sys/syscalls.ts";
import { wrongConstants } from "../support/c-constants.ts";
import { EMULATED, emulated, OTHER_MACHINE, runs } from "../support/emulated.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const NATIVE = join(CACHE, "../dist/cni");

/** Calls a plugin as it was built for this machine, and as it was built for the other one. */
function both(plugin: string, env: NodeJS.ProcessEnv, config: unknown) {
  const input = JSON.stringify(config);
  return [[join(NATIVE, plugin), []] as const, emulated(plugin)].map((command) => runs(command, { env, input }));
}

describe("the executable", () => {
  it("is static, and for arm64", () => {
    const header = readFileSync(EMULATED).subarray(0, 64);
    const EM = { x64: 62, arm64: 183 }; // include/uapi/linux/elf-em.h
    expect([header.readUInt16LE(16), header.readUInt16LE(18)]).toEqual([2, EM[OTHER_MACHINE.node]]); // ET_EXEC
    const PT_INTERP = 3;
    const types = Array.from({ length: header.readUInt16LE(56) }, (_, i) =>
      readFileSync(EMULATED).readUInt32LE(Number(header.readBigUInt64LE(32)) + i * header.readUInt16LE(54)),
    );
    expect(types.length).toBeGreaterThan(3);
    expect(types).not.toContain(PT_INTERP);
  });

  it.each([
    ["version"],
    ["help"],
    ["licenses"],
    ["manual"],
    ["schema"],
    ...PLUGIN_NAMES.map((name) => ["schema", name]),
  ])("prints the same as the one for this machine: %s %s", (...args) => {
    const printed = runs(["dist/bauta", args]);
    expect(printed.stdout).not.toBe("");
    expect(runs(emulated("bauta", ...args))).toEqual(printed);
  });

  it.each(PLUGIN_NAMES)("is %s, which tells its versions", (plugin) => {
    const [ours, others] = both(plugin, { CNI_COMMAND: "VERSION" }, { cniVersion: "1.0.0" });
    expect(ours).toMatchObject({ status: 0, stdout: expect.stringContaining("1.1.0") });
    expect(others).toEqual(ours);
  });
});

describe("the numbers of arm64", () => {
  const flags = (): string[] => {
    const headers = join(sysrootOf(OTHER_MACHINE, CACHE), "usr/include", OTHER_MACHINE.musl);
    return ["-nostdinc", "-isystem", headers, "-D_GNU_SOURCE"];
  };
  const compiler = `${OTHER_MACHINE.gnu}-gcc`;

  it("are those of musl for arm64, as its own compiler reads it", () => {
    const { EPOLL_EVENT_DATA, ...values } = MACHINES[OTHER_MACHINE.node];
    const constants: [string, number][] = [
      ...Object.entries(values),
      ["__builtin_offsetof(struct epoll_event, data)", EPOLL_EVENT_DATA],
      ...Object.entries(SYSCALL_TABLES[OTHER_MACHINE.node]).map(([name, value]): [string, number] => [
        `SYS_${name}`,
        value,
      ]),
    ];
    expect(wrongConstants(["fcntl.h", "sys/epoll.h", "sys/syscall.h"], constants, flags(), compiler)).toEqual([]);
    expect(wrongConstants(["fcntl.h"], [["O_NOFOLLOW", 0]], flags(), compiler)).toHaveLength(1);
  });
});

describe("host-local", () => {
  const config = (dataDir: string): object => ({
    cniVersion: "1.1.0",
    name: "net",
    type: "host-local",
    ipam: { type: "host-local", dataDir, ranges: [[{ subnet: "10.61.0.0/24" }], [{ subnet: "fd61::/112" }]] },
  });
  const env = (command: string): NodeJS.ProcessEnv => ({
    CNI_COMMAND: command,
    CNI_CONTAINERID: "container",
    CNI_NETNS: "/nowhere",
    CNI_IFNAME: "eth0",
    CNI_PATH: NATIVE,
  });
  /** What is in the store, by name. */
  const contents = (directory: string): [name: string, text: string][] =>
    readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((name) => /\/(10\.|fd61|last_)/.test(name))
      .sort()
      .map((name) => [name, readFileSync(join(directory, name), "utf8")]);

  it("gives the same addresses, finds them, and takes them back, on either machine's store", () => {
    const [own, other] = [temporaryDirectory(), temporaryDirectory()];
    const native = (command: string, store: string) =>
      runs([join(NATIVE, "host-local"), []], { env: env(command), input: JSON.stringify(config(store)) });
    const foreign = (command: string, store: string) =>
      runs(emulated("host-local"), { env: env(command), input: JSON.stringify(config(store)) });
    const added = native("ADD", own);
    expect(JSON.parse(added.stdout).ips).toHaveLength(2);
    expect(foreign("ADD", other)).toEqual(added);
    expect(contents(other)).toEqual(contents(own));
    expect(contents(other).length).toBeGreaterThan(2);
    // Each goes on with the other's store.
    expect(foreign("CHECK", own)).toMatchObject({ status: 0 });
    expect(native("CHECK", other)).toMatchObject({ status: 0 });
    expect(foreign("DEL", own)).toMatchObject({ status: 0, stdout: "" });
    expect(native("DEL", other)).toMatchObject({ status: 0, stdout: "" });
    expect(contents(own)).toEqual(contents(other));
    expect(foreign("CHECK", own).status).toBe(1);
    expect(foreign("STATUS", own)).toEqual(native("STATUS", own));
  });

  it("does not follow a symbolic link", () => {
    const outcome = (command: ReturnType<typeof emulated>): string => {
      const store = temporaryDirectory();
      mkdirSync(join(store, "net"));
      // What the link leads to says that the address is this container's.
      writeFileSync(join(store, "elsewhere"), "container\neth0");
      symlinkSync("../elsewhere", join(store, "net/10.61.0.7"));
      const ended = runs(command, { env: env("DEL"), input: JSON.stringify(config(store)) });
      expect(existsSync(join(store, "net/10.61.0.7"))).toBe(true);
      return JSON.stringify(ended).replaceAll(store, "STORE");
    };
    expect(outcome(emulated("host-local"))).toBe(outcome([join(NATIVE, "host-local"), []]));
  });
});
