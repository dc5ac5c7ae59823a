// Becoming another program.

import { call } from "./call.ts";
import { engine } from "./engine.ts";

/** execve(2): this process goes on as that program, with this command line and environment. Throws SyscallError. */
export function becomeProgram(path: string, argv: readonly string[], environment: readonly string[]): never {
  const kept: Uint8Array[] = [];
  call(`run ${path}`, "execve", path, pointersTo(argv, kept), pointersTo(environment, kept));
  throw new Error(`${path} has been run, and this process is still there`);
}

const POINTER = 8;

/** `char *const []`: where each text is, and a null pointer. The texts are true as long as `kept` has them. */
function pointersTo(texts: readonly string[], kept: Uint8Array[]): Uint8Array {
  const pointers = new Uint8Array(POINTER * (texts.length + 1));
  const view = new DataView(pointers.buffer);
  for (const [at, text] of texts.entries()) {
    const bytes = engine.encode(`${text}\0`);
    kept.push(bytes);
    view.setBigUint64(POINTER * at, BigInt(engine.address(bytes)), true);
  }
  return pointers;
}
