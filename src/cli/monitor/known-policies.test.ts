import { expect, it } from "vitest";
import { KnownPolicies, policyText } from "./known-policies.ts";

const known = new KnownPolicies();
const text = (chain: string): string | undefined => {
  const policy = known.ofChain("bauta_masquerade", chain);
  return policy && policyText(policy);
};

it("says what a policy is by the name of its chain", () => {
  expect(text("outside-198.18.0.0/17")).toBe("outside 198.18.0.0/17");
  expect(text("outside-fd61-7465-6d65-1000--/112")).toBe("outside fd61:7465:6d65:1000::/112");
  expect(text("outside-198.18.0.0/17-0123456789abcdef")).toBe("outside 198.18.0.0/17");
  expect(text("outside-fd00--/64-0123456789abcdef")).toBe("outside fd00::/64");
});

it("takes no other chain for a policy", () => {
  for (const chain of ["postrouting", "forward", "outside", "outside-x/17", "inside-198.18.0.0/17"]) {
    expect(text(chain)).toBeUndefined();
  }
  expect(known.ofChain("other", "outside-198.18.0.0/17")).toBeUndefined();
});

it("adds the options of those that have gone there", () => {
  const address = { address: "198.18.0.5/17", packets: undefined, bytes: undefined, state: "ok" } as const;
  const name = { network: "n", containerId: "c", ifname: "eth0", isCut: false };
  const chain = "outside-198.18.0.0/17-0123456789abcdef";
  const options = { ports: "1-2" };
  known.learnAll([{ id: "", name, options, items: [{ ...address, policy: chain }] }]);
  expect(text(chain)).toBe("outside 198.18.0.0/17, ports 1-2");
});
