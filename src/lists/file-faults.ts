// What is wrong in a file of a network configuration, and where: the words are those of the readers that the plugins have.

import { parseConfig } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import type { JsonObject } from "../cni/json.ts";
import { JsonPositions, type Position, pathIn } from "../cni/json-positions.ts";
import type { Invocation, OwnPlugin } from "../cni/plugin.ts";
import { engine } from "../sys/engine.ts";
import { pluginNamed } from "./call.ts";
import type { ListedPlugin, NetworkList } from "./list.ts";
import { readConfiguration } from "./load.ts";
import { checkKeys } from "./prepare.ts";
import { configOf } from "./run.ts";
import { suspectKeys } from "./suspect-keys.ts";

/** A fault in a file. */
export interface FileFault {
  readonly path: string;
  /** Undefined where the file as a whole is wrong. */
  readonly position: Position | undefined;
  readonly text: string;
  /** What goes beyond that, or what to do. */
  readonly details: string | undefined;
  /** Whether the plugins take the configuration all the same. */
  readonly isTaken: boolean;
}

/** The fault that made a file unreadable: the message begins with the path of the file, or of one with a plugin beside it. */
export function faultOfFile(error: CniError, path: string): FileFault {
  const { message, cause } = error;
  const file = message.startsWith(path) ? path : (/^(\/.*?\.conf)(?=[:.\s])/.exec(message)?.[1] ?? path);
  const details = error.details ?? (cause instanceof Error ? cause.message : undefined);
  const fault = { path: file, details, isTaken: false };
  if (!message.startsWith(file)) return { ...fault, position: undefined, text: message };
  const text = message.slice(file.length).replace(/^[:.]? ?/, "");
  const [, line, column] = / at line (\d+), column (\d+)/.exec(text) ?? [];
  if (line !== undefined) return { ...fault, position: { line: Number(line), column: Number(column) }, text };
  // What is wrong with the text as a whole stands nowhere.
  const positions = /^(?:ends|has|is) /.test(text) ? undefined : positionsIn(file);
  return { ...fault, position: positions?.of(inText(positions, pathIn(text))), text };
}

/** The faults of a list that could be read, those first that keep a plugin from taking its part. */
export function faultsOfList(list: NetworkList, path: string): FileFault[] {
  const found = [...list.plugins.flatMap((plugin) => faultsOfPlugin(list, plugin, path)), ...repeatedKeys(path)];
  return found.toSorted((a, b) => Number(a.isTaken) - Number(b.isTaken));
}

function repeatedKeys(path: string): FileFault[] {
  const keys = positionsIn(path)?.repeatedKeys ?? [];
  return keys.map(({ path: key, position }) => {
    const text = `${key} stands twice in its object: the last one counts`;
    return { path, position, text, details: "remove one of the two", isTaken: true };
  });
}

function faultsOfPlugin(list: NetworkList, plugin: ListedPlugin, path: string): FileFault[] {
  const own = pluginNamed(plugin.type);
  if (own === undefined) return [];
  const fault = (key: string, text: string, details: string | undefined, isTaken: boolean): FileFault => {
    return { ...placeOf(plugin, path, key), text: `${plugin.type}: ${text}`, details, isTaken };
  };
  try {
    judge(list, plugin, own);
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    return [fault(pathIn(error.message), error.message, error.details, false)];
  }
  return suspectKeys(own, plugin.config, pluginNamed).map(({ key, meant }) =>
    fault(key, `nobody knows the key ${key}`, `${meant} is known`, true),
  );
}

/** Where a key of a plugin's part stands: `at` of the plugin is the path of the list and the place in it, or another file's path. */
function placeOf({ at }: ListedPlugin, path: string, key: string): Pick<FileFault, "path" | "position"> {
  const isInList = at.startsWith(`${path}: `);
  const file = isInList ? path : at;
  const positions = positionsIn(file);
  const base = isInList ? at.slice(path.length + 2) : "";
  const whole = base === "" || key === "" || key.startsWith("[") ? `${base}${key}` : `${base}.${key}`;
  return { path: file, position: positions?.of(inText(positions, whole)) };
}

/** In a file of one plugin its keys stand outermost. */
function inText(positions: JsonPositions, path: string): string {
  return positions.has("plugins") ? path : path.replace(/^plugins\[0\]\.?/, "");
}

/** Undefined where the file can't be read any more: the fault is told all the same. */
function positionsIn(path: string): JsonPositions | undefined {
  try {
    return new JsonPositions(engine.decode(readConfiguration(path)));
  } catch (error) {
    if (error instanceof CniError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Throws CniError where the plugin would refuse the configuration, whatever a runtime adds. */
function judge(list: NetworkList, plugin: ListedPlugin, own: OwnPlugin): void {
  checkKeys(own, configOf(list, plugin, {}), "", pluginNamed);
  const invocation = invocationFor(list, plugin, "");
  own.judge?.(invocation);
  const { ipamType, raw } = invocation.config;
  const allocator = pluginNamed(ipamType);
  if (allocator?.kind === "ipam" && own.ipam !== undefined && !getsAddresses(raw)) allocator.judge?.(invocation);
}

/** With one of these capabilities the runtime brings what the section "ipam" lacks. */
function getsAddresses({ capabilities }: JsonObject): boolean {
  return /"(?:ipRanges|ips)":true/i.test(JSON.stringify(capabilities ?? {}));
}

/** The plugin's call in an ADD of no container. Throws CniError. */
export function invocationFor(list: NetworkList, plugin: ListedPlugin, path: string): Invocation {
  return {
    command: "ADD",
    containerId: "none",
    netns: "",
    ifname: "eth0",
    args: "",
    path,
    config: parseConfig(engine.encode(JSON.stringify(configOf(list, plugin, {}))), "ADD"),
    prevResult: undefined,
    log: () => {},
  };
}
