// A kernel that refuses something, whatever and whenever: each system call of an ADD fails once.

import { expect, it } from "vitest";
import type { ErrnoName } from "../../../src/sys/errno.ts";
import { SYS } from "../../../src/sys/syscalls.ts";
import { failingAt } from "../../support/interfere.ts";
import { succeed } from "../../support/plugin.ts";
import { type Json, networkOf, type PluginName, stateOfNode, useNode } from "./node.ts";

const { call, checkBystander } = useNode();

/** More than any ADD makes. */
const MOST = 1000;

/** How often a call must have made fewer system calls than asked for: how many it makes depends on what it waits for. */
const ENOUGH = 3;

/** With this our program begins (keep_standard_descriptors() in engine/quickjs.c); what the C library can't do without is its affair. */
const FIRST = SYS.fcntl;

it.each<readonly [PluginName, ErrnoName, Json]>([
  ["host-local", "ENOMEM", {}],
  ["host-local", "EEXIST", {}],
  ["bridge", "EIO", {}],
  ["bridge", "EIO", { ipMasqBackend: "iptables" }],
])("%s with a system call that says %s leaves nothing, and says so: %j", (plugin, error, more) => {
  const config = networkOf(plugin, { name: `${plugin}-${error}`, ...more });
  for (const command of ["ADD", "DEL"]) succeed(call(plugin, { command, config }));
  const before = stateOfNode();
  let hasBegun = false;
  let ended = 0;
  let count = 1;
  for (; ended < ENOUGH && count < MOST; count++) {
    const { status, stderr, stdout } = call(plugin, { config }, failingAt(count, error));
    const number = Number(/interfere: system call (\d+)/.exec(stderr)?.[1]);
    const isDone = number === SYS.exit_group || Number.isNaN(number);
    if (isDone) ended++;
    const what = `system call ${count}, number ${number}`;
    hasBegun ||= number === FIRST;
    if (hasBegun && !isDone) expect([0, 1], what).toContain(status);
    // What is no error takes effect; of what is one nothing is left.
    if (isDone || status !== 1) succeed(call(plugin, { command: "DEL", config }));
    else expect(JSON.parse(stdout), what).toMatchObject({ code: expect.any(Number), msg: expect.any(String) });
    expect({ what, ...stateOfNode(), prepared: before.prepared }).toEqual({ what, ...before });
  }
  expect(hasBegun).toBe(true);
  expect(count).toBeLessThan(MOST);
  checkBystander();
});
