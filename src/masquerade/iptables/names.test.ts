import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chainOf, commentOf, isChainName, parseComment } from "./names.ts";

const at = (network: string, containerId: string): { network: string; containerId: string } => ({
  network,
  containerId,
});

describe("chainOf", () => {
  it("begins the hash of network and container, as upstream's FormatChainName", () => {
    const hash = createHash("sha512").update("dual1f2e").digest("hex");
    expect(chainOf(at("dual", "1f2e"))).toBe(`CNI-${hash.slice(0, 24)}`);
  });

  it("makes names that isChainName knows, and no others are", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => isChainName(chainOf(at(a, b)))),
      { numRuns: 20 },
    );
    const others = ["CNI-DN-0123456789abcdef01234", "CNI-HOSTPORT-MASQ", "POSTROUTING", "CNI-0123", ""];
    expect(others.filter(isChainName)).toEqual([]);
    expect(isChainName(`x${chainOf(at("a", "b"))}`)).toBe(false);
  });
});

describe("a comment", () => {
  it("is upstream's FormatComment", () => {
    expect(commentOf(at("dual", "1f2e"))).toBe('name: "dual" id: "1f2e"');
  });

  it("names network and container again", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.string({ maxLength: 40 }), (network, containerId) => {
        expect(parseComment(commentOf({ network, containerId }))).toEqual({ network, containerId });
      }),
    );
  });

  it("is cut where iptables would refuse it, and then names nobody", () => {
    const comment = commentOf(at("n".repeat(200), "c".repeat(64)));
    expect(comment).toHaveLength(255);
    expect(parseComment(comment)).toBeUndefined();
  });

  it.each(["", "hello", 'dnat name: "a" id: "b"', 'name: "a" id: "b" x', 'name: "a"', 'name: "\\x07" id: "b"'])(
    "of somebody else's names nobody: %s",
    (comment) => {
      expect(parseComment(comment)).toBeUndefined();
    },
  );
});
