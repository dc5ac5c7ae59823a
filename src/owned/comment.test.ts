import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Attachment } from "../cni/attachment.ts";
import { interfaceNameProblem } from "../cni/environment.ts";
import { commentEntry, NFTNL_UDATA } from "../nftables/userdata.ts";
import { readComment, writeComment } from "./comment.ts";

const web = { network: "dual", ifname: "eth0", containerId: "web-1" };

describe("writeComment() and readComment()", () => {
  it("write what is read, with an address and without", () => {
    for (const cidr of ["198.18.0.5/24", "fd61:7465:6d65:1000::5/24"]) {
      expect(writeComment(web, cidr)).toBe(`dual eth0 ${cidr} web-1`);
      expect(readComment(writeComment(web, cidr))).toEqual({ ...web, isCut: false, prefixLength: 24 });
    }
    expect(writeComment(web)).toBe("dual eth0 web-1");
    expect(readComment(writeComment(web), false)).toEqual({ ...web, isCut: false, prefixLength: undefined });
  });

  it("tell a name that was cut from a long one that was not", () => {
    const long = { ...web, network: "n".repeat(60), containerId: "c".repeat(64) };
    const found = readComment(writeComment(long, "fd61:7465:6d65:1000::5/24"));
    expect(found).toMatchObject({ network: long.network, ifname: "eth0", isCut: true, prefixLength: 24 });
    expect(found?.containerId).toMatch(/^c{20,63}$/);
    const room = 128 - writeComment({ ...web, containerId: "" }).length;
    const full = { ...web, containerId: "c".repeat(room) };
    expect(readComment(writeComment(full), false)).toEqual({ ...full, isCut: false, prefixLength: undefined });
    const over = { ...web, containerId: "c".repeat(room + 1) };
    expect(readComment(writeComment(over), false)).toMatchObject({ isCut: true, containerId: "c".repeat(room - 3) });
  });

  it("leave out the container and the prefix length where the network left no room for them", () => {
    expect(readComment(writeComment({ ...web, network: "n".repeat(119) }, "198.18.0.5/24"))).toEqual({
      network: "n".repeat(119),
      ifname: "eth0",
      containerId: undefined,
      isCut: true,
      prefixLength: undefined,
    });
  });

  it("serve every interface name that plugins take, long UTF-8 included, and what an older one may have recorded", () => {
    const containerId = "0123456789abcdef".repeat(4);
    const network = "production-frontend-net";
    const taken = ["üüüüüüü", 'a"b', "😀😀😀"];
    expect(taken.map(interfaceNameProblem)).toEqual([undefined, undefined, undefined]);
    for (const ifname of [...taken, "\x01eth", "\x7f"]) {
      const comment = writeComment({ network, ifname, containerId }, "fd61:7465:6d65:1000:ffff:ffff:ffff:5/64");
      expect(() => commentEntry(NFTNL_UDATA.COMMENT, comment), ifname).not.toThrow();
      expect(readComment(comment)?.network).toBe(network);
    }
  });

  it("serve any names whatever", () => {
    const text = fc.string({ unit: "binary", maxLength: 140 });
    const attachments = fc.record<Attachment>({ network: text, ifname: text, containerId: text });
    fc.assert(
      fc.property(attachments, fc.option(text), (attachment, cidr) => {
        commentEntry(NFTNL_UDATA.COMMENT, writeComment(attachment, cidr ?? undefined));
      }),
    );
  });

  for (const other of [undefined, "", "allow ssh", "one", " eth0 x", "a b c d e", "dual eth0 10.0.0.1/24 c d"]) {
    it(`make nothing of ${JSON.stringify(other)}`, () => {
      expect(readComment(other)).toBeUndefined();
    });
  }
});
