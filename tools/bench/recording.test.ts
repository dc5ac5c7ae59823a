import { describe, expect, it } from "vitest";
import { messagesOf, nameCalls, readRecording } from "./recording.mjs";

/** One call as record.c writes it. */
function recorded(name: string, result: number, args: readonly (number | Buffer)[], answer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(120);
  header.write(name, "latin1");
  header.writeBigInt64LE(BigInt(result), 32);
  const all = [0, 1, 2, 3, 4, 5].map((i) => args[i] ?? 0);
  for (const [i, value] of all.entries()) {
    if (typeof value === "number") header.writeBigInt64LE(BigInt(value), 40 + 8 * i);
    header.writeUInt32LE(typeof value === "number" ? 0xffffffff : value.length, 88 + 4 * i);
  }
  header.writeUInt32LE(answer.length, 112);
  return Buffer.concat([header, ...all.filter((value) => typeof value !== "number"), answer]);
}

const path = (text: string) => Buffer.from(`${text}\0`);
function message(type: number, length = 20): Buffer {
  const bytes = Buffer.alloc(Math.max(16, (length + 3) & ~3));
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt16LE(type, 4);
  return bytes;
}

describe("a recording", () => {
  it("is read call by call, with buffers in the place of pointers", () => {
    const answer = Buffer.from("answer");
    const calls = readRecording(
      Buffer.concat([recorded("openat", 5, [-100, path("/a")]), recorded("read", 6, [5, Buffer.alloc(9), 9], answer)]),
    );
    expect(calls.map(({ name, result }) => [name, result])).toEqual([
      ["openat", 5],
      ["read", 6],
    ]);
    expect(calls[0]?.args[1]).toEqual(path("/a"));
    expect(calls[1]?.args.slice(0, 3)).toEqual([5n, Buffer.alloc(9), 9n]);
  });

  it("tells the purpose of each call by its descriptor", () => {
    const NETLINK_ROUTE = 0;
    const NETLINK_NETFILTER = 12;
    const calls = readRecording(
      Buffer.concat([
        recorded("openat", 3, [-100, path("/proc/sys/net/ipv6/conf/eth0/accept_dad")]),
        recorded("write", 1, [3, Buffer.from("0"), 1]),
        recorded("socket", 4, [16, 3, NETLINK_ROUTE]),
        recorded("sendto", 20, [4, message(20), 20]),
        recorded("recvfrom", 36, [4, Buffer.alloc(36), 36]),
        recorded("socket", 5, [16, 3, NETLINK_NETFILTER]),
        recorded("sendto", 60, [5, Buffer.concat([message(16), message(0xa0c), message(17)]), 60]),
        recorded("close", 0, [4]),
        recorded("close", 0, [9]),
      ]),
    );
    expect(nameCalls(calls)).toEqual([
      { label: "openat /proc/sys/net/ipv6/conf/eth0/accept_dad", group: "/proc/sys" },
      { label: "write /proc/sys/net/ipv6/conf/eth0/accept_dad", group: "/proc/sys" },
      { label: "socket rtnetlink", group: "sockets and namespaces" },
      { label: "sendto RTM_NEWADDR", group: "RTM_NEWADDR" },
      { label: "recvfrom RTM_NEWADDR", group: "RTM_NEWADDR" },
      { label: "socket nfnetlink", group: "sockets and namespaces" },
      { label: "sendto batch NFT_NEWSETELEM", group: "batch NFT_NEWSETELEM" },
      { label: "close rtnetlink", group: "sockets and namespaces" },
      { label: "close", group: "other" },
    ]);
  });

  it.each([
    ["/var/lib/cni/side/net/10.0.0.2", "host-local's files"],
    ["/run/bauta/masquerade/0123", "records"],
    ["/run/netns/c", "sockets and namespaces"],
    ["/proc/thread-self/ns/net", "sockets and namespaces"],
    ["/proc/self/exe", "other files"],
  ])("counts %s to %s", (file, group) => {
    expect(nameCalls(readRecording(recorded("openat", 3, [-100, path(file)])))[0]?.group).toBe(group);
  });

  it("knows that the number of a closed descriptor is used again", () => {
    const calls = readRecording(
      Buffer.concat([
        recorded("openat", 3, [-100, path("/run/bauta/a")]),
        recorded("close", 0, [3]),
        recorded("openat", 3, [-100, path("/proc/sys/b")]),
        recorded("read", 1, [3, Buffer.alloc(1), 1]),
      ]),
    );
    expect(nameCalls(calls).at(-1)?.label).toBe("read /proc/sys/b");
  });
});

describe("the messages of one send", () => {
  it("are each named once, in their order", () => {
    const bytes = Buffer.concat([message(20, 22), message(20), message(16), message(24)]);
    expect(messagesOf(bytes, "rtnetlink")).toBe("RTM_NEWADDR RTM_NEWLINK RTM_NEWROUTE");
  });

  it("are numbers where no name is known, and end at an impossible length", () => {
    expect(messagesOf(Buffer.concat([message(0x102), message(0xa63), message(7, 4), message(16)]), "nfnetlink")).toBe(
      "nfnetlink 1/2 NFT_99 nfnetlink 0/7",
    );
    expect(messagesOf(message(120), "rtnetlink")).toBe("RTM 120");
  });
});
