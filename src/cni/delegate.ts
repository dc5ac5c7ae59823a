// Delegation (CNI specification, section 4): running another plugin, an IPAM plugin say, on the same configuration.

import type { Command } from "./environment.ts";
import { executePlugin, parsePluginOutput } from "./execute.ts";
import { findPlugin } from "./find-plugin.ts";
import { excerpt } from "./json.ts";
import type { Invocation } from "./plugin.ts";
import { parseResult, type Result } from "./result.ts";

/**
 * Runs another plugin's ADD and returns its result. When it fails it is given a DEL, as section 4 asks for, and its error
 * is thrown: a CniError with the delegate's own code.
 */
export function delegateAdd(type: string, invocation: Invocation): Result {
  const path = findPlugin(type, invocation.path);
  try {
    const output = execute(path, type, "ADD", invocation);
    const json = parsePluginOutput(output, type);
    return parseResult(json, invocation.config.cniVersion, `the result of plugin ${excerpt(type)}`);
  } catch (error) {
    try {
      execute(path, type, "DEL", invocation);
    } catch (undoError) {
      invocation.log(`DEL after a failed ADD: ${undoError instanceof Error ? undoError.message : String(undoError)}`);
    }
    throw error;
  }
}

/** Runs one of another plugin's verbs that have no result. Throws a CniError with the delegate's own code. */
export function delegate(type: string, command: Exclude<Command, "ADD" | "VERSION">, invocation: Invocation): void {
  execute(findPlugin(type, invocation.path), type, command, invocation);
}

function execute(path: string, type: string, command: Command, invocation: Invocation): Uint8Array {
  return executePlugin(path, { type, call: { ...invocation, command }, stdin: invocation.config.bytes });
}
