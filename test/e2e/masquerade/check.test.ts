// CHECK: whatever of the masquerade has been removed or altered, it says so and names it.

import { beforeAll, describe, expect, it } from "vitest";
import { run, type TestNetns } from "../../support/netns.ts";
import { becomeNode, leftovers } from "./node.ts";
import { add, addressesOf, attach, check, containerFor, del, type Json, networkOf, SEVEN, TYPES } from "./runtime.ts";
import { waysToTamper } from "./tamper.ts";
import type { Tampering } from "./tampering.ts";

beforeAll(() => {
  becomeNode();
});

/** An attachment, by the configuration it is made with. */
interface Subject {
  readonly config: Json;
  readonly container: TestNetns;
}

/**
 * Tampers in each way that is chosen. Returns those of which CHECK of the last of these attachments did not tell, and those
 * that were not put right by DEL and ADD of all.
 */
function tryOut(subjects: readonly Subject[], choose: (all: readonly Tampering[]) => readonly Tampering[]): object[] {
  const [own] = subjects.slice(-1);
  if (own === undefined) throw new Error("nobody to check");
  const addAll = (): Json => subjects.map(({ config, container }) => add(config, container)).at(-1);
  const delAll = (): void => {
    for (const { config, container } of subjects) expect(del(config, container)).toMatchObject({ status: 0 });
  };
  const failures: object[] = [];
  let result = addAll();
  const count = choose(waysToTamper()).length;
  for (let i = 0; i < count; i++) {
    const way = choose(waysToTamper())[i]; // handles and addresses change
    if (way === undefined) throw new Error(`there is no way number ${i} any more`);
    run("nft", way.commands.join("; "));
    const { status, json } = check(own.config, own.container, result);
    if (status !== 1 || json?.code !== 999 || !way.complaint.test(json.msg)) failures.push({ way, status, json });
    delAll();
    result = addAll();
    const healed = check(own.config, own.container, result);
    if (healed.status !== 0) failures.push({ way, afterAdd: healed.json });
    if (way.cleanup.length === 0) continue;
    run("nft", way.cleanup.join("; "));
    // What was nobody's may have been in the way.
    delAll();
    result = addAll();
  }
  delAll();
  return failures;
}

describe.each(TYPES)("%s", (type) => {
  // What they have in common is tried with one of them in full.
  const some = (ways: readonly Tampering[]): readonly Tampering[] =>
    type === "ptp" ? ways : ways.filter((_, i) => i % 7 === 0);

  it("fails, naming what is wrong, for each object removed or altered, until DEL and ADD have put it right", () => {
    const config = networkOf(type);
    const failures = tryOut([{ config, container: containerFor(config) }], (all) => {
      expect(all.length).toBeGreaterThan(140);
      return some(all);
    });
    expect(failures).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  it("fails so for what is there because its policy shares the subnet with another, and has no network", () => {
    const other = networkOf(type);
    const own = { ...other, ipMasqOptions: { ports: "20000-20999" } };
    const subjects = [other, own].map((config) => ({ config, container: containerFor(config) }));
    const failures = tryOut(subjects, (all) => {
      const apart = all.filter(({ what }) => /exceptions|-apart/.test(what) && !/: exceptions: add /.test(what));
      expect(apart.length).toBeGreaterThan(90);
      return some(apart);
    });
    expect(failures).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  it("fails for each of two IPv4 and five IPv6 addresses that has lost an element", () => {
    const config = networkOf(type, SEVEN);
    const { container, result } = attach(config);
    for (const address of addressesOf(result)) {
      const table = `${address.includes(":") ? "ip6" : "ip"} bauta_masquerade`;
      const saved = run("nft", "list", "ruleset");
      for (const set of ["map policies", "set members"]) {
        run("nft", `delete element ${table} ${set.split(" ")[1]} { ${address} }`);
        expect(check(config, container, result)).toMatchObject({
          status: 1,
          json: { code: 999, msg: expect.stringContaining(`element ${address} of ${set} is missing`) },
        });
        run("nft", `flush ruleset; ${saved}`);
        expect(check(config, container, result)).toMatchObject({ status: 0 });
      }
    }
  });

  it("is about the container's own elements: another's may be gone", () => {
    const config = networkOf(type);
    const [mine, other] = [attach(config), attach(config)];
    const [address = ""] = addressesOf(other.result);
    run("nft", "delete", "element", "ip", "bauta_masquerade", "owners", `{ ${address} }`);
    expect(check(config, mine.container, mine.result)).toMatchObject({ status: 0 });
    expect(check(config, other.container, other.result)).toMatchObject({ status: 1 });
  });
});
