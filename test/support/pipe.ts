// A pipe for tests of what reads, writes and waits.

import { onTestFinished } from "vitest";
import { call } from "../../src/sys/call.ts";
import { close, O } from "../../src/sys/fd.ts";

/** The two ends of a pipe, open until the test is over. */
export function pipe(flags = 0): { readonly from: number; readonly to: number } {
  const ends = new Int32Array(2);
  call("make a pipe", "pipe2", ends, flags | O.CLOEXEC);
  const [from = -1, to = -1] = ends;
  onTestFinished(() => {
    close(from);
    close(to);
  });
  return { from, to };
}
