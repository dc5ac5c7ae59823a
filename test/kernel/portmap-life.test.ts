// The life of published ports by nftables: what is left by whom, who comes in between, and what the command knows.

import { rmSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { portmap } from "../../src/portmap/feature.ts";
import { NO_CONDITIONS, parseMapping, type Wanted } from "../../src/portmap/mapping.ts";
import { records } from "../../src/portmap/records.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { parseIp } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { withSyscalls } from "../support/intercept-syscalls.ts";
import { requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => requireNamespaces());
// Each test has a node of its own: this thread, and the programs that it starts, move into an empty namespace.
beforeEach(() => unshareNetns());
afterEach(() => rmSync(records.directory, { recursive: true, force: true }));

const at = (containerId: string, network = "net", ifname = "eth0"): Attachment => ({ network, containerId, ifname });

/** What the container with this number publishes, as records have it. */
function wanted(n: number, mappings: readonly string[], more: Partial<Wanted> = {}): Wanted {
  const containers = [`10.0.0.${n}`, `fd00::${n}`].map((text, i) => {
    return { ip: parseIp(text) ?? new Uint8Array(4), prefixLength: i === 0 ? 24 : 64, link: "cni0" };
  });
  const parsed = mappings.flatMap((text) => parseMapping(text) ?? []);
  return { containers, mappings: parsed, snat: true, masqAll: false, conditions: NO_CONDITIONS, ...more };
}

const [ONE, TWO] = [wanted(2, ["8080:80/tcp", "5353:53/udp"]), wanted(3, ["8081:80/tcp"])];

const setUp = (attachment: Attachment, one: Wanted): void => portmap.setUp(attachment, one);
const tearDown = (attachment: Attachment): void => portmap.tearDown(attachment, []);
const faults = (attachment: Attachment, one: Wanted): readonly string[] => portmap.faults(attachment, one);
const ruleset = (): string => run("nft", "list", "ruleset");
const nft = (command: string): string => run("nft", command);

describe("ADD", () => {
  it("leaves nothing where the kernel refuses", () => {
    for (let nth = 0; ; nth++) {
      let count = 0;
      let failed = false;
      const fail = (name: string): "EPERM" | undefined => {
        if (failed || name === "close" || count++ !== nth) return undefined;
        failed = true;
        return "EPERM";
      };
      try {
        withSyscalls(fail, () => setUp(at("c1"), ONE));
      } catch {
        // Asking for a larger buffer may be refused; it works without.
      }
      if (!failed) break;
      tearDown(at("c1"));
      expect(ruleset()).toBe("");
    }
    expect(faults(at("c1"), ONE)).toEqual([]);
  });

  it("leaves another's port alone, with hostPortConflict older-wins, and goes on with the others", () => {
    const told: string[] = [];
    const olderWins = (line: string): void => void told.push(line);
    setUp(at("c1", "front"), wanted(2, ["0.0.0.0:8080:80/tcp"]));
    const late = wanted(3, ["8080:80/tcp", "9090:90/tcp"], { olderWins });
    setUp(at("c2"), late);
    expect(told).toEqual(["host port 8080/tcp stays with container c1, interface eth0, network front"]);
    expect(faults(at("c2"), late)).toEqual([]);
    const maps = ["ip", "ip6"].map((family) => nft(`list map ${family} bauta_portmap ports`).replaceAll(/\s+/g, " "));
    expect(maps[0]).toContain('tcp . 8080 comment "front eth0 c1" : 10.0.0.2 . 80');
    expect(maps[1]).toContain('tcp . 8080 comment "net eth0 c2" : fd00::3 . 80');
    tearDown(at("c2"));
    expect(faults(at("c1", "front"), wanted(2, ["0.0.0.0:8080:80/tcp"]))).toEqual([]);
    tearDown(at("c1", "front"));
    expect(ruleset()).toBe("");
  });

  it("can name any container and interface", () => {
    const long = at("c".repeat(255), "n".repeat(255), 'é"\u0001x');
    setUp(long, ONE);
    expect(faults(long, ONE)).toEqual([]);
    rmSync(records.directory, { recursive: true });
    tearDown(long);
    expect(ruleset()).toBe("");
  });
});

describe("changes that come in between", () => {
  /** Runs `other` just before each of the system calls that `work` makes, one run a call; `prepare` makes the state before. */
  function interleave(prepare: () => void, work: () => void, other: () => void, verify: () => void): void {
    for (let nth = 0; ; nth++) {
      unshareNetns();
      prepare();
      let count = 0;
      let ran = false;
      withSyscalls(() => {
        if (!ran && count++ === nth) {
          ran = true;
          other();
        }
        return undefined;
      }, work);
      if (!ran) return;
      verify();
    }
  }

  it("leave a new attachment whole whatever becomes of the last one meanwhile", () => {
    const verify = (): void => {
      expect(faults(at("new"), TWO)).toEqual([]);
      expect(ruleset()).not.toContain("8080");
    };
    interleave(
      () => setUp(at("last"), ONE),
      () => tearDown(at("last")),
      () => setUp(at("new"), TWO),
      verify,
    );
    interleave(
      () => setUp(at("last"), ONE),
      () => setUp(at("new"), TWO),
      () => tearDown(at("last")),
      verify,
    );
  });

  it("leave no table behind when the last two go at once", () => {
    interleave(
      () => {
        setUp(at("c1"), ONE);
        setUp(at("c2"), TWO);
      },
      () => tearDown(at("c1")),
      () => tearDown(at("c2")),
      () => expect(ruleset()).toBe(""),
    );
  });

  it("make two attachments that come first at once both whole", () => {
    interleave(
      () => {},
      () => setUp(at("c1"), ONE),
      () => setUp(at("c2"), TWO),
      () => expect([faults(at("c1"), ONE), faults(at("c2"), TWO)]).toEqual([[], []]),
    );
  });
});

describe("CHECK", () => {
  it.each([
    ["table ip bauta_portmap is missing", "delete table ip bauta_portmap"],
    ["table ip6 bauta_portmap is dormant", "add table ip6 bauta_portmap { flags dormant ; }"],
    ["chain output of table ip bauta_portmap is missing", "delete chain ip bauta_portmap output"],
    ["chain published of table ip bauta_portmap has been altered", "insert rule ip bauta_portmap published return"],
    ["chain prerouting of table ip bauta_portmap has been altered", "flush chain ip bauta_portmap prerouting"],
    ["host port 8080/tcp (map ports of table ip bauta_portmap) is missing", "flush map ip bauta_portmap ports"],
    ["the attachment's element of owners of table ip6 bauta_portmap is missing", "flush map ip6 bauta_portmap owners"],
    [
      "the attachment's element of returning of table ip bauta_portmap is missing",
      "flush set ip bauta_portmap returning",
    ],
    ["the attachment's element of pairs of table ip bauta_portmap is missing", "flush set ip bauta_portmap pairs"],
  ])("says that %s", (message, command) => {
    setUp(at("c1"), ONE);
    expect(faults(at("c1"), ONE)).toEqual([]);
    nft(command);
    expect(faults(at("c1"), ONE)).toContain(message);
  });
});

describe("the command", () => {
  const listed = (): string[] =>
    cli(["list"])
      .stdout.match(/\bc\d .*$/gm)
      ?.map((line) => line.replaceAll(/ +/g, " ")) ?? [];

  const PORTS_OF_ONE = [
    "c1 eth0 0.0.0.0:8080/tcp portmap 10.0.0.2:80 - -",
    "c1 eth0 0.0.0.0:5353/udp portmap 10.0.0.2:53 - -",
    "c1 eth0 [::]:8080/tcp portmap [fd00::2]:80 - -",
    "c1 eth0 [::]:5353/udp portmap [fd00::2]:53 - -",
  ];

  it("lists ports, and how they stand", () => {
    setUp(at("c1"), ONE);
    expect(listed()).toEqual(PORTS_OF_ONE);
    nft("delete element ip bauta_portmap ports { tcp . 8080 }");
    expect(listed()[0]).toBe("c1 eth0 0.0.0.0:8080/tcp portmap 10.0.0.2:80 - - missing");
    nft("add element ip bauta_portmap ports { tcp . 8080 : 10.0.0.9 . 80 }");
    expect(listed()[0]).toBe("c1 eth0 0.0.0.0:8080/tcp portmap 10.0.0.2:80 - - taken");
    rmSync(records.directory, { recursive: true });
    expect(listed()).toContain("c1 eth0 0.0.0.0:5353/udp portmap 10.0.0.2:53 - - no-record");
    expect(cli(["list", "--network", "other"]).stdout).not.toContain("c1");
  });

  it("restores ports from their records, and touches nothing that is as it should be", () => {
    const conditional = wanted(3, ["8081:80/tcp"], { conditions: { v4: ["iifname", "eth7"], v6: [] } });
    const chains = ["ports", "addresses"].map((name) => {
      return `chain ${name}_0fb198eec73c652d of table ip bauta_portmap is missing\n`;
    });
    setUp(at("c1"), ONE);
    setUp(at("c2"), conditional);
    const before = ruleset();
    nft("flush ruleset");
    expect(cli(["restore"])).toEqual({
      status: 0,
      stdout: [
        "table ip bauta_portmap is missing\n",
        ...chains,
        "table ip6 bauta_portmap is missing\n",
        "put back 6 addresses (2 live attachments)\n",
      ].join(""),
      stderr: "",
    });
    const sorted = (text: string): string[] => text.split(/[\n,]\s*/).sort();
    expect(sorted(ruleset())).toEqual(sorted(before));
    expect(cli(["restore"]).stdout).toBe("put back 0 addresses (2 live attachments)\n");
    nft("delete element ip bauta_portmap ports { tcp . 8080 }");
    nft("add element ip bauta_portmap ports { tcp . 8080 : 10.0.0.2 . 81 }");
    expect(cli(["restore"]).stdout).toBe("put back 2 addresses (2 live attachments)\n");
    expect([faults(at("c1"), ONE), faults(at("c2"), conditional)]).toEqual([[], []]);
  });

  it("tells of an altered exception, and of one that is gone, and restores each", () => {
    const plain = "c1 eth0 0.0.0.0:8080/tcp portmap 10.0.0.2:80 - -";
    const atAddress = "c2 eth0 192.0.2.1:8081/tcp portmap 10.0.0.3:80 - -";
    const other = wanted(3, ["192.0.2.1:8081:80/tcp"]);
    setUp(at("c1"), wanted(2, ["8080:80/tcp"]));
    setUp(at("c2"), other);
    const listedV4 = (): string[] => listed().filter((line) => !line.includes("["));
    expect(listedV4()).toEqual([plain, atAddress]);
    nft("delete element ip bauta_portmap exceptions { tcp }");
    expect(listedV4()).toEqual([`${plain} ok`, `${atAddress} other-policy`]);
    expect(cli(["restore"]).stdout).toBe("put back 1 address (2 live attachments)\n");
    nft("delete element ip bauta_portmap exceptions { tcp }");
    nft("add element ip bauta_portmap exceptions { tcp : drop }");
    const altered = "the element tcp of map exceptions of table ip bauta_portmap has been altered";
    expect(listedV4()).toEqual([`${plain} other-policy`, `${atAddress} other-policy`]);
    expect(cli(["list"]).stderr).toContain(altered);
    expect(faults(at("c1"), wanted(2, ["8080:80/tcp"]))).toEqual([altered]);
    expect(cli(["restore"]).stdout).toBe(`${altered}\nput back 0 addresses (2 live attachments)\n`);
    expect(listedV4()).toEqual([plain, atAddress]);
    expect(faults(at("c2"), other)).toEqual([]);
  });

  it("says which ports cannot come back because somebody else has them", () => {
    setUp(at("c1"), wanted(2, ["8080:80/tcp"]));
    nft("flush ruleset");
    const record = records.read(at("c1"));
    setUp(at("c2"), wanted(3, ["8080:80/tcp"]));
    expect(record?.mappings).toHaveLength(1);
    const { status, stderr } = cli(["restore"]);
    expect(status).toBe(1);
    expect(stderr).toContain("host port 8080/tcp is published for container c2, interface eth0, network net");
    expect(faults(at("c2"), wanted(3, ["8080:80/tcp"]))).toEqual([]);
  });

  it("removes the ports of containers that are gone, and no others", () => {
    portmap.setUp(at("c1"), TWO, "/run/netns/long-gone");
    portmap.setUp(at("c2"), wanted(2, ["8082:80/tcp"]), "/proc/self/ns/net");
    expect(cli(["gc", "--grace", "0s"]).stdout).toBe(
      "net c1 eth0: /run/netns/long-gone is gone\nremoved 1 attachment\n",
    );
    expect(listed().map((line) => line.slice(0, 2))).toEqual(["c2", "c2"]);
  });
});

describe("GC", () => {
  it("removes the ports of the network's attachments that are not valid, with their records or without", () => {
    setUp(at("c1"), wanted(2, ["8081:80/tcp"]));
    setUp(at("c2"), wanted(3, ["8082:80/tcp"]));
    setUp(at("c3"), wanted(4, ["8083:80/tcp"]));
    setUp(at("c4", "other"), wanted(5, ["8084:80/tcp"]));
    rmSync(`${records.directory}/${records.find(at("c1"))?.id}`);
    portmap.collect("net", [at("c3")]);
    expect([8081, 8082, 8083, 8084].map((port) => ruleset().includes(`tcp . ${port}`))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    portmap.collect("net", []);
    portmap.collect("other", []);
    expect(ruleset()).toBe("");
  });
});
