import { describe, expect, it } from "vitest";
import type { Family } from "./prefixes.ts";
import type { ChangeReport } from "./reports.ts";
import { type Generation, TimeLine, Transactions } from "./time-line.ts";

const COMMENT = "6fd1bd9b3d0a7c0d, net: podman, if: eth0, id: c0ffee";
/** A rule of containernetworking/plugins' masquerade, as `bauta monitor --all --json` tells it. */
const rule = (change: "add" | "delete", words: string, comment: string | undefined = COMMENT): ChangeReport => ({
  change,
  kind: "rule",
  family: "inet",
  table: "cni_plugins_masquerade",
  chain: "masq_checks",
  ...(comment === undefined ? {} : { comment }),
  text: `${change} rule inet cni_plugins_masquerade masq_checks ${words}`,
});
const V4 = "ip saddr 10.88.0.5 ip daddr != 10.88.0.0/16 masquerade";
const V6 = "ip6 saddr fd88::5 ip6 daddr != fd88::/64 masquerade";
/** An element of bauta's. */
const element = (change: "add" | "delete", family: "ip" | "ip6", set: string, key: string): ChangeReport => ({
  change,
  kind: "element",
  family,
  table: "bauta_masquerade",
  set,
  key,
  network: "lan",
  container: "web-1",
  interface: "eth0",
  text: `${change} element ${family} bauta_masquerade ${set} { ${key} }`,
});
const by = (generation: number, changes: readonly ChangeReport[], program = "bridge", pid = 4711): ChangeReport[] =>
  changes.map((change) => ({ generation, program, pid, ...change }));

/** What is lost in each generation, after all of them, a second apart. */
function lossesOf(transactions: readonly (readonly ChangeReport[])[], line = new TimeLine()): string[][] {
  transactions.forEach((changes, at) => {
    line.take(changes, 1000 * at);
  });
  return line.generations.map(({ losses }) => losses.map(({ family, who }) => `IPv${family} of ${who}`));
}

describe("the time line", () => {
  it("tells the story that this project began with: IPv4's rule goes as IPv6's comes", () => {
    const story = [by(5, [rule("add", V4)]), by(6, [rule("delete", V4), rule("add", V6)])];
    expect(lossesOf(story)).toEqual([[], ["IPv4 of c0ffee on podman (eth0)"]]);
  });

  it("tells it also where the deletion is a generation of its own, before or after", () => {
    const [add4, del4, add6] = [by(5, [rule("add", V4)]), by(6, [rule("delete", V4)]), by(7, [rule("add", V6)])];
    expect(lossesOf([add4, del4, add6])).toEqual([[], [], ["IPv4 of c0ffee on podman (eth0)"]]);
    expect(lossesOf([add4, add6, del4])).toEqual([[], [], ["IPv4 of c0ffee on podman (eth0)"]]);
  });

  it("is silent where both families come, go, or are replaced", () => {
    const both = (change: "add" | "delete"): ChangeReport[] => [rule(change, V4), rule(change, V6)];
    expect(lossesOf([by(5, both("add")), by(6, both("delete"))])).toEqual([[], []]);
    expect(lossesOf([by(5, both("add")), by(6, [...both("delete"), ...both("add")])])).toEqual([[], []]);
  });

  it("takes a loss back where the other family goes soon after: it was a removal in two steps", () => {
    const line = new TimeLine();
    line.take(by(5, [rule("add", V4), rule("add", V6)]), 0);
    const [half] = line.take(by(6, [rule("delete", V4)]), 10);
    expect(half?.losses).toHaveLength(1);
    const told = line.take(by(7, [rule("delete", V6)], "bridge", 4712), 20);
    expect(told.map(({ number, losses }) => [number, losses])).toEqual([
      [6, []],
      [7, []],
    ]);
  });

  it("knows by the list that an attachment of bauta's has another family", () => {
    const flush = by(8, [element("delete", "ip", "members", "10.22.0.2")], "nft", 99);
    const knows = (families: readonly Family[]) => new TimeLine(() => new Set(families));
    expect(lossesOf([flush], knows([4, 6]))).toEqual([["IPv4 of web-1 on lan (eth0)"]]);
    expect(lossesOf([flush], knows([4]))).toEqual([[]]);
  });

  it("is silent on bauta's own ADD and DEL, and on a policy that is changed", () => {
    const knows = new TimeLine(() => new Set<Family>([4, 6]));
    const all = (change: "add" | "delete"): ChangeReport[] =>
      (["ip", "ip6"] as const).flatMap((family) =>
        ["owners", "policies", "members"].map((set) =>
          element(change, family, set, family === "ip" ? "10.22.0.2" : "fd00::2"),
        ),
      );
    const moved = [element("delete", "ip", "policies", "10.22.0.2"), element("add", "ip", "policies", "10.22.0.2")];
    expect(lossesOf([by(5, all("add")), by(6, moved), by(7, all("delete"))], knows)).toEqual([[], [], []]);
  });

  it("names the chain where rules name nobody", () => {
    const bare = (change: "add" | "delete", words: string) => ({ ...rule(change, words), comment: "by hand" });
    expect(lossesOf([by(5, [bare("add", V4)]), by(6, [bare("delete", V4), bare("add", V6)])])[1]).toEqual([
      "IPv4 of cni_plugins_masquerade masq_checks",
    ]);
  });

  it("counts what each generation adds and deletes in each family", () => {
    const line = new TimeLine();
    const table = { change: "add", kind: "table", family: "inet", table: "t", text: "add table inet t" } as const;
    const [one] = line.take(by(5, [table, rule("add", V4), rule("delete", V6)]), 0);
    expect(one).toMatchObject({
      added: { 4: 1, 6: 0 },
      deleted: { 4: 0, 6: 1 },
      others: 1,
      by: "bridge, process 4711",
    });
  });
});

describe("the stream of the monitor", () => {
  it("is split into transactions, also where its parts end within a line", () => {
    const got: (number | undefined)[][] = [];
    const stream = new Transactions((changes) => got.push(changes.map(({ generation }) => generation)));
    const text = [...by(5, [rule("add", V4), rule("add", V6)]), ...by(6, [rule("delete", V4)])]
      .map((one) => `${JSON.stringify(one)}\n`)
      .join("");
    const line = new TimeLine();
    stream.write(text.slice(0, 40));
    expect(got).toEqual([]);
    stream.write(text.slice(40));
    expect(got).toEqual([[5, 5], [6]]);
    stream.write('{"change":"lost"}\n');
    expect(got.at(-1)).toEqual([undefined]);
    expect(line.generations satisfies readonly Generation[]).toEqual([]);
  });
});
