import { expect, it } from "vitest";
import { KnownPolicies, policyText } from "./known-policies.ts";

const TABLE = "bauta_masquerade";

function textOf(chain: string, known = new KnownPolicies()): string | undefined {
  const policy = known.ofChain(TABLE, chain);
  return policy && policyText(policy);
}

it.each([
  ["outside-198.18.0.0/17", "outside 198.18.0.0/17"],
  ["outside-fd61-7465-6d65-1000--/112", "outside fd61:7465:6d65:1000::/112"],
  ["outside-198.18.0.0/17-0123456789abcdef", "outside 198.18.0.0/17"],
  ["outside-fd00--/64-0123456789abcdef", "outside fd00::/64"],
])("reads the subnet of a policy from the name of its chain %s", (chain, text) => {
  expect(textOf(chain)).toBe(text);
});

it.each(["postrouting", "forward", "outside", "outside-x/17", "inside-198.18.0.0/17"])(
  "does not take the chain %s for a policy",
  (chain) => {
    expect(textOf(chain)).toBeUndefined();
  },
);

it("does not take a chain of another table for a policy", () => {
  expect(new KnownPolicies().ofChain("other", "outside-198.18.0.0/17")).toBeUndefined();
});

it("adds the options of the attachments whose addresses go to the chain", () => {
  const chain = "outside-198.18.0.0/17-0123456789abcdef";
  const name = { network: "n", containerId: "c", ifname: "eth0", isCut: false };
  const address = {
    address: "198.18.0.5/17",
    packets: undefined,
    bytes: undefined,
    state: "ok",
    policy: chain,
  } as const;
  const known = new KnownPolicies();
  known.learnAll([{ id: "", name, options: { ports: "1-2" }, items: [address] }]);
  expect(textOf(chain, known)).toBe("outside 198.18.0.0/17, ports 1-2");
});
