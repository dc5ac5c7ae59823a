import { describe, expect, it } from "vitest";
import { type Answer, ack, FakeKernel } from "../../test/support/fake-kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import { prepared } from "../netlink/message.ts";
import { errno } from "../sys/errno.ts";
import { hasCode } from "../sys/error.ts";
import { addChain, createChain, deleteChain } from "./chain.ts";
import { concatType, TYPE } from "./datatype.ts";
import { etherSaddrIs, hasAnyBit, iifnameIs } from "./match.ts";
import type { Command } from "./message.ts";
import { asMissingPart, MissingPartError } from "./missing-part.ts";
import { Nftables } from "./nftables.ts";
import { addRule, insertRule, replaceRule } from "./rule.ts";
import { ctState } from "./selector.ts";
import { addSet, createSet } from "./set.ts";
import { addTable } from "./table.ts";
import { NFPROTO } from "./uapi.ts";

/** What is thrown when the kernel refuses the command. */
function refused(command: Command, code: number = errno("ENOENT")): unknown {
  const refuse: Answer = (requests) => requests.slice(1).map((request) => ack(request, code));
  try {
    new Nftables(new Connection(new FakeKernel(refuse))).tryOut([command]);
  } catch (error) {
    return error;
  }
  throw new Error("the command was not refused");
}

const ip = { family: NFPROTO.IPV4, table: "t" };
const bridge = { family: NFPROTO.BRIDGE, table: "t" };
const names = { keyType: TYPE.IFNAME, keyLength: 16, name: "s" };
const count = [{ kind: "counter" }] as const;
const masqueraded = [...count, { kind: "masq" }] as const;

describe("a command that takes a module which the kernel can't load", () => {
  it.each<[string, Command, string]>([
    ["a nat chain", addChain({ ...ip, name: "c", type: "nat", hook: 4, priority: 100 }), "nft_chain_nat"],
    [
      "a nat chain that is new",
      createChain({ ...ip, name: "c", type: "nat", hook: 4, priority: 100 }),
      "nft_chain_nat",
    ],
    [
      "a map with counters",
      createSet({ ...ip, ...names, dataType: TYPE.MARK, dataLength: 4, expressions: count }),
      "nft_counter",
    ],
    ["masquerade", addRule({ ...ip, chain: "c", expressions: masqueraded }), "nft_counter or nft_masq"],
    ["an inserted rule", insertRule({ ...ip, chain: "c", expressions: [{ kind: "nat" }] }), "nft_nat"],
    ["ct state", replaceRule({ ...ip, chain: "c", handle: 4n, expressions: hasAnyBit(ctState, 2) }), "nft_ct"],
    ["an interface in a bridge", addRule({ ...bridge, chain: "c", expressions: iifnameIs("a") }), "nft_meta_bridge"],
    [
      "what has no codec",
      addRule({ ...ip, chain: "c", expressions: [{ kind: "unknown", name: "quota", data: undefined }] }),
      "nft_quota",
    ],
  ])("is an error that names it: %s", (_, command, modules) => {
    const error = refused(command);
    expect(error).toBeInstanceOf(MissingPartError);
    expect(error).toHaveProperty(
      "message",
      `cannot ${command.operation()}: ENOENT: No such file or directory: the kernel lacks a part of nf_tables, which may be the module ${modules}`,
    );
    expect(hasCode(error, "ENOENT")).toBe(false); // or the transaction would be tried again
  });

  it.each<[string, Command]>([
    ["a table", addTable({ family: NFPROTO.IPV4, name: "t" })],
    ["a chain to jump to", addChain({ ...ip, name: "c" })],
    ["a filter chain", addChain({ ...ip, name: "c", type: "filter", hook: 2, priority: 0 })],
    ["what is to go", deleteChain({ ...ip, name: "c" })],
    ["a set that doesn't count", addSet({ ...ip, ...names, keyType: concatType(TYPE.IFNAME) })],
    [
      "a rule of what nf_tables has in itself",
      addRule({ ...ip, chain: "c", expressions: etherSaddrIs(new Uint8Array(6)) }),
    ],
  ])("is none that takes no module: %s", (_, command) => {
    expect(refused(command)).toBeInstanceOf(NetlinkError);
  });

  it("is the same error when the command was prepared", () => {
    const command = prepared(addChain({ ...ip, name: "c", type: "nat" }));
    expect(refused(command)).toBeInstanceOf(MissingPartError);
  });

  it("is none that the kernel refuses for another reason", () => {
    const rule = addRule({ ...ip, chain: "c", expressions: masqueraded });
    expect(refused(rule, errno("EEXIST"))).toBeInstanceOf(NetlinkError);
    expect(asMissingPart("text")).toBe("text");
  });
});
