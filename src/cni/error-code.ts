// The one place that decides which code of the CNI specification an error comes to, and what is told of it.

import { hasCode, SyscallError } from "../sys/error.ts";
import { NotNetnsError } from "../sys/netns.ts";
import type { Command } from "./environment.ts";
import { CNI_CODE, CniError } from "./error.ts";

/** System calls on files and directories, whose failure is an I/O failure to the runtime. */
const FILE_CALLS =
  /^(openat|read|write|f(data)?sync|ftruncate|getdents64|flock|statx|(mkdir|unlink|rename|link|symlink|readlink)at)$/;

/**
 * Anything that was thrown, as the error that the runtime reads: messages joined along `cause`, the errors of a teardown
 * (AggregateError) side by side. What can only be a fault of ours brings its stack, which `mapStack` makes readable.
 */
export function toCniError(thrown: unknown, command: Command | "", mapStack: (stack: string) => string): CniError {
  if (!(thrown instanceof Error)) return new CniError(CNI_CODE.INTERNAL, `thrown: ${String(thrown)}`);
  const errors = flatten(thrown);
  const codes = new Set(errors.map((error) => codeOf(error, command)));
  const [code] = codes.size === 1 ? codes : [CNI_CODE.INTERNAL];
  const details = [...new Set(errors.flatMap((error) => detailsOf(error, mapStack)))];
  const message = [...new Set(errors.map(messageOf))].join("; ");
  return new CniError(code ?? CNI_CODE.INTERNAL, message, details.length > 0 ? details.join("; ") : undefined);
}

/** The errors that an AggregateError collects, wherever it is among the causes; any other error is itself. */
function flatten(error: Error): readonly Error[] {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.flatMap((one: unknown) => (one instanceof Error ? flatten(one) : [new Error(String(one))]));
  }
  if (error instanceof CniError || !(error.cause instanceof Error)) return [error];
  const causes = flatten(error.cause);
  return causes[0] === error.cause ? [error] : causes.map((cause) => new Error(error.message, { cause }));
}

/** The error and what caused it, the outermost first. */
function chainOf(error: Error): readonly Error[] {
  const chain: Error[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) chain.push(at);
  return chain;
}

function codeOf(error: Error, command: Command | ""): number {
  const chain = chainOf(error);
  const said = chain.find((one) => one instanceof CniError)?.code;
  if (said !== undefined && (said !== CNI_CODE.INTERNAL || command !== "STATUS")) return said;
  if (chain.some(isFault)) return CNI_CODE.INTERNAL;
  if (hasCode(error, "EAGAIN", "EBUSY", "ETIMEDOUT")) return CNI_CODE.TRY_AGAIN_LATER;
  // Whatever else stopped STATUS would stop an ADD.
  if (command === "STATUS") return CNI_CODE.NOT_AVAILABLE;
  if (chain.some((one) => one instanceof NotNetnsError)) return CNI_CODE.INVALID_NETNS;
  return chain.some(isFileFailure) ? CNI_CODE.IO_FAILURE : CNI_CODE.INTERNAL;
}

function isFileFailure(error: Error): boolean {
  return error instanceof SyscallError && FILE_CALLS.test(error.syscall);
}

/** Whether only a fault in a program brings this error about. */
function isFault(error: Error): boolean {
  return /^(Type|Reference|Range|Syntax|Internal|Eval|URI)Error$/.test(error.name);
}

const PRIVILEGES =
  "plugins need CAP_NET_ADMIN and CAP_SYS_ADMIN in the node's user namespace: runtimes run them as root";

/** What the kernel says of namespaces and over netlink. Files may be immutable, and no privilege helps. */
function isForWantOfPrivilege(error: Error): boolean {
  return hasCode(error, "EPERM") && !chainOf(error).some(isFileFailure);
}

/** The messages along the chain, down to the first CniError: that one is complete, and its causes are details. */
function messageOf(error: Error): string {
  const chain = chainOf(error);
  const end = chain.findIndex((one) => one instanceof CniError);
  return (end < 0 ? chain : chain.slice(0, end + 1)).map(textOf).join(": ");
}

function textOf(error: Error): string {
  return isFault(error) || error.message === "" ? `${error.name}: ${error.message}` : error.message;
}

function detailsOf(error: Error, mapStack: (stack: string) => string): readonly string[] {
  const chain = chainOf(error);
  const end = chain.findIndex((one) => one instanceof CniError);
  const said = chain[end];
  if (!(said instanceof CniError)) {
    const stack = chain.find(isFault)?.stack;
    if (stack !== undefined) return [mapStack(stack).trim()];
    return isForWantOfPrivilege(error) ? [PRIVILEGES] : [];
  }
  const causes = chain.slice(end + 1).map((one) => one.message);
  return [said.details ?? "", causes.join(": ")].filter((part) => part !== "");
}
