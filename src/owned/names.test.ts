import { describe, expect, it } from "vitest";
import { addHoldings } from "../masquerade/nftables/elements.ts";
import { readMessages, writeMessage } from "../netlink/message.ts";
import { readElements } from "../nftables/element.ts";
import { parseIp } from "../wire/ip.ts";
import { Writer } from "../wire/writer.ts";
import { attachmentId } from "./id.ts";
import { fromComment } from "./names.ts";

/** The comment that really stands with an element of this attachment. */
function written(
  attachment: { network: string; ifname: string; containerId: string },
  address: string,
): string | undefined {
  const ip = parseIp(address);
  if (ip === undefined) throw new Error(address);
  const family = ip.length === 4 ? 4 : 6;
  const [add] = addHoldings(family, attachment, attachmentId(attachment), [
    { ip, prefixLength: 24, chain: "c", isStrict: false },
  ]);
  if (add === undefined) throw new Error("no command");
  const out = new Writer();
  writeMessage(out, add, 0, 1);
  return readMessages(out.bytes()).flatMap((message) => readElements(message).elements)[0]?.comment;
}

const web = { network: "dual", ifname: "eth0", containerId: "web-1" };

describe("fromComment", () => {
  it("reads what stands with the elements of masquerade", () => {
    for (const address of ["198.18.0.5", "fd61:7465:6d65:1000::5"]) {
      expect(fromComment(written(web, address))).toEqual({ ...web, isCut: false, prefixLength: 24 });
    }
  });

  it("reads what stands with the elements of MAC spoof checking", () => {
    expect(fromComment("dual eth0 web-1", false)).toEqual({ ...web, isCut: false, prefixLength: undefined });
  });

  it("says that the last name was cut", () => {
    const long = { ...web, network: "n".repeat(60), containerId: "c".repeat(64) };
    const found = fromComment(written(long, "fd61:7465:6d65:1000::5"));
    expect(found).toMatchObject({ network: long.network, ifname: "eth0", isCut: true, prefixLength: 24 });
    expect(found?.containerId).toMatch(/^c{20,63}$/);
  });

  it("has no container and no prefix length where the network left no room for them", () => {
    const found = fromComment(written({ ...web, network: "n".repeat(120) }, "198.18.0.5"));
    expect(found).toEqual({
      network: "n".repeat(120),
      ifname: "eth0",
      containerId: undefined,
      isCut: true,
      prefixLength: undefined,
    });
  });

  for (const other of [undefined, "", "allow ssh", "one", " eth0 x", "a b c d e", "dual eth0 10.0.0.1/24 c d"]) {
    it(`makes nothing of ${JSON.stringify(other)}`, () => {
      expect(fromComment(other)).toBeUndefined();
    });
  }
});
