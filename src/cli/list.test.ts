// Against a kernel that has what a test says, and without records: names come from comments. The records' part in it is
// tested with the real kernel, in test/kernel/cli.test.ts.

import { describe, expect, it } from "vitest";
import { type CliOutcome, cli } from "../../test/support/cli.ts";
import { type Answer, ack } from "../../test/support/fake-kernel.ts";
import { textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { type Maps, mapsKernel, nftablesWith } from "../../test/support/nftables-maps.ts";
import type { Element } from "../nftables/element.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { NFPROTO, NFT_VERDICT } from "../nftables/uapi.ts";
import { attachmentId } from "../owned/id.ts";
import { type ErrnoName, errno } from "../sys/errno.ts";
import { SyscallError } from "../sys/error.ts";
import { parseIp } from "../wire/ip.ts";
import type { CliIo } from "./io.ts";

const ip = (text: string): Uint8Array => parseIp(text) ?? new Uint8Array(4);
const idOf = (network: string, containerId: string): Uint8Array =>
  attachmentId({ network, containerId, ifname: "eth0" });
const owner = (network: string, container: string, address: string, comment?: string): Element => ({
  key: ip(address),
  data: idOf(network, container),
  comment: comment ?? `${network} eth0 ${address}/24 ${container}`,
});
/** What the family has for addresses of one policy that have counted these packets. */
const policed = (family: number, counts: Readonly<Record<string, bigint>>): Maps => ({
  [`${family} policies`]: Object.keys(counts).map((address) => ({
    key: ip(address),
    data: { code: NFT_VERDICT.GOTO, chain: "outside" },
  })),
  [`${family} members`]: Object.entries(counts).map(([address, packets]) => ({
    key: ip(address),
    expressions: [{ kind: "counter", packets, bytes: packets * 60n }],
  })),
});

const TWO: Maps = {
  [`${NFPROTO.IPV4} owners`]: [
    owner("dual", "web", "10.0.0.10"),
    owner("blue", "db", "10.0.0.9"),
    owner("dual", "web", "10.0.0.2"),
  ],
  ...policed(NFPROTO.IPV4, { "10.0.0.10": 3n, "10.0.0.2": 0n, "10.0.0.9": 12n }),
  [`${NFPROTO.IPV6} owners`]: [owner("dual", "web", "fd00::2")],
  ...policed(NFPROTO.IPV6, { "fd00::2": 1n }),
};

const NO_RECORDS: ErrnoName = "ENOENT";

/** `bauta list`, where reading the records fails like this. */
function list(
  maps: Maps,
  args: readonly string[],
  io: Partial<CliIo> = {},
  records: ErrnoName = NO_RECORDS,
): CliOutcome {
  const openNftables = (): Nftables => nftablesWith(mapsKernel(maps));
  return withSyscalls(
    (name, call) => (name === "openat" && textOf(call[1]).startsWith("/run/bauta") ? records : undefined),
    () => cli(["list", ...args], { openNftables, ...io }),
  );
}

describe("bauta list", () => {
  it("has a line for each address, by network, container, and the numbers of the address", () => {
    const { status, stdout } = list(TWO, []);
    expect(status).toBe(0);
    expect(stdout).toBe(`NETWORK  CONTAINER  INTERFACE  ADDRESS       POLICY   PACKETS  BYTES  STATE
blue     db         eth0       10.0.0.9/24   outside       12    720  no-record
dual     web        eth0       10.0.0.2/24   outside        0      0  no-record
dual     web        eth0       10.0.0.10/24  outside        3    180  no-record
dual     web        eth0       fd00::2/24    outside        1     60  no-record
`);
  });

  it("has nothing but the titles where nothing is masqueraded", () => {
    expect(list({}, [])).toEqual({
      status: 0,
      stdout: "NETWORK  CONTAINER  INTERFACE  ADDRESS  POLICY  PACKETS  BYTES\n",
      stderr: "",
    });
    expect(list({}, ["--json"]).stdout).toBe("[]\n");
  });

  it("shows the attachments of one network only, also those whose comment says nothing", () => {
    const maps = { ...TWO, "2 owners": [...(TWO["2 owners"] ?? []), owner("blue", "x", "10.0.0.7", "by hand")] };
    const lines = list(maps, ["--network", "blue"]).stdout.trim().split("\n");
    expect(lines.slice(1).map((line) => line.split(/ +/).slice(0, 4))).toEqual([
      ["blue", "db", "eth0", "10.0.0.9/24"],
      ["-", "-", "-", "10.0.0.7"],
    ]);
    expect(list(TWO, ["--network", "none"]).stdout.split("\n")).toHaveLength(2);
  });

  it("is JSON with --json, an object a line", () => {
    const { stdout } = list(TWO, ["--json"]);
    expect(stdout.split("\n")).toHaveLength(5);
    const [blue, dual] = JSON.parse(stdout);
    expect(blue).toEqual({
      network: "blue",
      container: "db",
      interface: "eth0",
      id: Buffer.from(idOf("blue", "db")).toString("hex"),
      state: "no-record",
      addresses: [{ address: "10.0.0.9/24", policy: "outside", packets: 12, bytes: 720, state: "no-record" }],
    });
    expect(dual.addresses.map(({ address }: { address: string }) => address)).toEqual([
      "10.0.0.2/24",
      "10.0.0.10/24",
      "fd00::2/24",
    ]);
  });

  it("does not show what was gone when it looked a second time", () => {
    const maps: Record<string, readonly Element[]> = {
      "2 owners": [owner("dual", "web", "10.0.0.2")],
      "2 policies": [],
    };
    const vanish: Answer = (requests) => {
      const replies = mapsKernel(maps)(requests);
      maps["2 owners"] = [];
      return replies;
    };
    const openNftables = (): Nftables => nftablesWith(vanish);
    expect(list({}, ["--json"], { openNftables }).stdout).toBe("[]\n");
  });

  it("tells what is wrong with the tables on standard error", () => {
    expect(list(TWO, []).stderr).toBe(
      "bauta: warning: table ip bauta_masquerade is missing\nbauta: warning: table ip6 bauta_masquerade is missing\n",
    );
  });

  it("has colours on a terminal, and cuts container ids where it is too narrow", () => {
    const long = "0123456789abcdef".repeat(4);
    const maps = { "2 owners": [owner("dual", long, "10.0.0.2")], ...policed(NFPROTO.IPV4, { "10.0.0.2": 1n }) };
    const terminal = { isTerminal: () => true, columns: () => 100 };
    const [titles = "", line = ""] = list(maps, [], terminal).stdout.split("\n");
    expect(titles).toContain("\x1b[1mNETWORK\x1b[22m");
    expect(line).toMatch(/dual {5}0123456789abcdef[0-9a-f]*… {2}eth0/);
    expect(line).toContain("\x1b[31mno-record\x1b[39m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences have no width
    expect(line.replaceAll(/\x1b\[\d+m/g, "")).toHaveLength(100);
    expect(list(maps, []).stdout).toContain(long);
  });

  it("cannot be tricked by a comment into commanding the terminal", () => {
    const evil = owner("dual", "web", "10.0.0.2");
    const maps = {
      "2 owners": [{ ...evil, comment: "\u009b2J eth0 10.0.0.2/24 web" }],
      ...policed(NFPROTO.IPV4, { "10.0.0.2": 1n }),
    };
    expect(list(maps, []).stdout).toContain("\\x9b2J");
  });

  it("says what to do where it has no privileges", () => {
    const refuse: Answer = (requests) => requests.map((request) => ack(request, errno("EPERM")));
    const openNftables = (): Nftables => nftablesWith(refuse);
    const { status, stdout, stderr } = list({}, [], { openNftables });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^bauta: cannot list set ip bauta_masquerade owners: EPERM.*\nbauta: .*run it as root\n$/);
    expect(list(TWO, [], {}, "EACCES").stderr).toMatch(/cannot open \/run\/bauta.*EACCES.*\n.*run it as root/);
  });

  it("says what to do where the kernel has no nf_tables", () => {
    const openNftables = (): never => {
      throw new SyscallError("socket", errno("EPROTONOSUPPORT"), "open a netlink socket");
    };
    expect(list({}, [], { openNftables })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("modprobe nf_tables"),
    });
  });
});
