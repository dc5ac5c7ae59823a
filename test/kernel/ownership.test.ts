// Two attachments with one address, and what becomes of the address where their operations meet, or are killed, at whichever
// system call: the protocol that test/model/ownership.pml describes, with the executable's own code on the kernel.

import { existsSync, readdirSync, rmSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import { checkMasquerade, setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { restore } from "../../src/masquerade/nftables/restore.ts";
import { withNftables } from "../../src/owned/commit.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { dieAt, meetAt } from "../support/intercept-syscalls.ts";
import { requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => unshareNetns());
afterEach(() => rmSync(RECORDS, { recursive: true, force: true }));

const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const cidrs = (text: string): Cidr[] => [parseCidr(text)].filter((cidr) => cidr !== undefined);
const SHARED = cidrs("10.1.0.5/16");
const OTHER = cidrs("10.1.0.6/16");
const add = (name: string, addresses: Cidr[] = SHARED): void => setUpMasquerade(at(name), addresses);
const del = (name: string): void => tearDownMasquerade(at(name), []);
const check = (name: string, addresses: Cidr[] = SHARED): void => checkMasquerade(at(name), addresses);
const restoreAll = (): unknown => withNftables((nft) => restore(nft));
const left = (): unknown[] => [run("nft", "list", "ruleset"), existsSync(RECORDS) ? readdirSync(RECORDS) : []];

/** Does the same on a new node for each system call, until there is none of this number. */
function atEachCall(attempt: (nth: number) => boolean): number {
  for (let nth = 0; ; nth++) {
    unshareNetns();
    rmSync(RECORDS, { recursive: true, force: true });
    if (!attempt(nth)) return nth;
  }
}

describe("an address that a second attachment has taken", () => {
  it("is nobody's once both are gone, wherever one DEL meets the other", () => {
    const calls = atEachCall((nth) => {
      add("first");
      add("second");
      const isMet = meetAt(
        nth,
        () => del("second"),
        () => del("first"),
      );
      if (!isMet) del("first");
      expect([nth, ...left()]).toEqual([nth, "", []]);
      return isMet;
    });
    expect(calls).toBeGreaterThan(10);
  });

  it("is nobody's once both are gone, though the DEL that gave it back to the other was killed, and came again", () => {
    const calls = atEachCall((at) => {
      let isMet = false;
      const other = (): void => {
        isMet = true;
        del("first");
      };
      for (const later of [0, 1, 2, 3]) {
        add("first");
        add("second");
        dieAt(at + later, () => del("second"), { at, other });
        del("second");
        del("first");
        expect([at, later, ...left()]).toEqual([at, later, "", []]);
      }
      return isMet;
    });
    expect(calls).toBeGreaterThan(10);
  });

  it("goes back to the first, though a DEL of the second was killed and an ADD came before the next", () => {
    const calls = atEachCall((nth) => {
      add("first");
      add("second");
      const isKilled = dieAt(nth, () => del("second"));
      add("second", OTHER);
      check("second", OTHER);
      del("second");
      check("first");
      del("first");
      expect([nth, ...left()]).toEqual([nth, "", []]);
      return isKilled;
    });
    expect(calls).toBeGreaterThan(10);
  });

  it("goes back to the first, wherever a restore meets the DEL of the second", () => {
    const calls = atEachCall((nth) => {
      add("first");
      add("second");
      run("nft", "flush", "ruleset");
      const isMet = meetAt(nth, restoreAll, () => del("second"));
      if (!isMet) del("second");
      check("first");
      del("first");
      expect([nth, ...left()]).toEqual([nth, "", []]);
      return isMet;
    });
    expect(calls).toBeGreaterThan(10);
  });
});
