// CHECK: whatever of the masquerade has been removed or altered, it says so and names it.

import { beforeAll, describe, expect, it } from "vitest";
import { run } from "../../support/netns.ts";
import { becomeNode, leftovers } from "./node.ts";
import { add, addressesOf, attach, check, containerFor, del, networkOf, SEVEN, TYPES } from "./runtime.ts";
import { waysToTamper } from "./tamper.ts";

beforeAll(() => {
  becomeNode();
});

describe.each(TYPES)("%s", (type) => {
  it("fails, naming what is wrong, for each object removed or altered, until DEL and ADD have put it right", () => {
    const config = networkOf(type);
    const container = containerFor(config);
    let result = add(config, container);
    const ways = waysToTamper();
    expect(ways.length).toBeGreaterThan(60);
    const failures: object[] = [];
    // What they have in common is tried with one of them in full.
    for (let i = 0; i < ways.length; i += type === "ptp" ? 1 : 7) {
      const way = waysToTamper()[i]; // handles and addresses change
      if (way === undefined) throw new Error(`there is no way number ${i} any more`);
      run("nft", way.commands.join("; "));
      const { status, json } = check(config, container, result);
      if (status !== 1 || json?.code !== 999 || !way.complaint.test(json.msg)) failures.push({ way, status, json });
      expect(del(config, container)).toMatchObject({ status: 0 });
      result = add(config, container);
      const healed = check(config, container, result);
      if (healed.status !== 0) failures.push({ way, afterAdd: healed.json });
      if (way.cleanup.length > 0) run("nft", way.cleanup.join("; "));
    }
    expect(failures).toEqual([]);
    expect(del(config, container)).toMatchObject({ status: 0 });
    expect(leftovers()).toEqual([]);
  });

  it("fails for each of two IPv4 and five IPv6 addresses that has lost an element", () => {
    const config = networkOf(type, SEVEN);
    const { container, result } = attach(config);
    for (const address of addressesOf(result)) {
      const table = `${address.includes(":") ? "ip6" : "ip"} bauta_masquerade`;
      const saved = run("nft", "list", "ruleset");
      run("nft", "delete", "element", ...table.split(" "), "policies", `{ ${address} }`);
      expect(check(config, container, result)).toMatchObject({
        status: 1,
        json: { code: 999, msg: expect.stringContaining(`element ${address} of map policies is missing`) },
      });
      run("nft", `flush ruleset; ${saved}`);
      expect(check(config, container, result)).toMatchObject({ status: 0 });
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
