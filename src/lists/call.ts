// One call of one plugin of a list: a function where the plugin is this executable under another name, a process otherwise.

import { CONFIG_LIMIT } from "../cni/config.ts";
import { runPlugin } from "../cni/dispatch.ts";
import { type CallVariables, formatEnvironment } from "../cni/environment.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { executePlugin, pluginError } from "../cni/execute.ts";
import { findPlugin, isOwnPlugin } from "../cni/find-plugin.ts";
import { excerpt, type JsonObject } from "../cni/json.ts";
import type { OwnPlugin } from "../cni/plugin.ts";
import { servedName } from "../cni/served-name.ts";
import { PLUGINS } from "../plugins/all.ts";
import { engine } from "../sys/engine.ts";
import { isOwnNetns } from "../sys/netns.ts";
import type { ListedPlugin } from "./list.ts";

const OWN: ReadonlyMap<string, OwnPlugin> = new Map(PLUGINS.map((plugin) => [plugin.name, plugin]));

/** A plugin of a list did not do what it was asked for; the cause is the error that it printed, a CniError. */
export class PluginFailure extends Error {
  override readonly name: string = "PluginFailure";
}

/**
 * Calls a plugin as a container runtime does and returns what it printed. Throws PluginFailure, and CniError 999 or 7 where there is
 * no such plugin along CNI_PATH.
 */
export function callPlugin(
  plugin: ListedPlugin,
  call: CallVariables,
  config: JsonObject,
  log: (line: string) => void,
): Uint8Array {
  const { type, at } = plugin;
  const stdin = engine.encode(JSON.stringify(config));
  const own = ownPlugin(type, call.path);
  try {
    if (stdin.length > CONFIG_LIMIT) {
      throw new CniError(CNI_CODE.INVALID_CONFIG, `the configuration is larger than ${CONFIG_LIMIT} bytes`);
    }
    if (own !== undefined) return callOwn(own, type, call, stdin, log);
    return executePlugin(findPlugin(type, call.path), { type, call, stdin });
  } catch (error) {
    throw new PluginFailure(`${call.command} of plugin ${excerpt(type)} failed (${at})`, { cause: error });
  }
}

/** The plugin of ours that an executable of this name would be. */
export function pluginNamed(type: string): OwnPlugin | undefined {
  const name = servedName(type, (known) => OWN.has(known));
  return name === undefined ? undefined : OWN.get(name);
}

/** The plugin as a function, where the executable that a runtime would run is our own. Throws as findPlugin. */
export function ownPlugin(type: string, path: string): OwnPlugin | undefined {
  return isOwnPlugin(type, path) ? pluginNamed(type) : undefined;
}

function callOwn(
  plugin: OwnPlugin,
  type: string,
  call: CallVariables,
  stdin: Uint8Array,
  log: (line: string) => void,
): Uint8Array {
  const variables = formatEnvironment(call);
  let printed = "";
  const status = runPlugin(plugin, {
    getenv: (name) => variables.get(name) ?? engine.getenv(name),
    readStdin: () => stdin,
    write: (text) => {
      printed += text;
    },
    log,
    isOwnNetns,
    mapStack: (stack) => engine.mapStack(stack),
  });
  const stdout = engine.encode(printed);
  if (status !== 0) throw pluginError({ status, signal: 0, stdout }, type);
  return stdout;
}
