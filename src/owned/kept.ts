// The attachments that container runtimes know, by the files that libcni keeps for them (libcni/api.go, cachedInfo): the list, what
// the runtime has said besides, and the result. What has a plugin made for which attachment? Rules of upstream's often do not tell.

import { toByteArray as fromBase64 } from "base64-js";
import type { Attachment } from "../cni/attachment.ts";
import { CniError } from "../cni/error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../cni/json.ts";
import { parseResult, type Result } from "../cni/result.ts";
import { servedName } from "../cni/served-name.ts";
import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { readDirectoryIfAny } from "../sys/file.ts";
import { OddEntryError, readRegularText } from "../sys/regular-file.ts";
import { CACHES, resultsOf } from "./runtime-files.ts";

/** An attachment whose list has the plugin. */
export interface KeptAttachment {
  readonly attachment: Attachment;
  /** The path of the container's network namespace; undefined where the file tells none. */
  readonly netns: string | undefined;
  /** The plugin's configuration, as the runtime has passed it: with runtimeConfig. */
  readonly config: JsonObject;
  readonly result: Result;
}

/** Longer than a list, a result and what a runtime says in its arguments. */
const FILE_LIMIT = 1 << 20;

/**
 * What `read` makes of each attachment whose list has the plugin. `tell` gets a phrase for each file that cannot be read, or of which
 * `read` throws a CniError. Throws SyscallError.
 */
export function keptAttachments<T>(
  plugin: string,
  read: (one: KeptAttachment) => T,
  tell: (phrase: string) => void,
): T[] {
  return CACHES.map(resultsOf)
    .flatMap((directory) => readDirectoryIfAny(directory, "files").map((name) => `${directory}/${name}`))
    .flatMap((path) => {
      try {
        return keptIn(JSON.parse(readRegularText(path, FILE_LIMIT)), plugin).map(read);
      } catch (error) {
        const isOdd = error instanceof SyntaxError || error instanceof OddEntryError || error instanceof CniError;
        if (!isOdd && !hasCode(error, "ENOENT")) throw error;
        tell(`${path}: ${error instanceof Error ? error.message : ""}`);
        return [];
      }
    });
}

function keptIn(json: JsonValue, plugin: string): KeptAttachment[] {
  if (!isJsonObject(json)) return [];
  const { networkName: network, containerId, ifName: ifname, config, result, netns, capabilityArgs } = json;
  const isNamed = typeof network === "string" && typeof containerId === "string" && typeof ifname === "string";
  if (!isNamed || typeof config !== "string" || !isJsonObject(result)) return [];
  const list = decodeList(config);
  const plugins = isJsonObject(list) ? list["plugins"] : undefined;
  const own = Array.isArray(plugins) ? plugins.filter(isJsonObject).find((one) => isCalled(one, plugin)) : undefined;
  if (own === undefined) return [];
  return [
    {
      attachment: { network, containerId, ifname },
      netns: typeof netns === "string" ? netns : undefined,
      config: withRuntimeConfig(own, isJsonObject(capabilityArgs) ? capabilityArgs : {}),
      result: parseResult(result, "1.1.0", "result"),
    },
  ];
}

/** Throws SyntaxError. */
function decodeList(text: string): JsonValue {
  if (text.length % 4 !== 0 || !BASE64.test(text)) throw new SyntaxError('"config" is not base64');
  return JSON.parse(engine.decode(fromBase64(text)));
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function isCalled({ type }: JsonObject, plugin: string): boolean {
  return typeof type === "string" && servedName(type, (name) => name === plugin) !== undefined;
}

/** As libcni injects it: what the runtime has said of the capabilities that the plugin has. */
function withRuntimeConfig(config: JsonObject, said: JsonObject): JsonObject {
  const { capabilities } = config;
  const known = isJsonObject(capabilities) ? Object.keys(capabilities).filter((key) => capabilities[key] === true) : [];
  const given = Object.entries(said).filter(([key]) => known.includes(key));
  return given.length === 0 ? config : { ...config, runtimeConfig: Object.fromEntries(given) };
}
