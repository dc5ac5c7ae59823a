// What becomes of a test whose program beside it does not run.

import { execFileSync } from "node:child_process";
import { describe, expect, it, onTestFinished } from "vitest";
import { startBeside } from "../support/background.ts";
import { makeNetns } from "../support/netns.ts";
import { isAnswered, ping } from "../support/outside.ts";

describe("a program beside a test", () => {
  it.each([
    ["is not there", "bauta-no-such-program", []],
    ["ends by itself", "sh", ["-c", "exit 3"]],
    ["ends by itself and well", "true", []],
  ])("that %s makes the test fail", async (_, program, args) => {
    const beside = startBeside(program, args);
    await expect(beside.prints(/ready/)).rejects.toThrow(`${program} was to run beside the test, but ended`);
    await expect(beside.stop()).rejects.toThrow(`${program} was to run beside the test, but ended`);
  });

  it("ends with all that it has started when it is stopped", async () => {
    const beside = startBeside("sh", ["-c", "sleep 1000 & echo $!; wait"]);
    await beside.prints(/^\d+$/m);
    const pid = Number(beside.printed());
    expect(() => process.kill(pid, 0)).not.toThrow();
    await beside.stop();
    expect(execFileSync("sh", ["-c", `cat /proc/${pid}/stat 2>/dev/null || true`], { encoding: "utf8" })).toMatch(
      /^$| Z /,
    );
  });

  it("may end by itself where the test waits for that", async () => {
    expect(await startBeside("sh", ["-c", "exit 3"]).ends()).toBe(3);
  });
});

describe("a ping", () => {
  it("that cannot be sent is not one that nobody answers", () => {
    const netns = makeNetns();
    onTestFinished(() => netns.remove());
    netns.ip("link set lo up");
    expect(isAnswered(netns, "127.0.0.1")).toBe(true);
    // The loopback has all of 127.0.0.0/8; to what has no route nothing can be sent.
    expect(() => isAnswered(netns, "192.0.2.1")).toThrow("ping -n -q -c1 -W1 192.0.2.1 ended with status");
    expect(() => ping(netns, "192.0.2.1")).toThrow();
  });
});
