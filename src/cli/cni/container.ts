// Which container a command line is about, and what it says to the plugins.

import { CniError } from "../../cni/error.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../cni/json.ts";
import { sha512Hex } from "../../hash/sha512.ts";
import { type CachedAttachment, type CniArg, readCached } from "../../lists/cache.ts";
import type { NetworkList } from "../../lists/list.ts";
import type { Container, Runtime } from "../../lists/run.ts";
import { engine } from "../../sys/engine.ts";
import { absolutePath } from "../../sys/path.ts";
import { UsageError } from "../arguments.ts";

/** The command line's words; undefined where it says nothing. */
export interface Said {
  readonly netns: string | undefined;
  readonly containerId: string | undefined;
  readonly ifname: string;
  readonly args: string | undefined;
  readonly capabilityArgs: string | undefined;
}

/** For ADD. Throws UsageError where no namespace is named, or the words can't be read. */
export function containerOf(said: Said): Container {
  if (said.netns === undefined) throw new UsageError("--netns is missing: the container's network namespace");
  const { args = "", capabilityArgs = "{}" } = said;
  return {
    ...namesOf(said),
    netns: pathOf(said.netns),
    args: parseArgs(args),
    capabilityArgs: parseCapabilityArgs(capabilityArgs),
  };
}

/** For what is there already: what the command line does not say is looked for in the cache. Throws UsageError. */
export function knownContainerOf(said: Said, list: NetworkList, { cache }: Runtime): Container {
  const names = namesOf(said);
  const known = cached(cache, list, names);
  const { netns, args, capabilityArgs } = said;
  return {
    ...names,
    netns: netns === undefined ? (known?.netns ?? "") : pathOf(netns),
    args: args === undefined ? (known?.args ?? []) : parseArgs(args),
    capabilityArgs: capabilityArgs === undefined ? (known?.capabilityArgs ?? {}) : parseCapabilityArgs(capabilityArgs),
  };
}

function namesOf({ netns, containerId, ifname }: Said): { readonly containerId: string; readonly ifname: string } {
  if (containerId !== undefined) return { containerId, ifname };
  if (netns === undefined) throw new UsageError("--netns or --container-id is missing: which container is meant?");
  return { containerId: `cnitool-${sha512Hex(pathOf(netns), CNITOOL_DIGITS)}`, ifname };
}

/** Of the digest of the namespace's path, cnitool takes ten bytes. */
const CNITOOL_DIGITS = 20;

/** What has no slash is a name of `ip netns`, under the path that iproute2 and the documentation of cnitool have for it. */
function pathOf(netns: string): string {
  return netns.includes("/") ? absolutePath(netns) : `/var/run/netns/${netns}`;
}

/** What can't be read is nothing: a plugin that needs it will say so. */
function cached(
  cache: string,
  list: NetworkList,
  names: { readonly containerId: string; readonly ifname: string },
): CachedAttachment | undefined {
  try {
    return readCached(cache, { network: list.name, ...names });
  } catch (error) {
    if (error instanceof CniError) return undefined;
    throw error;
  }
}

function parseArgs(text: string): CniArg[] {
  if (text === "") return [];
  return text.split(";").map((pair): CniArg => {
    const [key = "", value = "", ...rest] = pair.split("=");
    if (key !== "" && value !== "" && rest.length === 0) return [key, value];
    throw new UsageError(`--args: ${JSON.stringify(pair)} is not of the form KEY=VALUE`);
  });
}

function parseCapabilityArgs(text: string): JsonObject {
  const json = readJson(text);
  if (isJsonObject(json)) return json;
  throw new UsageError('--cap-args is not an object of JSON, such as {"portMappings": [...]}');
}

function readJson(text: string): JsonValue {
  try {
    return parseJson(engine.encode(text), "--cap-args");
  } catch (error) {
    if (error instanceof CniError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}
