import { describe, expect, it } from "vitest";
import { parseIp } from "../../wire/ip.ts";
import { type Drop, findDrop, trafficOf } from "./fate.ts";
import { wordsChains } from "./words-rules.ts";

const IP = parseIp("10.1.0.5") ?? new Uint8Array(4);

/** What drops what the container sends, and what comes back to it, by a table with these rules. */
function drops(policy: "ACCEPT" | "DROP", ...rules: readonly string[]): (Drop | undefined)[] {
  const names = new Set(rules.map((rule) => rule.split(" ")[1] ?? "").filter((name) => name !== "FORWARD"));
  const chains = [`:FORWARD ${policy} [1:2]`, ...[...names].map((name) => `:${name} - [0:0]`)];
  const text = ["*filter", ...chains, ...rules, "COMMIT", ""].join("\n");
  return trafficOf(4, IP, "br0").map((traffic) =>
    findDrop(wordsChains(text, "FORWARD", traffic, new Set(["CNI-FORWARD"])), "FORWARD", "drop"),
  );
}

const POLICY = { chain: "FORWARD", rule: undefined };
const rule = (text: string, chain = "FORWARD"): Drop => ({ chain, rule: text });

describe("a table of iptables", () => {
  it("drops by its policy, unless a rule has accepted", () => {
    expect(drops("ACCEPT")).toEqual([undefined, undefined]);
    expect(drops("DROP")).toEqual([POLICY, POLICY]);
    const established = "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
    expect(drops("DROP", established)).toEqual([POLICY, undefined]);
    expect(drops("DROP", established, "-A FORWARD -s 10.1.0.0/16 -j ACCEPT")).toEqual([undefined, undefined]);
    expect(drops("DROP", "-A FORWARD ! -s 10.2.0.0/16 -i br0 -j ACCEPT")).toEqual([undefined, POLICY]);
  });

  it("drops by a rule that matches, or may", () => {
    expect(drops("ACCEPT", "-A FORWARD -j DROP")).toEqual([rule("-j DROP"), rule("-j DROP")]);
    const reject = "-i eth0 -j REJECT --reject-with icmp-port-unreachable";
    expect(drops("ACCEPT", `-A FORWARD ${reject}`)).toEqual([undefined, rule(reject)]);
    expect(drops("ACCEPT", "-A FORWARD -i br+ -j DROP")).toEqual([rule("-i br+ -j DROP"), rule("-i br+ -j DROP")]);
    expect(drops("ACCEPT", "-A FORWARD ! -d 10.9.0.0/16 -o eth0 -j DROP")[0]).toEqual(
      rule("! -d 10.9.0.0/16 -o eth0 -j DROP"),
    );
  });

  it.each([
    "-A FORWARD -p tcp --dport 25 -j DROP",
    "-A FORWARD -m conntrack --ctstate INVALID -j DROP",
    "-A FORWARD -d 10.9.0.1/32 -s 10.1.0.5/32 -i br0 -j DROP",
    "-A FORWARD -s 10.2.0.0/16 -j DROP",
    "-A FORWARD -m limit --limit 3/min -j DROP",
    "-A FORWARD -j LOG --log-prefix x",
  ])("does not drop by %s, which is meant for others", (text) => {
    expect(drops("ACCEPT", text)).toEqual([undefined, undefined]);
  });

  it("follows jumps and gotos, and what returns from them", () => {
    expect(drops("ACCEPT", "-A FORWARD -j X", "-A X -j DROP")).toEqual([rule("-j DROP", "X"), rule("-j DROP", "X")]);
    expect(drops("ACCEPT", "-A FORWARD -j X", "-A X -s 10.1.0.5/32 -j RETURN", "-A X -j DROP")[0]).toBeUndefined();
    expect(drops("DROP", "-A FORWARD -g X", "-A FORWARD -j ACCEPT", "-A X -j LOG")).toEqual([POLICY, POLICY]);
    expect(drops("DROP", "-A FORWARD -j X", "-A FORWARD -j ACCEPT", "-A X -j LOG")).toEqual([undefined, undefined]);
    expect(drops("DROP", "-A FORWARD -j CNI-FORWARD", "-A CNI-FORWARD -j ACCEPT")).toEqual([POLICY, POLICY]);
    expect(drops("ACCEPT", "-A FORWARD -j X", "-A X -j Y", "-A Y -j X")).toEqual([undefined, undefined]);
  });
});
