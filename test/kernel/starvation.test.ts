// Programs that commit nf_tables transactions so often that none of ours ever finds the generation it has read: each of
// them comes right after another's here. And such of our own that come in just then: what they have done must not be lost.

import { rmSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { macSpoof } from "../../src/mac-spoof/feature.ts";
import {
  checkMasquerade,
  collectMasquerade,
  setUpMasquerade,
  tearDownMasquerade,
} from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { restore } from "../../src/masquerade/nftables/restore.ts";
import { type MasqueradeOptions, readOptions } from "../../src/masquerade/options/options.ts";
import { Nftables } from "../../src/nftables/nftables.ts";
import { destroyTable } from "../../src/nftables/table.ts";
import { NFPROTO } from "../../src/nftables/uapi.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { withSyscalls } from "../support/intercept-syscalls.ts";
import { requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => {
  requireNamespaces();
});

// Each test has a node of its own: this thread, and the programs that it starts, move into an empty namespace.
beforeEach(() => unshareNetns());
afterEach(() => rmSync(RECORDS, { recursive: true, force: true }));

const at = (containerId: string, network = "dual"): Attachment => ({ network, containerId, ifname: "eth0" });
/** The one that comes in between. */
const z = at("z", "another");
const dual = (n: number): Cidr[] =>
  [`198.18.0.${n}/17`, `fd61:7465:6d65:1000::${n.toString(16)}/112`].flatMap((text) => parseCidr(text) ?? []);
const STRICT: MasqueradeOptions = readOptions({ dropInvalid: true, excludeCIDRs: ["192.0.2.0/24", "2001:db8::/32"] });
const ruleset = (): string => run("nft", "list", "ruleset");
const owned = (): string[] => [...ruleset().matchAll(/comment "\w+ eth0 \S+ (\w+)"/g)].map(([, id = ""]) => id).sort();

// include/uapi/linux/netfilter/nfnetlink.h
const NFNL_MSG_BATCH_BEGIN = 0x10;

/** Runs `work` with `before(n)` in front of its n-th transaction, from 1. Returns how many there were. */
function withOthers(before: (nth: number) => void, work: () => void): number {
  let count = 0;
  let isInside = false;
  withSyscalls((name, args) => {
    const sent = args[1];
    const isBatch =
      name === "sendto" &&
      sent instanceof Uint8Array &&
      (((sent[5] ?? 0) << 8) | (sent[4] ?? 0)) === NFNL_MSG_BATCH_BEGIN;
    if (isBatch && !isInside) {
      isInside = true;
      before(++count);
      isInside = false;
    }
    return undefined;
  }, work);
  return count;
}

/** Another program's transaction: a generation that has nothing to do with ours. */
function commitForeign(): void {
  const nft = Nftables.open();
  nft.commit(destroyTable({ family: NFPROTO.INET, name: "other" }));
  nft.close();
}

/** Far fewer than would be if it were for the kernel to say when nobody had come in between. */
const FEW = 40;

/** Transactions up to about here are told to fail where the generation is another. */
const ALIKE = 10;

const CASES: readonly (readonly [
  string,
  { readonly before: () => void; readonly work: () => void; readonly left: string[] },
])[] = [
  ["the first container's ADD", { before: () => {}, work: () => setUpMasquerade(at("a"), dual(5)), left: ["a", "a"] }],
  [
    "the first container's ADD with options",
    { before: () => {}, work: () => setUpMasquerade(at("a"), dual(5), STRICT), left: ["a", "a"] },
  ],
  [
    "an ADD that takes over an address",
    {
      before: () => setUpMasquerade(at("a"), dual(5)),
      work: () => setUpMasquerade(at("b"), dual(5)),
      left: ["b", "b"],
    },
  ],
  [
    "a DEL that gives the address back",
    {
      before: () => {
        setUpMasquerade(at("a"), dual(5), STRICT);
        setUpMasquerade(at("b"), dual(5));
      },
      work: () => tearDownMasquerade(at("b"), []),
      left: ["a", "a"],
    },
  ],
  [
    "the last container's DEL",
    { before: () => setUpMasquerade(at("a"), dual(5)), work: () => tearDownMasquerade(at("a"), []), left: [] },
  ],
  [
    "the last container's DEL with options",
    { before: () => setUpMasquerade(at("a"), dual(5), STRICT), work: () => tearDownMasquerade(at("a"), []), left: [] },
  ],
  [
    "the DEL of the last with options",
    {
      before: () => {
        setUpMasquerade(at("a"), dual(5), STRICT);
        setUpMasquerade(at("b"), dual(6));
      },
      work: () => tearDownMasquerade(at("a"), []),
      left: ["b", "b"],
    },
  ],
  [
    "GC",
    {
      before: () => {
        setUpMasquerade(at("a"), dual(5));
        setUpMasquerade(at("b"), dual(6));
      },
      work: () => collectMasquerade("dual", [at("b")]),
      left: ["b", "b"],
    },
  ],
  [
    "restore",
    {
      before: () => {
        setUpMasquerade(at("a"), dual(5), STRICT);
        run("nft", "flush", "ruleset");
      },
      work: () => {
        const nft = Nftables.open();
        restore(nft);
        nft.close();
      },
      left: ["a", "a"],
    },
  ],
];

describe("where another program commits before each of our transactions", () => {
  it.each(CASES)("%s gets through", (_, { before, work, left }) => {
    before();
    expect(withOthers(commitForeign, work)).toBeLessThan(FEW);
    expect(owned()).toEqual(left);
    if (left.length === 0) expect(ruleset()).toBe("");
    if (left[0] === "a") checkMasquerade(at("a"), dual(5), ruleset().includes("set strict") ? STRICT : undefined);
  });

  it("macspoofchk comes and goes", () => {
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
    expect(withOthers(commitForeign, () => macSpoof.setUp(at("a"), { port: "veth1", mac }))).toBeLessThan(FEW);
    expect(ruleset()).toContain("bauta_macspoofchk");
    expect(withOthers(commitForeign, () => macSpoof.tearDown(at("a"), []))).toBeLessThan(FEW);
    expect(ruleset()).toBe("");
  });
});

describe("where an ADD comes in right before a transaction, and others have kept that from going through", () => {
  it.each(CASES)("%s takes nothing of it away", (_, { before, work, left }) => {
    before();
    const count = withOthers(commitForeign, work);
    for (let nth = 1; nth <= count + 1; nth++) {
      if ((nth > 1 && nth < ALIKE) || (nth > ALIKE + 4 && nth < count - 1)) continue; // they are alike
      unshareNetns();
      rmSync(RECORDS, { recursive: true, force: true });
      before();
      withOthers((n) => {
        commitForeign();
        if (n === nth) setUpMasquerade(z, dual(9), STRICT);
      }, work);
      const expected = nth <= count ? [...left, "z", "z"] : left;
      expect({ nth, owned: owned() }).toEqual({ nth, owned: expected });
      if (nth > count) continue;
      checkMasquerade(z, dual(9), STRICT);
      tearDownMasquerade(z, []);
      expect(owned()).toEqual(left);
      if (left.length === 0) expect(ruleset()).toBe("");
    }
  });

  it("macspoofchk takes nothing of it away", () => {
    const mac = (n: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 0, n);
    for (let nth = ALIKE; nth <= ALIKE + 4; nth++) {
      macSpoof.setUp(at("a"), { port: "veth1", mac: mac(1) });
      withOthers(
        (n) => {
          commitForeign();
          if (n === nth) macSpoof.setUp(at("z"), { port: "veth9", mac: mac(9) });
        },
        () => macSpoof.tearDown(at("a"), []),
      );
      const isThere = ruleset().includes("veth9");
      if (isThere) macSpoof.tearDown(at("z"), []);
      else expect(nth).toBeGreaterThan(10);
      expect(ruleset()).toBe("");
    }
  });
});
