// The bauta command and what ipMasqBackend "iptables" has made: restore, list, gc and adopt.

import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { setUpIptables, tearDownIptables } from "../../src/masquerade/iptables/iptables.ts";
import { IPTABLES_RECORDS, iptablesRecords } from "../../src/masquerade/iptables/records.ts";
import { checkMasquerade, setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { PLAIN } from "../../src/masquerade/options/options.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { SYS } from "../../src/sys/syscalls.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { ALL_SBIN, haveAll, haveOnly, type IptablesForm, isolateSbin, natRules } from "../support/iptables-form.ts";
import { requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => {
  requireNamespaces();
  return isolateSbin();
});
beforeEach(() => unshareNetns());
afterEach(() => {
  for (const path of ["/run/bauta", "/var/lib/cni/networks", "/var/lib/cni/results"])
    rmSync(path, { recursive: true, force: true });
});

const at = (containerId: string, ifname = "eth0") => ({ network: "net", containerId, ifname });
const cidrs = (...texts: readonly string[]): Cidr[] => texts.flatMap((text) => parseCidr(text) ?? []);
const dual = (n: number): Cidr[] => cidrs(`10.1.0.${n}/20`, `fd00:1::${n}/112`);
const rules = (): string[] => ([4, 6] as const).flatMap((family) => natRules(run, family));
const left = (): string[] => rules().filter((line) => !/^:[A-Z]+ ACCEPT/.test(line));
const records = (): string[] => (existsSync(IPTABLES_RECORDS) ? readdirSync(IPTABLES_RECORDS) : []);
const iptables = (...words: readonly string[]): void => {
  for (const program of ["iptables", "ip6tables"]) run(program, "-t", "nat", ...words);
};

describe.each<IptablesForm>(["legacy", "nft"])("where iptables is %s alone", (form) => {
  beforeEach(() => haveOnly(form));
  afterEach(() => haveAll());

  describe("bauta restore", () => {
    it.each<readonly [string, () => void]>([
      ["the rules of all chains have been flushed", () => iptables("-F")],
      [
        "the chains are gone, too",
        () => {
          iptables("-F");
          iptables("-X");
        },
      ],
      ["the jumps are gone", () => iptables("-F", "POSTROUTING")],
    ])("puts back all attachments where %s", (_, harm) => {
      for (const n of [1, 2, 3]) setUpIptables(at(`c${n}`), dual(n));
      setUpIptables(at("c1", "eth1"), cidrs("10.2.0.1/24"));
      const before = rules().sort();
      harm();
      expect(rules().sort()).not.toEqual(before);
      const restored = { attachments: 4, addresses: 7, mended: [], problems: [] };
      expect(JSON.parse(cli(["restore", "--json"]).stdout)).toEqual(restored);
      expect(rules().sort()).toEqual(before);
      expect(cli(["restore"]).stdout).toBe("put back 0 addresses (4 live attachments)\n");
      expect(rules().sort()).toEqual(before);
    });

    it("makes a chain anew that has been altered, and leaves others' rules alone", () => {
      setUpIptables(at("c1"), dual(1));
      setUpIptables(at("c2"), dual(2));
      const before = rules();
      const [chain = ""] = left().flatMap((line) => /^:(\S+)/.exec(line)?.[1] ?? []);
      iptables("-I", chain, "-j", "RETURN");
      iptables("-N", "other");
      iptables("-A", "POSTROUTING", "-j", "other");
      const mended = ["iptables", "ip6tables"].map((one) => `chain ${chain} of table nat of ${one} has been altered`);
      const { status, stdout } = cli(["restore"]);
      expect([status, stdout]).toEqual([0, `${mended.join("\n")}\nput back 2 addresses (2 live attachments)\n`]);
      iptables("-D", "POSTROUTING", "-j", "other");
      iptables("-X", "other");
      expect(rules()).toEqual(before);
    });

    it("puts nothing back of an attachment whose removal has begun", () => {
      setUpIptables(at("c1"), dual(1));
      setUpIptables(at("c2"), dual(2));
      tearDownIptables(at("c1"), []);
      iptables("-F");
      expect(cli(["restore"]).stdout).toBe("put back 2 addresses (1 live attachment)\n");
      tearDownIptables(at("c2"), []);
      expect([left(), records()]).toEqual([[], []]);
    });

    it("executes nothing where nothing is under iptables, and says what it can't do without", () => {
      haveOnly(undefined);
      try {
        expect(cli(["restore"])).toMatchObject({ status: 0, stdout: "put back 0 addresses (0 live attachments)\n" });
        haveAll();
        setUpIptables(at("c1"), dual(1));
        haveOnly(undefined);
        const { status, stderr } = cli(["restore"]);
        expect([status, stderr]).toEqual([
          1,
          expect.stringMatching(/^bauta: this node has no iptables-save: install the package iptables\n/),
        ]);
      } finally {
        haveAll();
      }
      tearDownIptables(at("c1"), []);
    });
  });

  describe("bauta list", () => {
    /** Container, address, policy and state where there is one. */
    const listed = (...args: readonly string[]): string[] => {
      const { status, stdout } = cli(["list", ...args]);
      expect(status).toBe(0);
      const [, ...rows] = stdout.trimEnd().split("\n");
      return rows.map((row) => {
        const [, container, , address, policy, , , state] = row.split(/ +/);
        return [container, address, policy, state].filter((field) => field !== undefined).join(" ");
      });
    };

    it("shows attachments of both back ends side by side, in order", () => {
      setUpIptables(at("c3"), dual(3));
      setUpMasquerade(at("c2"), cidrs("10.1.0.2/20"));
      setUpIptables(at("c1"), cidrs("10.1.0.1/20"));
      expect(listed()).toEqual([
        "c1 10.1.0.1/20 iptables",
        "c2 10.1.0.2/20 outside-10.1.0.0/20",
        "c3 10.1.0.3/20 iptables",
        "c3 fd00:1::3/112 iptables",
      ]);
      expect(listed("--network", "other")).toEqual([]);
      tearDownMasquerade(at("c2"), []);
    });

    it("counts the flows of each address", () => {
      setUpIptables(at("c1"), cidrs("10.1.0.1/20"));
      const line = natRules(run, 4).find((one) => one.includes("-s 10.1.0.1/32"));
      run("iptables", "-t", "nat", "-D", "POSTROUTING", "1");
      const restored = `*nat\n[5:300] ${line}\nCOMMIT\n`;
      run("bash", "-c", `printf '%s' "$1" | iptables-restore --noflush --counters`, "bash", restored);
      const [attachment] = JSON.parse(cli(["list", "--json"]).stdout);
      expect(attachment).toMatchObject({
        ...{ network: "net", container: "c1", interface: "eth0", state: "ok" },
        addresses: [{ address: "10.1.0.1/20", policy: "iptables", packets: 5, bytes: 300, state: "ok" }],
      });
    });

    it("says which are missing, and what is wrong with their chains", () => {
      for (const n of [1, 2, 3]) setUpIptables(at(`c${n}`), cidrs(`10.1.0.${n}/20`));
      const chain = (n: number): string =>
        left()
          .find((line) => line.includes(`-s 10.1.0.${n}/32`))
          ?.slice(-28) ?? "";
      run("iptables", "-t", "nat", "-I", chain(2), "-j", "RETURN");
      run("iptables", "-t", "nat", "-D", "POSTROUTING", "1");
      expect(listed()).toEqual([
        "c1 10.1.0.1/20 iptables missing",
        "c2 10.1.0.2/20 iptables missing",
        "c3 10.1.0.3/20 iptables ok",
      ]);
      expect(cli(["list"]).stderr).toBe(
        `bauta: warning: chain ${chain(2)} of table nat of iptables has been altered\n`,
      );
      expect(cli(["restore"]).stdout).toContain("put back 2 addresses (3 live attachments)\n");
      expect(listed()).toEqual([1, 2, 3].map((n) => `c${n} 10.1.0.${n}/20 iptables`));
    });

    it("says what is leaving, and what can't be known", () => {
      setUpIptables(at("c1"), cidrs("10.1.0.1/20"));
      setUpIptables(at("c2"), cidrs("10.1.0.2/20"));
      iptablesRecords.beginRelease(at("c1"));
      expect(listed()).toEqual(["c1 10.1.0.1/20 iptables leaving", "c2 10.1.0.2/20 iptables ok"]);
      haveOnly(undefined);
      expect(listed()).toEqual(["c1 10.1.0.1/20 iptables leaving", "c2 10.1.0.2/20 iptables unknown"]);
      expect(cli(["list"]).stderr).toContain("bauta: warning: this node has no iptables-save: install");
      haveAll();
    });
  });

  it("bauta explain says that it does not follow iptables' rules, and what shows them", () => {
    setUpIptables(at("c1"), dual(1));
    const chain = left()
      .find((line) => line.includes("-s fd00:1::1/128"))
      ?.slice(-28);
    const { status, stderr } = cli(["explain", "--from", "fd00:1::1", "--to", "2001:db8::2"]);
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining(`fd00:1::1 is eth0 of container c1 on network net, under ipMasqBackend "iptables"`),
    ]);
    expect(stderr).toContain(`\`ip6tables -t nat -vnL ${chain}\` shows them`);
  });

  describe("bauta gc", () => {
    const GONE = "/run/netns/long-gone";

    it("shows, then removes, what is gone, and keeps what is not", () => {
      setUpIptables(at("gone"), dual(1), GONE);
      setUpIptables(at("alive"), dual(2), "/proc/self/ns/net");
      setUpIptables(at("unknown"), dual(3));
      const before = rules();
      const line = `net gone eth0 10.1.0.1/20 fd00:1::1/112: ${GONE} is gone\n`;
      expect(cli(["gc", "--dry-run", "--grace", "0"]).stdout).toBe(`${line}would remove 1 attachment\n`);
      expect(cli(["gc"]).stdout).toBe("removed 0 attachments\n"); // too young
      expect(rules()).toEqual(before);
      expect(cli(["gc", "--grace", "0"])).toEqual({
        ...{ status: 0, stdout: `${line}removed 1 attachment\n` },
        stderr: "bauta: 1 attachment kept without a look: no network namespace recorded\n",
      });
      const sources = left().flatMap((one) => /^-A POSTROUTING -s (\S+) /.exec(one)?.[1] ?? []);
      expect(sources).toEqual(["10.1.0.2/32", "10.1.0.3/32", "fd00:1::2/128", "fd00:1::3/128"]);
      expect(records()).toHaveLength(2);
    });

    it("removes the others where iptables' programs are gone, says so, and the rest when they are back", () => {
      setUpIptables(at("c1"), dual(1), GONE);
      setUpMasquerade(at("c2"), dual(2), PLAIN, GONE);
      haveOnly(undefined);
      const { status, stdout, stderr } = cli(["gc", "--grace", "0"]);
      haveAll();
      expect(stdout).toContain("net c2 eth0 10.1.0.2/20");
      if (form === "legacy") {
        expect([status, stdout.split("\n").at(-2)]).toEqual([1, "removed 1 attachment"]);
        expect(stderr).toContain(
          "bauta: net c1 eth0: this node has no iptables-legacy-save: install the package iptables",
        );
        expect(stderr).toContain("1 attachment could not be removed");
        expect(cli(["gc", "--grace", "0"])).toMatchObject({
          status: 0,
          stdout: expect.stringContaining("net c1 eth0"),
        });
      } else expect([status, stdout.split("\n").at(-2)]).toEqual([0, "removed 2 attachments"]);
      expect([left(), records()]).toEqual([[], []]);
    });

    it("forgets what upstream's DEL has removed already", () => {
      setUpIptables(at("c1"), dual(1), GONE);
      iptables("-F");
      iptables("-X");
      expect(cli(["gc", "--grace", "0"]).stdout).toContain("removed 1 attachment\n");
      expect(records()).toEqual([]);
    });
  });

  describe("bauta adopt", () => {
    /** As upstream's plugins have made it: the same rules, and no record of ours. */
    function upstream(containerId: string, addresses: readonly Cidr[], network = "net"): void {
      setUpIptables({ network, containerId, ifname: "eth0" }, addresses);
      rmSync("/run/bauta", { recursive: true });
    }
    function reserve(ip: string, containerId: string, network = "net"): void {
      mkdirSync(`/var/lib/cni/networks/${network}`, { recursive: true });
      writeFileSync(`/var/lib/cni/networks/${network}/${ip}`, `${containerId}\r\neth0`);
    }
    function cache(attachment: string): void {
      mkdirSync("/var/lib/cni/results", { recursive: true });
      writeFileSync(`/var/lib/cni/results/${attachment}`, "{}");
    }

    it("moves upstream's rules into our maps, and leaves nothing of them", () => {
      for (const n of [1, 2]) {
        upstream(`c${n}`, dual(n));
        reserve(`10.1.0.${n}`, `c${n}`);
        reserve(`fd00:1::${n}`, `c${n}`);
      }
      const lines = "net c1 eth0 10.1.0.1/20 fd00:1::1/112\nnet c2 eth0 10.1.0.2/20 fd00:1::2/112\n";
      const before = rules();
      expect(cli(["adopt", "--dry-run"])).toEqual({
        ...{ status: 0, stdout: `${lines}would adopt 2 attachments\n`, stderr: "" },
      });
      expect(rules()).toEqual(before);
      expect(cli(["adopt"])).toEqual({ status: 0, stdout: `${lines}adopted 2 attachments\n`, stderr: "" });
      expect(left()).toEqual([]);
      for (const n of [1, 2]) checkMasquerade(at(`c${n}`), dual(n));
      expect(cli(["adopt"]).stdout).toBe("adopted 0 attachments\n");
      for (const n of [1, 2]) tearDownMasquerade(at(`c${n}`), []);
      expect(run("nft", "list", "tables")).not.toContain("bauta");
    });

    it("leaves our own, others' chains, and what it can't attribute", () => {
      setUpIptables(at("ours"), dual(1));
      const kept = readdirSync(IPTABLES_RECORDS);
      setUpIptables(at("stranger"), cidrs("10.1.0.2/20"));
      setUpIptables(at("altered"), cidrs("10.1.0.3/20"));
      for (const name of records()) if (!kept.includes(name)) rmSync(`${IPTABLES_RECORDS}/${name}`);
      reserve("10.1.0.3", "altered");
      const chain =
        left()
          .find((line) => line.includes("-s 10.1.0.3/32"))
          ?.slice(-28) ?? "";
      run("iptables", "-t", "nat", "-I", chain, "-d", "192.0.2.0/24", "-j", "RETURN");
      iptables("-N", "CNI-HOSTPORT-MASQ");
      iptables("-A", "POSTROUTING", "-j", "CNI-HOSTPORT-MASQ");
      const before = rules();
      const { status, stdout, stderr } = cli(["adopt"]);
      expect([status, stdout]).toEqual([1, "adopted 0 attachments\n"]);
      expect(stderr).toMatch(
        /to CNI-\w+: neither host-local nor .* which interface of stranger on net has 10\.1\.0\.2\n/,
      );
      expect(stderr).toContain(
        `rule of iptables that leads to ${chain}: its chain is not as upstream's plugins make it`,
      );
      expect(rules()).toEqual(before);
    });

    it("finds the interface, and the end of a long id, in a runtime's record", () => {
      const [short, long] = ["c-1", "f".repeat(240)];
      upstream(short, cidrs("10.1.0.1/20"));
      upstream(long, cidrs("10.1.0.2/20"), "a-net");
      upstream(`${long}1`, cidrs("10.1.0.3/20"), "a-net");
      cache(`net-${short}-eth-0`);
      cache(`a-net-${long}-eth0`);
      reserve("10.1.0.3", `${long}1`, "a-net");
      expect(cli(["adopt"])).toMatchObject({ status: 0, stdout: expect.stringContaining("adopted 3 attachments\n") });
      checkMasquerade({ network: "net", containerId: short, ifname: "eth-0" }, cidrs("10.1.0.1/20"));
      checkMasquerade({ network: "a-net", containerId: long, ifname: "eth0" }, cidrs("10.1.0.2/20"));
      checkMasquerade({ network: "a-net", containerId: `${long}1`, ifname: "eth0" }, cidrs("10.1.0.3/20"));
      expect(left()).toEqual([]);
    });

    it("keeps upstream's rules beside ours where it can't remove them, and removes them the next time", () => {
      upstream("c1", cidrs("10.1.0.1/20"));
      reserve("10.1.0.1", "c1");
      if (form === "nft") return; // takes no program to remove them
      haveOnly(undefined);
      symlinkSync(`${ALL_SBIN}/xtables-legacy-multi`, "/usr/sbin/iptables-save");
      const { status, stderr } = cli(["adopt"]);
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(
          /^bauta: the rules of iptables stay beside ours: this node has no iptables-legacy-restore/,
        ),
      ]);
      haveAll();
      expect(left()).toHaveLength(4);
      checkMasquerade(at("c1"), cidrs("10.1.0.1/20"));
      expect(cli(["adopt"])).toMatchObject({ status: 0, stdout: expect.stringContaining("adopted 1 attachment\n") });
      expect(left()).toEqual([]);
      checkMasquerade(at("c1"), cidrs("10.1.0.1/20"));
    });

    it("takes back what it has adopted of a container whose DEL comes in between", () => {
      upstream("c1", cidrs("10.1.0.1/20"));
      upstream("c2", cidrs("10.1.0.2/20"));
      for (const n of [1, 2]) reserve(`10.1.0.${n}`, `c${n}`);
      const { bautaEngine } = globalThis;
      let generations = 0;
      // After the maps have been filled, and before the rules of iptables are looked at again.
      const deleteMeanwhile = (): void => {
        if (++generations !== 1) return;
        tearDownIptables(at("c1"), cidrs("10.1.0.1/20"));
      };
      const original = bautaEngine.syscall;
      bautaEngine.syscall = (number, ...args) => {
        const result = original(number, ...args);
        const isCommit = number === SYS.sendto && includesBatchEnd(args[1]);
        if (isCommit && result > 0 && run("nft", "list", "ruleset").includes("bauta_masquerade")) deleteMeanwhile();
        return result;
      };
      try {
        cli(["adopt"]);
      } finally {
        bautaEngine.syscall = original;
      }
      expect(generations).toBeGreaterThan(0);
      expect(left()).toEqual([]);
      const ruleset = run("nft", "list", "ruleset");
      expect([ruleset.includes("10.1.0.1 "), ruleset.includes("10.1.0.2 ")]).toEqual([false, true]);
      expect(readdirSync(RECORDS)).toHaveLength(1);
    });
  });
});

/** Whether the bytes end with NFNL_MSG_BATCH_END (include/uapi/linux/netfilter/nfnetlink.h): 20 bytes of type 0x11. */
function includesBatchEnd(bytes: unknown): boolean {
  return bytes instanceof Uint8Array && bytes.length > 40 && bytes[bytes.length - 16] === 0x11;
}
