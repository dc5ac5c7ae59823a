// A tap under an SELinux context. The kernel gives a tap the context of the process that makes it, and a process changes its context
// when it executes a program: so this program executes itself, for that alone.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { ERRAND } from "../cni/plugin.ts";
import { boolean, integer, object, optional, string } from "../cni/schema.ts";
import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { withExecLabel } from "../sys/exec-label.ts";
import { spawn } from "../sys/spawn.ts";
import { makePersistent, type NewTap } from "./tap.ts";

const OWN_PROGRAM = "/proc/self/exe";
const ID_MAX = 0xffffffff;

const request = object({
  name: string(),
  multiQueue: boolean(),
  vnetHdr: boolean(),
  owner: optional(integer(0, ID_MAX)),
  group: optional(integer(0, ID_MAX)),
});

/** Makes the tap in the namespace of this thread, under this context. Throws CniError 7 where there is no such context. */
export function makeUnderContext({ name, multiQueue, vnetHdr, owner, group }: NewTap, context: string): void {
  const wanted = JSON.stringify({ name, multiQueue, vnetHdr, owner, group });
  const run = (): ReturnType<typeof spawn> =>
    spawn(OWN_PROGRAM, ["tap", ERRAND, wanted], [], new Uint8Array(0), { keepsErrors: true });
  try {
    const { status, signal, stderr } = withExecLabel(context, run);
    if (status === 0 && signal === 0) return;
    throw new Error(`cannot make the tap ${name} under the context ${context}: ${engine.decode(stderr).trim()}`);
  } catch (error) {
    if (!hasCode(error, "EINVAL", "ENOENT")) throw error;
    const problem = `selinuxContext: the kernel has no SELinux, or its policy no context ${JSON.stringify(context)}`;
    throw CniError.because(error, CNI_CODE.INVALID_CONFIG, problem);
  }
}

/** What the executed program does: `argument` is what makeUnderContext wrote. */
export function makeByErrand(argument: string): void {
  makePersistent(request.read(JSON.parse(argument), ""));
}
