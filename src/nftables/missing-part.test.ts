import { describe, expect, it } from "vitest";
import { NetlinkError } from "../netlink/error.ts";
import { errno } from "../sys/errno.ts";
import { hasCode } from "../sys/error.ts";
import { asMissingPart, MissingPartError } from "./missing-part.ts";

const refusal = (operation: string, code: number): NetlinkError =>
  new NetlinkError(operation, { sequence: 1, errno: code, extack: undefined });

describe("asMissingPart()", () => {
  it.each([
    ["add chain ip t postrouting", "nft_chain_nat"],
    ["create chain ip6 t c", "nft_chain_nat"],
    ["add map ip t m", "nft_counter"],
    ["add rule bridge t c", "nft_meta_bridge or nft_counter"],
    ["add rule ip t c", "nft_masq, nft_nat, nft_ct or nft_counter"],
  ])("names what may be missing for %j", (operation, modules) => {
    const error = asMissingPart(refusal(operation, errno("ENOENT")));
    expect(error).toBeInstanceOf(MissingPartError);
    expect(error).toHaveProperty(
      "message",
      `cannot ${operation}: ENOENT: No such file or directory: the kernel lacks a part of nf_tables, which may be the module ${modules}`,
    );
    expect(hasCode(error, "ENOENT")).toBe(false); // or the transaction would be tried again
  });

  it("leaves other errors as they are", () => {
    const others = [refusal("delete table ip t", errno("ENOENT")), refusal("add rule ip t c", errno("EEXIST")), "text"];
    for (const error of others) expect(asMissingPart(error)).toBe(error);
  });
});
