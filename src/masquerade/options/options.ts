// "ipMasqOptions": how an attachment is masqueraded. All of it is ours: upstream's plugins pass the key over.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { interfaceName } from "../../cni/fields.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../cni/json.ts";
import { array, boolean, type Infer, object, oneOf, optional, type Schema, string, text } from "../../cni/schema.ts";
import { compareIp, type Family, familyOf, type Ip, lastOf, networkOf, parseCidr, parseIp } from "../../wire/ip.ts";

/** Source addresses to choose from: one, or from the first to the last. */
export interface AddressRange {
  readonly first: Ip;
  readonly last: Ip;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `192.0.2.1`, `192.0.2.1-192.0.2.9` or `192.0.2.0/28` */
function parseRange(given: string): AddressRange | undefined {
  const cidr = parseCidr(given);
  if (cidr !== undefined) return { first: networkOf(cidr).ip, last: lastOf(cidr) };
  const [from = "", to = from, ...more] = given.split("-");
  const [first, last] = [parseIp(from), parseIp(to)];
  if (more.length > 0 || first === undefined || last === undefined || first.length !== last.length) return undefined;
  return compareIp(first, last) <= 0 ? { first, last } : undefined;
}

function parsePorts(given: string): PortRange | undefined {
  if (!/^[0-9]{1,5}(-[0-9]{1,5})?$/.test(given)) return undefined;
  const [first = 0, last = first] = given.split("-").map(Number);
  return first >= 1 && first <= last && last <= 65535 ? { first, last } : undefined;
}

const addresses = (family: Family): Schema<AddressRange> =>
  text(
    `an IPv${family} address, a range "first-last" or a prefix`,
    (given) => {
      const range = parseRange(given);
      return range !== undefined && familyOf(range.first) === family ? range : undefined;
    },
    `IPv${family} source address that packets leave with`,
  );

// Lists of prefixes stay text here: there may be hundreds, and they are read only when a policy's chain is made.
const prefixes = (about: string): Schema<readonly string[]> => array(string(), about);

/** The keys of "ipMasqOptions". */
export const optionsSchema = object(
  {
    families: optional(array(oneOf(["ipv4", "ipv6"]), "which families are masqueraded; both unless given", 1)),
    exclude: optional(
      prefixes('destinations that keep their source address: prefixes, "private", "link-local", "reserved"'),
    ),
    excludeExceptions: optional(
      prefixes("destinations that are masqueraded although a shorter prefix of exclude has them"),
    ),
    only: optional(prefixes("destinations outside of which nothing is masqueraded")),
    excludeFile: optional(
      text(
        "an absolute path",
        (path) => (/^\/[^\0]*$/.test(path) ? path : undefined),
        "file with more destinations to exclude, in the format of ip-masq-agent's configuration",
      ),
    ),
    to: optional(
      object(
        {
          ipv4: optional(addresses(4)),
          ipv6: optional(addresses(6)),
          persistent: optional(boolean("a container gets the same address of a range each time")),
        },
        "source addresses of this node instead of the outgoing interface's",
      ),
    ),
    ports: optional(text('a port or a range "first-last" from 1 to 65535', parsePorts, "source ports to choose from")),
    random: optional(oneOf(["fully", "random", "none"], "how source ports are chosen; fully unless given")),
    outInterfaces: optional(array(interfaceName(), "masquerade only what leaves through these", 1)),
    excludeOutInterfaces: optional(array(interfaceName(), "do not masquerade what leaves through these")),
    sameSubnet: optional(boolean("masquerade also what stays inside the container's subnet")),
    dropInvalid: optional(
      boolean("drop the container's packets that conntrack finds invalid: they would leave untranslated"),
    ),
  },
  "how to masquerade",
);

/** As it was read, with the text of its keys for what is named after it. */
export interface MasqueradeOptions extends Infer<typeof optionsSchema> {
  /** The keys that are given, as they are, by their canonical names and in order; undefined where none is. */
  readonly given: JsonObject | undefined;
  /** JSON of those that are lists of destinations, and so may be long: "[]" where none is. */
  readonly listsJson: string;
  /** And of all others. */
  readonly othersJson: string;
}

/** No options: what upstream does. */
export const PLAIN: MasqueradeOptions = {
  families: undefined,
  exclude: undefined,
  excludeExceptions: undefined,
  only: undefined,
  excludeFile: undefined,
  to: undefined,
  ports: undefined,
  random: undefined,
  outInterfaces: undefined,
  excludeOutInterfaces: undefined,
  sameSubnet: undefined,
  dropInvalid: undefined,
  given: undefined,
  listsJson: "[]",
  othersJson: "[]",
};

/** Keys that say which destinations are masqueraded. */
const LISTS = ["exclude", "excludeExceptions", "only", "excludeFile"];

/** Reads options that are known to be an object, from a configuration or a record. Throws CniError. */
export function readOptions(given: JsonObject, at = "ipMasqOptions"): MasqueradeOptions {
  const options = optionsSchema.read(given, at);
  const entries = givenKeys(given, Object.keys(options));
  const listsJson = jsonOfLists(entries);
  const othersJson = JSON.stringify(entries.filter(([key]) => !LISTS.includes(key)));
  const both = options.outInterfaces?.find((name) => options.excludeOutInterfaces?.includes(name));
  if (both !== undefined)
    throw wrong(`${at}.outInterfaces`, JSON.stringify(both), "in only one of outInterfaces and excludeOutInterfaces");
  return { ...options, given: entries.length === 0 ? undefined : Object.fromEntries(entries), listsJson, othersJson };
}

function jsonOfLists(entries: readonly (readonly [string, JsonValue])[]): string {
  return JSON.stringify(entries.filter(([key]) => LISTS.includes(key)));
}

/** The lists of a record's options as in MasqueradeOptions, whatever else may be wrong with these. */
export function listsJsonOf(recorded: JsonObject): string {
  return jsonOfLists(givenKeys(recorded, LISTS));
}

/** The keys that are given, by their canonical names and in order; found as the schema finds them, whatever their case. */
function givenKeys(given: JsonObject, names: readonly string[]): (readonly [string, JsonValue])[] {
  const found = new Map<string, JsonValue>();
  for (const [key, value] of Object.entries(given)) {
    const name = names.includes(key) ? key : names.find((one) => one.toLowerCase() === key.toLowerCase());
    if (name !== undefined && value !== undefined && value !== null) found.set(name, value);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What was read last, and of what: an ADD asks more than once for the same. */
let last: { readonly config: JsonObject; readonly options: MasqueradeOptions } | undefined;

/**
 * The options of an attachment: the network's `ipMasqOptions`, then what `args.cni.ipMasqOptions` and then
 * `runtimeConfig.ipMasq` say for the container, key by key. Throws CniError.
 */
export function optionsOf(config: JsonObject): MasqueradeOptions {
  if (last?.config !== config) last = { config, options: readLayers(config) };
  return last.options;
}

function readLayers(config: JsonObject): MasqueradeOptions {
  const layers: readonly (readonly [string, JsonValue | undefined])[] = [
    ["ipMasqOptions", config["ipMasqOptions"]],
    ["args.cni.ipMasqOptions", path(config, "args", "cni", "ipMasqOptions")],
    ["runtimeConfig.ipMasq", path(config, "runtimeConfig", "ipMasq")],
  ];
  let merged: JsonObject | undefined;
  let read: MasqueradeOptions | undefined;
  for (const [at, layer] of layers) {
    if (layer === undefined || layer === null) continue;
    if (!isJsonObject(layer))
      throw new CniError(CNI_CODE.DECODING_FAILURE, `${at}: ${JSON.stringify(layer)} is not an object`);
    const own = readOptions(layer, at); // errors name the layer that they are in
    read = merged === undefined ? own : undefined;
    merged = { ...merged, ...layer };
  }
  return merged === undefined ? PLAIN : (read ?? readOptions(merged));
}

function path(value: JsonValue, ...keys: readonly string[]): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const key of keys) at = isJsonObject(at) ? at[key] : undefined;
  return at;
}

/** The families that are masqueraded. */
export function familiesOf({ families }: MasqueradeOptions): readonly Family[] {
  return families === undefined ? [4, 6] : families.map((name) => (name === "ipv4" ? 4 : 6));
}

/** The source addresses to leave with, where they are given for the family. */
export function sourcesOf({ to }: MasqueradeOptions, family: Family): AddressRange | undefined {
  return family === 4 ? to?.ipv4 : to?.ipv6;
}

/** CniError 7: the value of a key is not what it should be. */
export function wrong(key: string, value: string, wanted: string): CniError {
  return new CniError(CNI_CODE.INVALID_CONFIG, `${key}: ${value} is not ${wanted}`);
}
