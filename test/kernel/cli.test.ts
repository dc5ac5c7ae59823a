// What the bauta command finds in the kernel's own tables, with nft(8) to put them out of order.

import { readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type EventSource, openEvents } from "../../src/cli/events.ts";
import type { Attachment } from "../../src/cni/attachment.ts";
import { macSpoof } from "../../src/mac-spoof/feature.ts";
import { setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { readOptions } from "../../src/masquerade/options/options.ts";
import { attachmentId, idText } from "../../src/owned/id.ts";
import { call } from "../../src/sys/call.ts";
import { close, O } from "../../src/sys/fd.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { requireNamespaces, run } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => unshareNetns());
afterEach(() => rmSync(RECORDS, { recursive: true, force: true }));

const at = (containerId: string, network = "dual"): Attachment => ({ network, containerId, ifname: "eth0" });
const cidrs = (...texts: readonly string[]): Cidr[] =>
  texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw new Error(text);
    return cidr;
  });
const four = (n: number): Cidr[] => cidrs(`198.18.0.${n}/17`);
const CHAIN = "outside-198.18.0.0/17";

/** Network, container, address, policy and state of each line of the table. */
function table(...args: readonly string[]): string[] {
  const { status, stdout } = cli(["list", ...args]);
  expect(status).toBe(0);
  const [titles = "", ...rows] = stdout.trimEnd().split("\n");
  return rows.map((row) => {
    const [network, container, , address, policy, packets, , state] = row.split(/ +/);
    expect(state !== undefined).toBe(titles.endsWith("STATE"));
    return [network, container, address, policy, packets, state].filter((field) => field !== undefined).join(" ");
  });
}

const recordOf = (attachment: Attachment): string => join(RECORDS, idText(attachmentId(attachment)));
const nft = (command: string): void => void run("nft", command);

describe("bauta list", () => {
  it("has nothing to say where nothing is attached", () => {
    expect(table()).toEqual([]);
    expect(cli(["list"]).stderr).toBe("");
  });

  it("has no states where all is well, and orders by network and container", () => {
    setUpMasquerade(at("c2"), four(2));
    setUpMasquerade(at("c10"), four(3));
    setUpMasquerade(at("c1", "alone"), cidrs("10.0.0.5/24"));
    expect(table()).toEqual([
      "alone c1 10.0.0.5/24 outside-10.0.0.0/24 0",
      `dual c10 198.18.0.3/17 ${CHAIN} 0`,
      `dual c2 198.18.0.2/17 ${CHAIN} 0`,
    ]);
    expect(table("--network", "alone")).toHaveLength(1);
    expect(table("--network", "none")).toEqual([]);
  });

  it("knows whole names although no comment had room for them", () => {
    const attachment = { network: "n".repeat(100), containerId: "c".repeat(64), ifname: "eth0" };
    setUpMasquerade(attachment, four(5));
    expect(table()[0]).toContain(`${attachment.network} ${attachment.containerId} `);
    rmSync(recordOf(attachment));
    expect(table()[0]).toMatch(/^n{100} c{1,10}… 198\.18\.0\.5\/17 .* no-record$/);
  });

  /** What is done to c1, which has 198.18.0.1, beside c2; and how c1 is then listed. */
  const disorder: readonly (readonly [what: string, harm: () => void, expected: readonly string[]])[] = [
    [
      "missing",
      () => {
        nft("delete element ip bauta_masquerade owners { 198.18.0.1 }");
        nft("delete element ip bauta_masquerade policies { 198.18.0.1 }");
      },
      [`dual c1 198.18.0.1/17 ${CHAIN} - missing`],
    ],
    [
      "without a policy",
      () => nft("delete element ip bauta_masquerade policies { 198.18.0.1 }"),
      ["dual c1 198.18.0.1/17 - - no-policy"],
    ],
    [
      "with another policy",
      () => {
        nft("add chain ip bauta_masquerade other; delete element ip bauta_masquerade policies { 198.18.0.1 }");
        nft("add element ip bauta_masquerade policies { 198.18.0.1 : goto other }");
      },
      ["dual c1 198.18.0.1/17 other 0 other-policy"],
    ],
    [
      "without an owner",
      () => nft("delete element ip bauta_masquerade owners { 198.18.0.1 }"),
      // The record still wants it, and the policy is still there.
      [`dual c1 198.18.0.1/17 ${CHAIN} - missing`, `- - 198.18.0.1 ${CHAIN} 0 no-owner`],
    ],
    ["without a record", () => rmSync(recordOf(at("c1"))), [`dual c1 198.18.0.1/17 ${CHAIN} 0 no-record`]],
    [
      "with a record that is not whole",
      () => writeFileSync(recordOf(at("c1")), '{"attachment":'),
      [`dual c1 198.18.0.1/17 ${CHAIN} 0 no-record`],
    ],
    [
      "half removed",
      () => renameSync(recordOf(at("c1")), `${recordOf(at("c1"))}.del`),
      [`dual c1 198.18.0.1/17 ${CHAIN} 0 leaving`],
    ],
  ];
  for (const [what, harm, expected] of disorder) {
    it(`tells that an attachment is ${what}`, () => {
      setUpMasquerade(at("c1"), four(1));
      setUpMasquerade(at("c2"), four(2));
      harm();
      const lines = table();
      expect(lines).toContain(`dual c2 198.18.0.2/17 ${CHAIN} 0 ok`);
      expect(lines.filter((line) => !line.includes("c2"))).toEqual(expected);
    });
  }

  it("tells that an address has been taken, on either network's list", () => {
    setUpMasquerade(at("old", "one"), cidrs("10.0.0.5/16"));
    setUpMasquerade(at("new", "two"), cidrs("10.0.0.5/24"));
    const [old, taker] = [
      "one old 10.0.0.5/16 outside-10.0.0.0/16 - taken",
      "two new 10.0.0.5/24 outside-10.0.0.0/24-apart 0",
    ];
    expect(table()).toEqual([old, `${taker} ok`]);
    expect(table("--network", "one")).toEqual([old]);
    expect(table("--network", "two")).toEqual([taker]);
  });

  it("shows the attachment that came back, not the removal before it that never ended", () => {
    setUpMasquerade(at("c1"), four(1));
    writeFileSync(`${recordOf(at("c1"))}.del`, JSON.stringify({ attachment: at("c1"), addresses: [], displaced: [] }));
    writeFileSync(`${recordOf(at("c2"))}.del`, JSON.stringify({ attachment: at("c2"), addresses: [], displaced: [] }));
    writeFileSync(`${recordOf(at("c1"))}.tmp`, "");
    expect(readdirSync(RECORDS)).toHaveLength(4);
    expect(table()).toEqual([`dual c1 198.18.0.1/17 ${CHAIN} 0`]);
  });

  const faults: readonly (readonly [command: string, fault: string])[] = [
    ["delete table ip bauta_masquerade", "table ip bauta_masquerade is missing"],
    ["flush chain ip bauta_masquerade postrouting", "chain postrouting of table ip bauta_masquerade has been altered"],
    [`flush chain ip bauta_masquerade ${CHAIN}`, `chain ${CHAIN} of table ip bauta_masquerade has been altered`],
  ];
  for (const [command, fault] of faults) {
    it(`warns after nft ${command}`, () => {
      setUpMasquerade(at("c1"), four(1));
      nft(command);
      expect(cli(["list"])).toMatchObject({ status: 0, stderr: `bauta: warning: ${fault}\n` });
    });
  }

  it("shows all at once as JSON", () => {
    setUpMasquerade(at("c1"), cidrs("198.18.0.1/17", "fd00::1/64"));
    nft("delete element ip6 bauta_masquerade policies { fd00::1 }");
    const address = { packets: 0, bytes: 0, state: "ok" };
    expect(JSON.parse(cli(["list", "--json"]).stdout)).toEqual([
      {
        network: "dual",
        container: "c1",
        interface: "eth0",
        id: idText(attachmentId(at("c1"))),
        state: "no-policy",
        addresses: [
          { ...address, address: "198.18.0.1/17", policy: CHAIN },
          { address: "fd00::1/64", policy: null, packets: null, bytes: null, state: "no-policy" },
        ],
      },
    ]);
  });
});

/** What `bauta monitor` prints of what is committed when it has begun to listen, until nothing more is left to read. */
function monitored(args: readonly string[], work: () => void): string {
  const { status, stdout, stderr } = cli(["monitor", ...args], {
    openEvents: () => beforeEachNext(openEvents(pipeWithoutReader()), [work]),
  });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

/** Does something before each of the first calls of next. */
function beforeEachNext(events: EventSource, work: readonly (() => void)[]): EventSource {
  const waiting = [...work];
  return {
    next() {
      waiting.shift()?.();
      return events.next();
    },
    close: () => events.close(),
  };
}

/** With this for its output the monitor ends once it would have to wait. */
function pipeWithoutReader(): number {
  const [reader = -1, writer = -1] = pipe();
  close(reader);
  onTestFinished(() => close(writer));
  return writer;
}

function pipe(): Int32Array {
  const ends = new Int32Array(2);
  call("make a pipe", "pipe2", ends, O.CLOEXEC);
  return ends;
}

/** Whose elements are, by what stands behind "#" on their lines; networks are nobody's. */
const namesIn = (text: string): (string | undefined)[] =>
  text
    .split("\n")
    .filter((line) => line.includes(" element ") && !line.includes(" networks "))
    .map((line) => / {2}# (.*?)(?:: outside .*)?$/.exec(line)?.[1]);

/** What is said of policies, by the beginning of the line. */
const policiesIn = (text: string): string[] =>
  text.split("\n").flatMap((line) => {
    const [, what = "", set = "", policy] =
      /^ {2}(\w+ \w+) \S+ \S+ (owners|policies|members|networks|strict|).*(outside [0-9a-f.:]+\/.*)$/.exec(line) ?? [];
    return policy === undefined ? [] : [`${what} ${set}: ${policy}`.replace(" :", ":")];
  });

describe("bauta monitor", () => {
  it("knows whole names of what comes and of what goes", () => {
    const long = { network: "n".repeat(100), containerId: "c".repeat(64), ifname: "eth0" };
    const whole = `${long.network} ${long.containerId} eth0`;
    setUpMasquerade(at("c2"), four(2));
    const coming = monitored([], () => setUpMasquerade(long, cidrs("198.18.0.5/17", "fd00::5/64")));
    const ofBothFamilies = Array.from({ length: 6 }, () => whole);
    expect(namesIn(coming)).toEqual(ofBothFamilies);
    expect(coming).toMatch(/ networks \{ fd00::\/64 : goto outside-fd00--\/64 \} {2}# outside fd00::\/64$/m);
    const going = monitored([], () => tearDownMasquerade(long, []));
    expect(namesIn(going)).toEqual(ofBothFamilies);
    expect(going.match(/^generation /gm)).toHaveLength(1);
  });

  it("says in the words of bauta list which policy elements, chains and rules are about", () => {
    const options = readOptions({ exclude: ["private", "192.0.2.0/24", "2001:db8::/32"], dropInvalid: true });
    const add = (n: number): void => setUpMasquerade(at(`c${n}`), four(n), options);
    const words = "outside 198.18.0.0/17, dropInvalid, exclude 3";
    const lists = cli(["list"]).stdout;
    expect(lists).not.toContain("exclude");
    const first = policiesIn(monitored([], () => add(1)));
    expect(first).toEqual([
      `add chain: ${words}`,
      ...Array.from({ length: 3 }, () => `add rule: ${words}`),
      `add element networks: ${words}`,
      ...["owners", "policies", "members", "strict"].map((set) => `add element ${set}: ${words}`),
    ]);
    expect(cli(["list"]).stdout).toContain("dropInvalid, exclude 3");
    expect(policiesIn(monitored([], () => add(2)))).toHaveLength(4);
    const removeBoth = (): void => {
      for (const n of [1, 2]) tearDownMasquerade(at(`c${n}`), []);
    };
    const going = policiesIn(monitored([], removeBoth));
    expect(going.filter((line) => line.startsWith("delete element"))).toHaveLength(9);
    expect(going.every((line) => line.endsWith(words))).toBe(true);
    expect(going).toContain(`delete chain: ${words}`);
  });

  it("tells the policy as JSON, too", () => {
    const options = readOptions({ ports: "1024-2047" });
    const lines = monitored(["--json"], () => setUpMasquerade(at("c1"), four(1), options))
      .trim()
      .split("\n")
      .map((line): Record<string, unknown> => JSON.parse(line));
    const ofPolicy = lines.filter(({ policy }) => policy !== undefined);
    expect(new Set(ofPolicy.map(({ kind }) => kind))).toEqual(new Set(["chain", "rule", "element"]));
    for (const line of ofPolicy) {
      expect(line["policy"]).toMatch(/^outside-198\.18\.0\.0\/17-[0-9a-f]{32}$/);
      expect(line["options"]).toEqual({ ports: "1024-2047" });
    }
  });

  it("names what goes by the comments where there are no records", () => {
    setUpMasquerade(at("c1"), four(1));
    rmSync(RECORDS, { recursive: true });
    expect(namesIn(monitored([], () => tearDownMasquerade(at("c1"), four(1))))).toEqual([
      "dual c1 eth0",
      "dual c1 eth0",
      "dual c1 eth0",
    ]);
  });

  it("tells whose an address was and whose it becomes when it is taken over", () => {
    setUpMasquerade(at("old"), four(1));
    const lines = namesIn(monitored([], () => setUpMasquerade(at("new"), four(1))));
    // The address goes where it went before, so the element of policies stays.
    expect(lines).toEqual(["dual old eth0", "dual new eth0"]);
  });

  it("names whose MAC addresses are checked, too", () => {
    const mac = Uint8Array.of(0x0a, 0x58, 0xc6, 0x12, 0, 1);
    const names = ["dual c1 eth0", "dual c1 eth0", "dual c1 eth0"];
    macSpoof.setUp(at("c2"), { port: "veth67890", mac });
    const coming = monitored([], () => macSpoof.setUp(at("c1"), { port: "veth12345", mac }));
    expect(namesIn(coming)).toEqual(names);
    expect(coming).toMatch(/add element bridge bauta_macspoofchk allowed \{ "veth12345" \. 0a:58:c6:12:00:01 \}/);
    expect(namesIn(monitored([], () => macSpoof.tearDown(at("c1"), [])))).toEqual(names);
  });

  it("says nothing of tables that are not bauta's, unless it is asked to", () => {
    const work = (): void => nft("add table inet other; add chain inet other c; delete table inet other");
    expect(monitored([], work)).toBe("");
    expect(monitored(["--all"], work)).toMatch(/^generation \d+ by nft, process \d+\n {2}add table inet other\n/);
  });

  it("tells at once that events were lost, and goes on, knowing whose what is", () => {
    const file = join(temporaryDirectory(), "rules.nft");
    const addresses = Array.from({ length: 1000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
    writeFileSync(file, `table ip other { set s { type ipv4_addr; elements = { ${addresses.join(", ")} }; }; }\n`);
    setUpMasquerade(at("c2"), four(2));
    const tooMuch = (): void => {
      run("nft", "-f", file);
      setUpMasquerade(at("c1"), four(1)); // is lost as well
    };
    const { status, stdout } = cli(["monitor"], {
      openEvents: () =>
        beforeEachNext(openEvents(pipeWithoutReader(), 2048), [tooMuch, () => tearDownMasquerade(at("c1"), [])]),
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^events were lost: they came faster than they were read\n/);
    expect(namesIn(stdout)).toEqual(["dual c1 eth0", "dual c1 eth0", "dual c1 eth0"]);
  });
});
