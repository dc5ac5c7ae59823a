// macspoofchk in the kernel's tables, with nft(8) and real frames as the witnesses.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { checkGuard } from "../../src/mac-spoof/check.ts";
import { macSpoof } from "../../src/mac-spoof/feature.ts";
import { records as macSpoofRecords } from "../../src/mac-spoof/records.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Mac, parseMac } from "../../src/wire/mac.ts";
import { cli } from "../support/cli.ts";
import { peerDirectory } from "../support/differential.ts";
import { withSyscalls } from "../support/intercept-syscalls.ts";
import { makeNetns, requireNamespaces, run } from "../support/netns.ts";
import { isAnswered, ping } from "../support/outside.ts";
import { executable, succeed } from "../support/plugin.ts";

beforeAll(() => requireNamespaces());
// Each test has a node of its own: this thread, and the programs that it starts, move into an empty namespace.
beforeEach(() => unshareNetns());
afterEach(() => rmSync(macSpoofRecords.directory, { recursive: true, force: true }));

const at = (containerId: string, network = "net", ifname = "eth0"): Attachment => ({ network, containerId, ifname });

function mac(text: string): Mac {
  const parsed = parseMac(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function setUp(attachment: Attachment, port: string, address: Mac): void {
  macSpoof.setUp(attachment, { port, mac: address });
}

function check(attachment: Attachment, port: string, address: Mac): void {
  checkGuard(attachment, { port, mac: address });
}

function tearDown(attachment: Attachment): void {
  macSpoof.tearDown(attachment, []);
}

const MAC_A = mac("0a:00:00:00:00:01");
const MAC_B = mac("0a:00:00:00:00:02");

const ruleset = (): string => run("nft", "list", "ruleset").replaceAll("\t", "  ");
/** How often each of the three sets names the port. */
const mentions = (port: string): number => ruleset().split(`"${port}"`).length - 1;
const GUARDED = 3;

describe("ADD", () => {
  it("makes one table that nft lists as what it is", () => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    expect(
      ruleset().replace(/elements = { [0-9a-f:]+ comment/, "elements = { ID comment"),
    ).toBe(`table bridge bauta_macspoofchk {
  comment "MAC addresses that containers may send under"
  map attachments {
    type ipv6_addr : ifname . ether_addr
    elements = { ID comment "net eth0 c1" : "veth0000000a" . 0a:00:00:00:00:01 }
  }

  map ports {
    type ifname : verdict
    elements = { "veth0000000a" : goto guarded }
  }

  set allowed {
    type ifname . ether_addr
    elements = { "veth0000000a" . 0a:00:00:00:00:01 }
  }

  chain guarded {
    iifname . ether saddr @allowed accept
    counter packets 0 bytes 0 drop
  }

  chain prerouting {
    type filter hook prerouting priority dstnat; policy accept;
    iifname vmap @ports
  }
}
`);
  });

  it("survives nft list ruleset into a file and back", () => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    const before = ruleset();
    writeFileSync(`/run/ruleset-${process.pid}`, `flush ruleset\n${before}`);
    run("nft", "-f", `/run/ruleset-${process.pid}`);
    expect(ruleset()).toBe(before);
    check(at("c1"), "veth0000000a", MAC_A);
    tearDown(at("c1"));
    expect(ruleset()).toBe("");
  });

  it("drops frames from any other source address, and only those of its port", () => {
    const [a, b] = [makeNetns(), makeNetns()];
    run("ip", "link", "add", "br0", "up", "type", "bridge");
    for (const [i, netns] of [a, b].entries()) {
      run("ip", "link", "add", `port${i}`, "up", "master", "br0", "type", "veth", "peer", "eth0", "netns", netns.name);
      netns.ip(`addr add 10.0.0.${i + 1}/24 dev eth0`);
      netns.ip("link set eth0 up");
    }
    const own: string = a.ipJson("link show eth0")[0].address;
    setUp(at("a"), "port0", mac(own));
    ping(a, "10.0.0.2");
    a.ip("link set eth0 address 0a:00:00:00:00:99");
    expect(isAnswered(a, "10.0.0.2")).toBe(false);
    expect(Number(/counter packets (\d+)/.exec(ruleset())?.[1])).toBeGreaterThan(0);
    b.ip("link set eth0 address 0a:00:00:00:00:98");
    b.ip("neigh flush all");
    a.ip(`link set eth0 address ${own}`);
    ping(b, "10.0.0.1");
    a.ip("link set eth0 address 0a:00:00:00:00:99");
    tearDown(at("a"));
    ping(a, "10.0.0.2");
    a.remove();
    b.remove();
  });

  it("replaces the guard of an attachment that was never torn down", () => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    setUp(at("c1"), "veth0000000b", MAC_B);
    check(at("c1"), "veth0000000b", MAC_B);
    expect([mentions("veth0000000a"), mentions("veth0000000b")]).toEqual([0, GUARDED]);
  });

  it("takes a port's name over from an attachment whose link has gone, and that one's teardown changes nothing", () => {
    setUp(at("old"), "veth0000000a", MAC_A);
    setUp(at("new"), "veth0000000a", MAC_B);
    check(at("new"), "veth0000000a", MAC_B);
    expect(() => check(at("old"), "veth0000000a", MAC_A)).toThrow("map attachments is missing");
    tearDown(at("old"));
    check(at("new"), "veth0000000a", MAC_B);
    expect(mentions("veth0000000a")).toBe(GUARDED);
  });

  it("clears away what somebody left of a guard of its port", () => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    run("nft", "flush", "map", "bridge", "bauta_macspoofchk", "attachments");
    setUp(at("c2"), "veth0000000a", MAC_B);
    check(at("c2"), "veth0000000a", MAC_B);
    expect(ruleset()).not.toContain("0a:00:00:00:00:01");
  });

  it("makes a table whole again in which parts are missing, and leaves the guards of others", () => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    run("nft", "flush", "map", "bridge", "bauta_macspoofchk", "ports");
    run("nft", "flush", "chain", "bridge", "bauta_macspoofchk", "prerouting");
    run("nft", "delete", "map", "bridge", "bauta_macspoofchk", "ports");
    setUp(at("c2"), "veth0000000b", MAC_B);
    check(at("c2"), "veth0000000b", MAC_B);
    expect(ruleset()).toContain('"veth0000000a" . 0a:00:00:00:00:01');
  });

  it("can name any container and interface", () => {
    const long = at("c".repeat(255), "n".repeat(255), 'é"\u0001x');
    setUp(long, "veth0000000a", MAC_A);
    check(long, "veth0000000a", MAC_A);
    expect(ruleset()).toContain(`comment "${"n".repeat(125)}…"`);
    tearDown(long);
    expect(ruleset()).toBe("");
    setUp(at("c1", "net", 'é"\u0001x'), "veth0000000a", MAC_A);
    expect(ruleset()).toContain(`comment "net é'?x c1"`);
  });

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
        withSyscalls(fail, () => setUp(at("c1"), "veth0000000a", MAC_A));
      } catch {
        // Asking for a larger buffer may be refused; it works without.
      }
      if (!failed) break;
      tearDown(at("c1"));
      expect(ruleset()).toBe("");
    }
    expect(mentions("veth0000000a")).toBe(GUARDED);
  });
});

describe("DEL", () => {
  it("does nothing, without an error, where there is nothing", () => {
    tearDown(at("c1"));
    expect(ruleset()).toBe("");
    setUp(at("c2"), "veth0000000b", MAC_B);
    const before = ruleset();
    tearDown(at("c1"));
    expect(ruleset()).toBe(before);
  });

  it("takes nothing but its own, and the table with the last", () => {
    run("nft", "add", "table", "bridge", "somebodys");
    setUp(at("c1"), "veth0000000a", MAC_A);
    setUp(at("c2"), "veth0000000b", MAC_B);
    tearDown(at("c1"));
    expect([mentions("veth0000000a"), mentions("veth0000000b")]).toEqual([0, GUARDED]);
    check(at("c2"), "veth0000000b", MAC_B);
    tearDown(at("c2"));
    expect(ruleset()).toBe("table bridge somebodys {\n}\n");
  });

  it.each(["ports", "allowed"])("takes the rest where somebody has emptied %s", (set) => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    setUp(at("c2"), "veth0000000b", MAC_B);
    run("nft", "flush", set === "ports" ? "map" : "set", "bridge", "bauta_macspoofchk", set);
    tearDown(at("c1"));
    expect([mentions("veth0000000a"), mentions("veth0000000b")]).toEqual([0, GUARDED - 1]);
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

  it("leave a new attachment guarded that gets the name of a port just while its old owner is torn down", () => {
    interleave(
      () => setUp(at("old"), "veth0000000a", MAC_A),
      () => tearDown(at("old")),
      () => setUp(at("new"), "veth0000000a", MAC_B),
      () => {
        check(at("new"), "veth0000000a", MAC_B);
        expect(mentions("veth0000000a")).toBe(GUARDED);
      },
    );
  });

  it("leave a new attachment guarded whatever becomes of the last one meanwhile", () => {
    interleave(
      () => setUp(at("last"), "veth0000000a", MAC_A),
      () => tearDown(at("last")),
      () => setUp(at("new"), "veth0000000b", MAC_B),
      () => {
        check(at("new"), "veth0000000b", MAC_B);
        expect(mentions("veth0000000a")).toBe(0);
      },
    );
    interleave(
      () => setUp(at("last"), "veth0000000a", MAC_A),
      () => setUp(at("new"), "veth0000000b", MAC_B),
      () => tearDown(at("last")),
      () => {
        check(at("new"), "veth0000000b", MAC_B);
        expect(mentions("veth0000000a")).toBe(0);
      },
    );
  });

  it("leave no table behind when the last two go at once", () => {
    interleave(
      () => {
        setUp(at("c1"), "veth0000000a", MAC_A);
        setUp(at("c2"), "veth0000000b", MAC_B);
      },
      () => tearDown(at("c1")),
      () => tearDown(at("c2")),
      () => expect(ruleset()).toBe(""),
    );
  });

  it("make two attachments that come first at once both guarded", () => {
    interleave(
      () => {},
      () => setUp(at("c1"), "veth0000000a", MAC_A),
      () => setUp(at("c2"), "veth0000000b", MAC_B),
      () => {
        check(at("c1"), "veth0000000a", MAC_A);
        check(at("c2"), "veth0000000b", MAC_B);
      },
    );
  });
});

describe("CHECK", () => {
  const nft = (command: string): string => run("nft", ...command.split(" "));

  it.each([
    ["table bridge bauta_macspoofchk is missing", "delete table bridge bauta_macspoofchk"],
    ["table bridge bauta_macspoofchk is dormant", "add table bridge bauta_macspoofchk { flags dormant ; }"],
    [
      "chain prerouting of table bridge bauta_macspoofchk is missing",
      "delete chain bridge bauta_macspoofchk prerouting",
    ],
    [
      "chain prerouting of table bridge bauta_macspoofchk has been altered",
      "flush chain bridge bauta_macspoofchk prerouting",
    ],
    [
      "chain guarded of table bridge bauta_macspoofchk has been altered",
      "insert rule bridge bauta_macspoofchk guarded accept",
    ],
    [
      "chain prerouting of table bridge bauta_macspoofchk has been altered",
      "add chain bridge bauta_macspoofchk prerouting { type filter hook prerouting priority -300 ; policy drop ; }",
    ],
    ["the element of map attachments is missing", "flush map bridge bauta_macspoofchk attachments"],
    ["the port's element of map ports is missing", "flush map bridge bauta_macspoofchk ports"],
    ["the port's element of set allowed is missing", "flush set bridge bauta_macspoofchk allowed"],
  ])("says that %s", (message, command) => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    check(at("c1"), "veth0000000a", MAC_A);
    nft(command);
    expect(() => check(at("c1"), "veth0000000a", MAC_A)).toThrow(`macspoofchk of c1 eth0 on net: ${message}`);
  });

  it("says when the guard has been inverted, or counts what it should drop", () => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    const handle = (text: string): string | undefined => {
      const chain = run("nft", "-a", "list", "chain", "bridge", "bauta_macspoofchk", "guarded");
      return new RegExp(`${text}.* # handle (\\d+)`).exec(chain)?.[1];
    };
    const replace = (text: string, rule: string): void => {
      nft(`replace rule bridge bauta_macspoofchk guarded handle ${handle(text)} ${rule}`);
    };
    const altered = "chain guarded of table bridge bauta_macspoofchk has been altered";
    replace("@allowed", "iifname . ether saddr != @allowed accept");
    expect(() => check(at("c1"), "veth0000000a", MAC_A)).toThrow(altered);
    replace("@allowed", "iifname . ether saddr @allowed accept");
    check(at("c1"), "veth0000000a", MAC_A);
    replace("drop", "counter accept");
    expect(() => check(at("c1"), "veth0000000a", MAC_A)).toThrow(altered);
  });

  it("says when a set is missing, a port goes elsewhere, or the guard is that of another port or address", () => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    expect(() => check(at("c1"), "veth0000000a", MAC_B)).toThrow("has another port or address");
    expect(() => check(at("c1"), "veth0000000b", MAC_A)).toThrow("has another port or address");
    nft("add chain bridge bauta_macspoofchk elsewhere");
    nft("delete element bridge bauta_macspoofchk ports { veth0000000a }");
    nft("add element bridge bauta_macspoofchk ports { veth0000000a : goto elsewhere }");
    expect(() => check(at("c1"), "veth0000000a", MAC_A)).toThrow("the port does not go to chain guarded");
    nft("flush chain bridge bauta_macspoofchk guarded");
    nft("delete set bridge bauta_macspoofchk allowed");
    expect(() => check(at("c1"), "veth0000000a", MAC_A)).toThrow(
      "set allowed of table bridge bauta_macspoofchk is missing",
    );
  });
});

describe("GC", () => {
  it("removes the guards of the network's attachments that aren't valid", () => {
    setUp(at("gone"), "veth0000000a", MAC_A);
    setUp(at("here"), "veth0000000b", MAC_B);
    setUp(at("gone", "other"), "veth0000000c", MAC_A);
    macSpoof.collect("net", [at("here")]);
    expect(["a", "b", "c"].map((end) => mentions(`veth0000000${end}`))).toEqual([0, GUARDED, GUARDED]);
    macSpoof.collect("net", []);
    macSpoof.collect("other", []);
    macSpoof.collect("other", []);
    expect(ruleset()).toBe("");
  });
});

describe("the command", () => {
  const nft = (command: string): string => run("nft", command);
  const listed = (): string[] =>
    cli(["list"])
      .stdout.match(/\bc\d .*$/gm)
      ?.map((line) => line.replaceAll(/ +/g, " ")) ?? [];

  it("restores guards from their records, and touches nothing that is as it should be", () => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    setUp(at("c2"), "veth0000000b", MAC_B);
    const before = ruleset();
    nft("flush ruleset");
    expect(cli(["restore"])).toEqual({
      status: 0,
      stdout: "table bridge bauta_macspoofchk is missing\nput back 2 addresses (2 live attachments)\n",
      stderr: "",
    });
    const sorted = (text: string): string[] => text.split(/[\n,]\s*/).sort();
    expect(sorted(ruleset())).toEqual(sorted(before));
    expect(cli(["restore"]).stdout).toBe("put back 0 addresses (2 live attachments)\n");
    nft("delete element bridge bauta_macspoofchk ports { veth0000000a }");
    nft("flush chain bridge bauta_macspoofchk guarded");
    expect(cli(["restore"]).stdout).toBe(
      "chain guarded of table bridge bauta_macspoofchk has been altered\nput back 1 address (2 live attachments)\n",
    );
    check(at("c1"), "veth0000000a", MAC_A);
    check(at("c2"), "veth0000000b", MAC_B);
  });

  it("gives a port that two attachments have had to the later one", () => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    setUp(at("c2"), "veth0000000a", MAC_B);
    nft("flush ruleset");
    cli(["restore"]);
    check(at("c2"), "veth0000000a", MAC_B);
    expect(mentions("veth0000000a")).toBe(GUARDED);
  });

  it("lists guards, and how they stand", () => {
    setUp(at("c1"), "veth0000000a", MAC_A);
    setUp(at("c2"), "veth0000000b", MAC_B);
    expect(listed()).toEqual([
      "c1 eth0 0a:00:00:00:00:01 macspoofchk veth0000000a - -",
      "c2 eth0 0a:00:00:00:00:02 macspoofchk veth0000000b - -",
    ]);
    nft("delete element bridge bauta_macspoofchk ports { veth0000000a }");
    nft("flush map bridge bauta_macspoofchk attachments");
    setUp(at("c3"), "veth0000000c", MAC_A);
    rmSync(macSpoofRecords.directory, { recursive: true });
    setUp(at("c1"), "veth0000000d", MAC_A);
    nft("delete element bridge bauta_macspoofchk attachments { %s }".replace("%s", elementOf("veth0000000d")));
    expect(listed()).toEqual([
      "c1 eth0 0a:00:00:00:00:01 macspoofchk veth0000000d - - missing",
      "c3 eth0 0a:00:00:00:00:01 macspoofchk veth0000000c - - no-record",
    ]);
  });

  it("removes the guards of containers that are gone, and no others", () => {
    macSpoof.setUp(at("c1"), { port: "veth0000000a", mac: MAC_A }, "/run/netns/long-gone");
    macSpoof.setUp(at("c2"), { port: "veth0000000b", mac: MAC_B }, "/proc/self/ns/net");
    expect(cli(["gc", "--grace", "0s"]).stdout).toBe(
      "net c1 eth0: /run/netns/long-gone is gone\nremoved 1 attachment\n",
    );
    expect(listed()).toEqual(["c2 eth0 0a:00:00:00:00:02 macspoofchk veth0000000b - -"]);
  });
});

/** The key of the port's element in the map attachments. */
function elementOf(port: string): string {
  const map = run("nft", "list", "map", "bridge", "bauta_macspoofchk", "attachments");
  return new RegExp(`([0-9a-f:]+) comment "[^"]*" : "${port}"`).exec(map)?.[1] ?? "";
}

describe("what upstream's bridge leaves", () => {
  it("goes with the attachment that it was for, and no other's", () => {
    const netns = makeNetns();
    const bridge = executable(join(peerDirectory(), "bridge"));
    const config = { cniVersion: "1.0.0", name: "net", type: "bridge", bridge: "br0", macspoofchk: true };
    for (const containerId of ["c1", "c2"]) {
      succeed(bridge({ command: "ADD", containerId, netns: netns.path, ifname: containerId, config }));
    }
    expect(ruleset()).toContain("chain cni-br-iface-c1-c1-mac");
    tearDown(at("c1", "net", "c1"));
    tearDown(at("c1", "net", "c1"));
    expect(ruleset()).not.toContain("c1-c1");
    expect(ruleset().match(/cni-br-iface-c2-c2/g)).toHaveLength(4);
    tearDown(at("c2", "net", "c2"));
    expect(ruleset()).toBe(`table bridge nat {
  chain PREROUTING {
    type filter hook prerouting priority dstnat; policy accept;
  }
}
`);
    netns.remove();
  });
});
