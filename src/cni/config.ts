// The network configuration that comes on standard input (CNI specification, sections 1 and 3): what all plugins share.

import { nameProblem } from "./environment.ts";
import { CNI_CODE, CniError } from "./error.ts";
import { excerpt, isJsonObject, type JsonObject, parseJson } from "./json.ts";
import { type Dns, dnsSchema } from "./result.ts";
import { array, boolean, jsonObject, object, optional, record, type Schema, string, withDefault } from "./schema.ts";
import { checkVersion, DEFAULT_VERSION, type Version } from "./versions.ts";

/**
 * More than any runtime sends; what is larger isn't read to its end. What is smaller fits the engine's memory several
 * times: as bytes, as text and as objects, and takes less than a second to read.
 */
export const CONFIG_LIMIT: number = 4 << 20;

/** An attachment that is still valid, as GC is told. */
interface ValidAttachment {
  readonly containerId: string;
  readonly ifname: string;
}

export interface NetworkConfig {
  readonly cniVersion: Version;
  readonly name: string;
  /** The plugin's name, or "" where the caller left it out. */
  readonly type: string;
  /** The `ipam` section as it came; plugins read it with a schema of their own. */
  readonly ipam: JsonObject | undefined;
  /** `ipam.type`, or "" */
  readonly ipamType: string;
  readonly dns: Dns;
  /** What the runtime fills in for the capabilities that the configuration declares. */
  readonly runtimeConfig: JsonObject;
  readonly args: JsonObject;
  readonly capabilities: ReadonlyMap<string, boolean>;
  readonly prevResult: JsonObject | undefined;
  /** For GC: everything else is stale. Empty where the caller named none. */
  readonly validAttachments: readonly ValidAttachment[];
  /** The whole configuration, for the schema of the plugin. */
  readonly raw: JsonObject;
  /** What was read from standard input, byte by byte: a delegate gets the same. */
  readonly bytes: Uint8Array;
}

/**
 * Reads a configuration. Throws CniError 6 where it isn't JSON or has a wrong type, 7 where the name is missing or invalid,
 * and 1 where the plugin, which speaks `oldest` and later versions, doesn't speak its version or the version doesn't have `command`.
 */
export function parseConfig(bytes: Uint8Array, command: string, oldest?: Version): NetworkConfig {
  const raw = parseJson(bytes, "the network configuration on standard input");
  if (!isJsonObject(raw)) {
    const problem = `the network configuration on standard input is not an object: ${excerpt(raw)}`;
    throw new CniError(CNI_CODE.DECODING_FAILURE, problem);
  }
  const config = configSchema.read(raw, "");
  checkNetworkName(config.name);
  return {
    cniVersion: checkVersion(config.cniVersion || DEFAULT_VERSION, command, oldest),
    name: config.name,
    type: config.type,
    ipam: config.ipam,
    ipamType: config.ipam === undefined ? "" : ipamSchema.read(config.ipam, "ipam").type,
    dns: config.dns,
    runtimeConfig: config.runtimeConfig,
    args: config.args,
    capabilities: config.capabilities,
    prevResult: config.prevResult,
    validAttachments: unite(config["cni.dev/valid-attachments"], config["cni.dev/attachments"]),
    raw,
    bytes,
  };
}

/** What the value of `configSchema.read` is. */
interface Common {
  readonly cniVersion: string;
  readonly name: string;
  readonly type: string;
  readonly ipam: JsonObject | undefined;
  readonly dns: Dns;
  readonly runtimeConfig: JsonObject;
  readonly args: JsonObject;
  readonly capabilities: ReadonlyMap<string, boolean>;
  readonly prevResult: JsonObject | undefined;
  readonly "cni.dev/valid-attachments": readonly Attachment[];
  readonly "cni.dev/attachments": readonly Attachment[];
}

interface Attachment {
  readonly containerID: string;
  readonly ifname: string;
}

const ipamSchema = object({ type: withDefault(string(), "") });

const attachments = withDefault(array(object({ containerID: string(), ifname: string() })), []);

/** The keys that every plugin knows, for reading and for a plugin's JSON Schema. */
export const configSchema: Schema<Common> = object({
  cniVersion: withDefault(string("version of the CNI specification; 0.1.0 where absent"), ""),
  name: withDefault(string("name of the network"), ""),
  type: withDefault(string("name of the plugin"), ""),
  ipam: optional(jsonObject("the IPAM plugin, by its type, and its configuration")),
  dns: withDefault(dnsSchema, {}),
  runtimeConfig: withDefault(jsonObject("from the runtime: values for the declared capabilities"), {}),
  args: withDefault(jsonObject("from the runtime: optional arguments"), {}),
  capabilities: withDefault(record(boolean(), "what the runtime may put in runtimeConfig"), new Map()),
  prevResult: optional(jsonObject("from the runtime: the result of the plugin before, or of ADD")),
  "cni.dev/valid-attachments": attachments,
  "cni.dev/attachments": attachments,
});

function checkNetworkName(name: string): void {
  if (name === "") throw new CniError(CNI_CODE.INVALID_CONFIG, "name is missing: every network has one");
  const problem = nameProblem(name);
  if (problem !== undefined) throw new CniError(CNI_CODE.INVALID_CONFIG, `name: ${excerpt(name)} is ${problem}`);
}

/** libcni sends the list under two names; whatever either of them calls valid must stay. */
function unite(some: readonly Attachment[], others: readonly Attachment[]): readonly ValidAttachment[] {
  const all = some.concat(others);
  if (all.length === 0) return []; // as in all calls but GC
  const found = new Map<string, ValidAttachment>();
  for (const { containerID: containerId, ifname } of all) {
    found.set(JSON.stringify([containerId, ifname]), { containerId, ifname });
  }
  return [...found.values()];
}
