// The results of attachments, in files that libcni finds, and that it has written (libcni/api.go, cachedInfo): whatever
// attached a container by libcni, we can detach it, and the other way round.

import { fromByteArray as toBase64 } from "base64-js";
import type { Attachment } from "../cni/attachment.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../cni/json.ts";
import { array, jsonObject, object, optional, string, withDefault } from "../cni/schema.ts";
import { resultName, resultsOf } from "../owned/runtime-files.ts";
import { hasCode } from "../sys/error.ts";
import { close, readAll } from "../sys/fd.ts";
import { exists, makeDirectories, readDirectoryIfAny } from "../sys/file.ts";
import { OddEntryError, openRegular } from "../sys/regular-file.ts";
import { removeReplaced, replaceFile } from "../sys/whole-file.ts";

/** A key and a value of CNI_ARGS. */
export type CniArg = readonly [key: string, value: string];

/** What is known of an attachment since its ADD. */
export interface CachedAttachment extends Attachment {
  readonly netns: string;
  readonly args: readonly CniArg[];
  readonly capabilityArgs: JsonObject;
  /** The result of the ADD, in whatever version; undefined where there was none. */
  readonly result: JsonObject | undefined;
}

/** More than a list, its result and what a runtime says in its arguments take. */
const FILE_LIMIT = 32 << 20;

const KIND = "cniCacheV1";

/**
 * What the cache has of an attachment; undefined where it has nothing. A file from before libcni 0.8 is the result alone.
 * Throws CniError 6 where the file can't be understood, 5 where it can't be read.
 */
export function readCached(directory: string, attachment: Attachment): CachedAttachment | undefined {
  const path = pathOf(directory, attachment);
  const json = readJson(path);
  if (json === undefined) return undefined;
  if (isCurrent(json)) return fromJson(json, path);
  return { ...attachment, netns: "", args: [], capabilityArgs: {}, result: json };
}

/** Whether the cache has anything of an attachment. */
export function isInCache(directory: string, attachment: Attachment): boolean {
  return exists(pathOf(directory, attachment));
}

/** The attachments of a network that the cache knows. Files that can't be understood are passed over, as libcni does. */
export function cachedOf(directory: string, network: string): CachedAttachment[] {
  return filesOf(directory, network).flatMap(({ found }) => (found?.network === network ? [found] : []));
}

/** A file that does not say whose it is: the result alone, as before libcni 0.8, or nothing that can be understood. */
export interface UnnamedResult {
  /** Whose it may be by its name, NETWORK-CONTAINER-INTERFACE, of which each may have hyphens in it. */
  readonly attachments: readonly Attachment[];
  readonly result: JsonObject | undefined;
}

/** The files of the cache that may be about attachments of the network, but do not say so. */
export function unnamedOf(directory: string, network: string): UnnamedResult[] {
  return filesOf(directory, network).flatMap(({ name, found, result }) =>
    found === undefined ? [{ attachments: namedBy(name, network), result }] : [],
  );
}

/** Each hyphen behind the network's name may be the one in front of the interface's. */
function namedBy(name: string, network: string): Attachment[] {
  const parts = name.slice(network.length + 1).split("-");
  return parts.slice(1).map((_, i) => ({
    network,
    containerId: parts.slice(0, i + 1).join("-"),
    ifname: parts.slice(i + 1).join("-"),
  }));
}

/**
 * The network namespaces of an attachment: the one that the runtime has noted, or those of the result's interfaces. Without any
 * nobody knows whether the container is there.
 */
export function namespacesOf({ netns = "", result }: { netns?: string; result: JsonObject | undefined }): string[] {
  if (netns !== "") return [netns];
  const interfaces = result?.["interfaces"];
  const sandboxes = (Array.isArray(interfaces) ? interfaces : []).map((one: JsonValue) =>
    isJsonObject(one) ? one["sandbox"] : undefined,
  );
  return sandboxes.filter((sandbox): sandbox is string => typeof sandbox === "string" && sandbox !== "");
}

interface CacheFile {
  readonly name: string;
  /** Undefined where the file does not say whose it is. */
  readonly found: CachedAttachment | undefined;
  readonly result: JsonObject | undefined;
}

/** Those whose names begin with the network's. */
function filesOf(directory: string, network: string): CacheFile[] {
  const names = readDirectoryIfAny(resultsOf(directory)).filter((name) => name.startsWith(`${network}-`));
  return names.sort().flatMap((name): CacheFile[] => {
    try {
      const path = `${resultsOf(directory)}/${name}`;
      const json = readJson(path);
      if (json === undefined) return [];
      if (!isCurrent(json)) return [{ name, found: undefined, result: json }];
      const found = fromJson(json, path);
      const isNamed = found.containerId !== "" && found.ifname !== "";
      return [{ name, found: isNamed ? found : undefined, result: found.result }];
    } catch (error) {
      if (error instanceof CniError) return [{ name, found: undefined, result: undefined }];
      throw error;
    }
  });
}

/** Keeps an attachment, with the list that it was made by. Throws SyscallError. */
export function writeCached(directory: string, cached: CachedAttachment, list: Uint8Array): void {
  const { network, containerId, ifname, netns, args, capabilityArgs, result } = cached;
  const json = {
    kind: KIND,
    containerId,
    config: toBase64(list),
    ifName: ifname,
    networkName: network,
    ...(netns === "" ? {} : { netns }),
    ...(args.length === 0 ? {} : { cniArgs: args }),
    ...(Object.keys(capabilityArgs).length === 0 ? {} : { capabilityArgs }),
    ...(result === undefined ? {} : { result }),
  };
  makeDirectories(resultsOf(directory), 0o700);
  replaceFile(pathOf(directory, cached), JSON.stringify(json), 0o600);
}

/** Forgets an attachment; one that is not known is no error. Throws SyscallError. */
export function removeCached(directory: string, attachment: Attachment): void {
  removeReplaced(pathOf(directory, attachment));
}

function pathOf(directory: string, attachment: Attachment): string {
  return `${resultsOf(directory)}/${resultName(attachment)}`;
}

/** Undefined where there is no such file. */
function readJson(path: string): JsonObject | undefined {
  const bytes = read(path);
  if (bytes === undefined) return undefined;
  const json = parseJson(bytes, path);
  if (isJsonObject(json)) return json;
  throw new CniError(CNI_CODE.DECODING_FAILURE, `${path} is not an object`);
}

function read(path: string): Uint8Array | undefined {
  try {
    const fd = openRegular(path);
    try {
      return readAll(fd, path, FILE_LIMIT);
    } finally {
      close(fd);
    }
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    const problem = error instanceof OddEntryError ? error.message : `cannot read ${path}`;
    throw CniError.because(error, CNI_CODE.IO_FAILURE, problem);
  }
}

function isCurrent(json: JsonObject): boolean {
  return kindSchema.read(json, "").kind === KIND;
}

const text = withDefault(string(), "");
const kindSchema = object({ kind: text });
const schema = object({
  containerId: text,
  ifName: text,
  networkName: text,
  netns: text,
  cniArgs: withDefault(array(array(text)), []),
  capabilityArgs: withDefault(jsonObject(), {}),
  result: optional(jsonObject()),
});

function fromJson(json: JsonObject, path: string): CachedAttachment {
  const { containerId, ifName, networkName, netns, cniArgs, capabilityArgs, result } = schema.read(json, path);
  const args = cniArgs.map(([key = "", value = ""]): CniArg => [key, value]);
  return { network: networkName, containerId, ifname: ifName, netns, args, capabilityArgs, result };
}
