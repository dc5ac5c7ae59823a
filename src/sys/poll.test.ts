import { describe, expect, it } from "vitest";
import { pipe } from "../../test/support/pipe.ts";
import { close, writeAll } from "./fd.ts";
import { POLL, poll } from "./poll.ts";

describe("poll", () => {
  it("reports the descriptors that are ready, in order", () => {
    const [a, b] = [pipe(), pipe()];
    writeAll(b.to, "it", Uint8Array.of(1));
    const wanted = [
      { fd: a.from, events: POLL.IN },
      { fd: b.from, events: POLL.IN },
      { fd: a.to, events: POLL.OUT },
    ];
    expect(poll(wanted, -1)).toEqual([0, POLL.IN, POLL.OUT]);
  });

  it("reports that the other end is gone", () => {
    const { from, to } = pipe();
    close(to);
    expect(poll([{ fd: from, events: POLL.IN }], -1)).toEqual([POLL.HUP]);
  });

  it.each([0, 1, 20])("returns after %i ms when nothing is ready", (timeoutMs) => {
    const { from } = pipe();
    const start = performance.now();
    expect(poll([{ fd: from, events: POLL.IN }], timeoutMs)).toEqual([0]);
    expect(performance.now() - start).toBeGreaterThanOrEqual(timeoutMs - 1);
  });
});
