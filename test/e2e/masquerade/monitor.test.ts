// What everybody who watches sees: nft(8)'s own monitor, which prints each object of a transaction and then its generation.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { startBeside, until } from "../../support/background.ts";
import { poll, run } from "../../support/netns.ts";
import { becomeNode, ruleset } from "./node.ts";
import { add, addressesOf, attach, check, containerFor, del, networkOf, SEVEN, TYPES } from "./runtime.ts";

beforeAll(() => {
  becomeNode();
});

/** One transaction: what was done, and by which program. */
interface Generation {
  readonly changes: readonly string[];
  readonly program: string;
}

interface Monitor {
  /** Waits for so many generations, and returns all since the last time. */
  generations(count: number): Promise<Generation[]>;
}

/** A socket to NETLINK_NETFILTER (12) that has joined a group: its mask isn't 0. */
const LISTENER = /^\S+ +12 +\d+ +(?!0{8})[0-9a-f]{8} /m;

/** Starts `nft monitor`; it listens when this returns. */
function startMonitor(): Monitor {
  const { printed } = startBeside("nft", ["monitor"]);
  poll("nft monitor to listen", () => LISTENER.test(readFileSync("/proc/thread-self/net/netlink", "utf8")));
  let told = 0;
  const untold = (): string => printed().slice(told);
  const isComplete = (count: number): boolean => (untold().match(/^# new generation .*\n/gm) ?? []).length >= count;
  return {
    async generations(count) {
      await until(`nft monitor to tell of ${count} generations`, () => isComplete(count));
      const text = untold();
      told += text.length;
      return parse(text);
    },
  };
}

function parse(text: string): Generation[] {
  const generations: Generation[] = [];
  let changes: string[] = [];
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const program = /^# new generation \d+ by process \d+ \((.*)\)/.exec(line)?.[1];
    if (program === undefined) changes.push(line);
    else {
      generations.push({ changes, program });
      changes = [];
    }
  }
  return generations;
}

/** A transaction of somebody else's, so that the monitor is known to have told all before it. */
function markEnd(): void {
  run("nft", "add table inet end; delete table inet end");
}

/** nft says that something is created where it must not have been there. */
const isElementOf =
  (family: "ip" | "ip6", map: string) =>
  (change: string): boolean =>
    change.replace(/^create /, "add ").startsWith(`add element ${family} bauta_masquerade ${map} `);

describe.each(TYPES)("%s", (type) => {
  it("attaches each container in one generation, both families' elements in it, that deletes nothing", async () => {
    const config = networkOf(type, SEVEN);
    const monitor = startMonitor();
    for (const [i, container] of [containerFor(config), containerFor(config)].entries()) {
      const result = add(config, container);
      expect(check(config, container, result)).toMatchObject({ status: 0 });
      markEnd();
      const [generation, end] = await monitor.generations(2);
      expect(end?.program).toBe("nft");
      const changes = generation?.changes ?? [];
      expect(generation?.program).toBe(type);
      // nft calls it an insertion where the kernel does not say where a rule has gone, as in 5.10.
      expect(changes.filter((change) => !/^(add|create|insert) /.test(change))).toEqual([]);
      for (const map of ["owners", "policies", "members"]) {
        expect(changes.filter(isElementOf("ip", map))).toHaveLength(2);
        expect(changes.filter(isElementOf("ip6", map))).toHaveLength(5);
      }
      for (const address of addressesOf(result)) expect(changes.join("\n")).toContain(`{ ${address} `);
      for (const family of ["ip", "ip6"] as const) {
        expect(changes.filter(isElementOf(family, "exceptions"))).toEqual([]);
        const subnets = family === "ip" ? 2 : 5;
        expect(changes.filter(isElementOf(family, "networks"))).toHaveLength(i === 0 ? subnets : 0);
      }
      // The second finds everything else there already.
      const rest = changes.filter((change) => !change.startsWith("add element "));
      if (i === 1) expect(rest).toEqual([]);
      else expect(rest).not.toEqual([]);
    }
  });

  it("detaches in one generation, which deletes the elements and with the last of them everything", async () => {
    const config = networkOf(type);
    const attached = [attach(config), attach(config)];
    const monitor = startMonitor();
    for (const [i, { container }] of attached.entries()) {
      del(config, container);
      markEnd();
      const [generation, end] = await monitor.generations(2);
      expect([generation?.program, end?.program]).toEqual([type, "nft"]);
      const changes = generation?.changes ?? [];
      const deleted = changes.flatMap((change) => /^delete element \S+ bauta_masquerade (\S+)/.exec(change)?.[1] ?? []);
      const perFamily = ["owners", "policies", "members", ...(i === 1 ? ["networks"] : [])];
      expect(deleted.sort()).toEqual([...perFamily, ...perFamily].sort());
      expect(changes.some((change) => change.startsWith("delete table "))).toBe(i === 1);
    }
    expect(ruleset()).not.toContain("bauta");
  });
});
