// The table of this machine against the system's headers. test/e2e/arm64.test.ts has the other machine's.

import { expect, it } from "vitest";
import { wrongConstants } from "../../test/support/c-constants.ts";
import { engine } from "./engine.ts";
import { MACHINES } from "./machine.ts";

it("every number is that of the system's headers", () => {
  const { EPOLL_EVENT_DATA, ...flags } = MACHINES[engine.arch];
  const constants: [string, number][] = [
    ...Object.entries(flags),
    ["__builtin_offsetof(struct epoll_event, data)", EPOLL_EVENT_DATA],
  ];
  expect(wrongConstants(["fcntl.h", "sys/epoll.h"], constants, ["-D_GNU_SOURCE"])).toEqual([]);
});
