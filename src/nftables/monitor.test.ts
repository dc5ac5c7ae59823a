import { describe, expect, it } from "vitest";
import { FakeKernel, message, type Reply } from "../../test/support/fake-kernel.ts";
import { readGolden } from "../../test/support/golden.ts";
import { SyscallError } from "../sys/error.ts";
import { Monitor, type NftEvent } from "./monitor.ts";

/** A kernel that tells of these things without being asked. */
function telling(...replies: readonly Reply[]): FakeKernel {
  const kernel = new FakeKernel(() => replies);
  kernel.send(new Uint8Array(0));
  return kernel;
}

const golden = readGolden("nftables/events").replies.map(({ type, flags, sequence, payload }) =>
  message({ type, flags, sequence, payload }),
);

const NEWGEN = message({ type: 0x0a0f, sequence: 0, payload: Uint8Array.of(0, 0, 0, 9, 8, 0, 1, 0, 0, 0, 0, 9) });

const text = (event: NftEvent): string => {
  if (event.kind === "other") return `other 0x${event.message.type.toString(16)}`;
  if (event.kind === "table") return `${event.change} table ${event.table.name}`;
  if (event.kind === "chain") return `${event.change} chain ${event.chain.name}`;
  if (event.kind === "rule") return `${event.change} rule ${event.rule.chain} ${event.rule.comment}`;
  if (event.kind === "set") return `${event.change} set ${event.set.name}`;
  const [element] = event.elements.elements;
  return `${event.change} element ${event.elements.set} ${element?.key.join(".")} ${element?.comment}`;
};

describe("Monitor", () => {
  it("reports the changes, the generation and the process of a transaction", () => {
    const monitor = new Monitor(telling(...golden));
    const first = monitor.next();
    expect(first?.events.map(text)).toEqual([
      "new chain d",
      "new rule c hello",
      "new element s 10.1.2.3 hello",
      "delete element s 10.1.2.3 hello",
      "delete set s",
      "delete chain d",
      "delete set m",
      "other 0xa12",
      "new table u",
    ]);
    expect(first).toMatchObject({ generation: 3, processName: "nft", lost: false });
    expect(first?.processId).toBeGreaterThan(0);
    const second = monitor.next();
    expect(second?.events.map(text)).toEqual(["new table last"]);
    expect(second?.generation).toBe(4);
    expect(monitor.next(false)).toBeUndefined();
  });

  it("reports several transactions of one datagram one after the other", () => {
    const monitor = new Monitor(telling(Uint8Array.of(...NEWGEN, ...NEWGEN)));
    expect(monitor.next(false)?.generation).toBe(9);
    expect(monitor.next(false)?.generation).toBe(9);
    expect(monitor.next(false)).toBeUndefined();
  });

  it("says when events were lost", () => {
    const noBuffers = new SyscallError("recvfrom", 105, "receive a netlink message");
    const monitor = new Monitor(telling(noBuffers, NEWGEN, NEWGEN));
    expect(monitor.next()?.lost).toBe(true);
    expect(monitor.next()?.lost).toBe(false);
  });

  it("throws what else goes wrong", () => {
    const monitor = new Monitor(telling(new SyscallError("recvfrom", 9, "receive a netlink message")));
    expect(() => monitor.next()).toThrow("EBADF");
  });

  it("passes on messages that it cannot read, and leaves out messages that are not from nf_tables", () => {
    const unreadable = message({ type: 0x0a03, sequence: 0, payload: Uint8Array.of(2) });
    const foreign = message({ type: 0x0100, sequence: 0, payload: Uint8Array.of(2, 0, 0, 0) });
    const transaction = new Monitor(telling(unreadable, foreign, NEWGEN)).next();
    expect(transaction?.events).toMatchObject([
      { kind: "other", message: { type: 0x0a03, payload: Uint8Array.of(2) } },
    ]);
  });

  it("closes its socket", () => {
    const kernel = telling();
    new Monitor(kernel).close();
    expect(kernel.closed).toBe(true);
  });
});
