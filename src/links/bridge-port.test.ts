import { afterEach, describe, expect, it } from "vitest";
import { ack, FakeKernel } from "../../test/support/fake-kernel.ts";
import { linkReply } from "../../test/support/link-messages.ts";
import { Connection } from "../netlink/connection.ts";
import { IF_OPER } from "../rtnetlink/uapi.ts";
import { errno } from "../sys/errno.ts";
import { SYS } from "../sys/syscalls.ts";
import { setUpPort, waitForPort } from "./bridge-port.ts";

const port = { index: 9, name: "veth0" };

describe("setUpPort()", () => {
  it.each([
    [false, false, []],
    [true, false, ["bridge link set dev veth0 hairpin on"]],
    [false, true, ["bridge link set dev veth0 isolated on"]],
    [true, true, ["bridge link set dev veth0 hairpin on isolated on"]],
  ])("with hairpin %s and isolated %s asks for %j", (hairpin, isolated, operations) => {
    expect(setUpPort(port, { hairpin, isolated }).map((request) => request.operation())).toEqual(operations);
  });
});

describe("waitForPort()", () => {
  const { syscall } = globalThis.bautaEngine;
  afterEach(() => {
    globalThis.bautaEngine.syscall = syscall;
  });

  /** A clock on which a second passes whenever it is looked at, and no wait takes any time. */
  function hurry(): void {
    let seconds = 0;
    globalThis.bautaEngine.syscall = (number, ...args) => {
      const [, time] = args;
      if (number === SYS.ppoll) return 0;
      if (number !== SYS.clock_gettime || !(time instanceof Uint8Array)) return syscall(number, ...args);
      new DataView(time.buffer, time.byteOffset).setUint32(0, ++seconds, true);
      return 0;
    };
  }

  /** A kernel in which the port has these states, one a look; the last stays. */
  function stateful(...states: readonly number[]): { connection: Connection; looks: () => number } {
    let looks = 0;
    const kernel = new FakeKernel((requests) =>
      requests.flatMap((request) => {
        const state = states[Math.min(looks++, states.length - 1)];
        return linkReply(request, { ...port, up: true, info: { kind: "veth" } }, state);
      }),
    );
    return { connection: new Connection(kernel), looks: () => looks };
  }

  it("returns as soon as the port is up, and no sooner", () => {
    hurry();
    const states = [IF_OPER.DOWN, IF_OPER.LOWERLAYERDOWN, IF_OPER.UP];
    const { connection, looks } = stateful(...states);
    waitForPort(connection, port);
    expect(looks()).toBe(states.length);
  });

  it.each([
    [IF_OPER.LOWERLAYERDOWN, "lowerlayerdown"],
    [99, "99"],
  ])("says what state a port is in that stays down: %s is %s", (state, text) => {
    hurry();
    const message = `the bridge port veth0 did not come up within 2.55 s: its state is ${text}`;
    expect(() => waitForPort(stateful(state).connection, port)).toThrow(message);
  });

  it("says when the port has gone", () => {
    const gone = new Connection(new FakeKernel((requests) => requests.map((request) => ack(request, errno("ENODEV")))));
    expect(() => waitForPort(gone, port)).toThrow("the bridge port veth0 has gone while it was being set up");
  });
});
