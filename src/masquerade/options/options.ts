// "ipMasqOptions": how an attachment is masqueraded. All of it is ours: upstream's plugins pass the key over.

import type { NetworkConfig } from "../../cni/config.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import { interfaceName } from "../../cni/fields.ts";
import { excerpt, isJsonObject, type JsonObject, type JsonValue } from "../../cni/json.ts";
import { array, boolean, type Infer, object, oneOf, optional, type Schema, string, text } from "../../cni/schema.ts";
import { sha512Hex } from "../../hash/sha512.ts";
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

const FIELDS = {
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
};

/** Options in force: the network's, and what a container has been allowed to change. */
const optionsSchema = object(FIELDS);

const ABOUT = "how to masquerade";

const { excludeFile: _, ...CONTAINER_FIELDS } = FIELDS;

/** What args and runtimeConfig may have: everything but `excludeFile`, because root opens that file. */
export const containerOptionsSchema = object(CONTAINER_FIELDS, ABOUT);

const allow = optional(
  array(
    oneOf(Object.keys(CONTAINER_FIELDS)),
    "the keys that args.cni.ipMasqOptions and runtimeConfig.ipMasq may set for a container; none unless given",
  ),
);

/** The keys of "ipMasqOptions" of a network. */
export const networkOptionsSchema = object({ ...FIELDS, allow }, ABOUT);

const allowSchema = object({ allow });

/** Options as they were read, with digests for the names of the chains and sets that are made of them. */
export interface MasqueradeOptions extends Infer<typeof optionsSchema> {
  /** The keys that are given, as they are, by their canonical names and in order; undefined where none is. */
  readonly given: JsonObject | undefined;
  /** A digest of the keys that are lists of destinations. */
  readonly listKey: string;
  /** A digest of all keys. */
  readonly key: string;
}

/** Keys that say which destinations are masqueraded. */
const LISTS = ["exclude", "excludeExceptions", "only", "excludeFile"];

type Entries = readonly (readonly [string, JsonValue])[];

/** Reads options that are known to be an object, from a configuration or a record. Throws CniError. */
export function readOptions(given: JsonObject, at = "ipMasqOptions"): MasqueradeOptions {
  const options = optionsSchema.read(given, at);
  const both = options.outInterfaces?.find((name) => options.excludeOutInterfaces?.includes(name));
  if (both !== undefined)
    throw wrong(`${at}.outInterfaces`, JSON.stringify(both), "in only one of outInterfaces and excludeOutInterfaces");
  const entries = givenKeys(given);
  const listKey = listKeyOf(entries);
  const others = JSON.stringify(entries.filter(([key]) => !LISTS.includes(key)));
  return {
    ...options,
    given: entries.length === 0 ? undefined : Object.fromEntries(entries),
    listKey,
    key: digestOf(`${others} ${listKey}`),
  };
}

/** 128 bits: nobody can find two texts with the same digest, not even a tenant who may choose the options. */
const DIGEST_DIGITS = 32;

/** The digest that stands for a text in the name of a chain or a set. */
export function digestOf(text: string): string {
  return sha512Hex(text, DIGEST_DIGITS);
}

function listKeyOf(entries: Entries): string {
  return digestOf(JSON.stringify(entries.filter(([key]) => LISTS.includes(key))));
}

/** The `listKey` of a record's options, whatever else may be wrong with these. */
export function listKeyOfRecord(recorded: JsonObject): string {
  return listKeyOf(givenKeys(recorded));
}

/** The keys that are given and not null, by their canonical names and in order. */
function givenKeys(given: JsonObject): Entries {
  return [...byCanonicalName(given)]
    .flatMap(([key, value]): Entries => (value === null ? [] : [[key, value]]))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

const KEYS = Object.keys(FIELDS);

/** The known keys of an object by their canonical names, found as the schema finds them: whatever their case. */
function byCanonicalName(given: JsonObject): Map<string, JsonValue> {
  const found = new Map<string, JsonValue>();
  for (const [key, value] of Object.entries(given)) {
    const name = KEYS.includes(key) ? key : KEYS.find((one) => one.toLowerCase() === key.toLowerCase());
    if (name !== undefined && value !== undefined) found.set(name, value);
  }
  return found;
}

/** No options: what upstream does. */
export const PLAIN: MasqueradeOptions = readOptions({});

/**
 * The options of an attachment: the network's `ipMasqOptions`, and then, key by key, what `args.cni.ipMasqOptions` and
 * `runtimeConfig.ipMasq` say for the container. Throws CniError, with code 7 for what the network does not let a container
 * say.
 */
export function optionsOf(config: NetworkConfig): MasqueradeOptions {
  const network = layerOf("ipMasqOptions", config.raw["ipMasqOptions"]);
  const ofNetwork = network === undefined ? PLAIN : readOptions(network, "ipMasqOptions");
  const allowed = network === undefined ? [] : (allowSchema.read(network, "ipMasqOptions").allow ?? []);
  const merged = new Map(Object.entries(ofNetwork.given ?? {}));
  let isChanged = false;
  for (const { at, value } of containerLayers(config)) {
    const layer = layerOf(at, value);
    if (layer === undefined) continue;
    const own = byCanonicalName(layer);
    for (const key of own.keys()) requireAllowed(config, at, key, allowed);
    readOptions(layer, at); // errors name the layer that they are in
    for (const [key, value] of own) merged.set(key, value);
    isChanged ||= own.size > 0;
  }
  return isChanged ? readOptions(Object.fromEntries(merged)) : ofNetwork;
}

const RUNTIME = "runtimeConfig.ipMasq";

/** The layers that a tenant may write in some setups. Of two layers with one key the later counts. */
function containerLayers({ args, runtimeConfig }: NetworkConfig) {
  const { cni } = args;
  return [
    { at: "args.cni.ipMasqOptions", value: isJsonObject(cni) ? cni["ipMasqOptions"] : undefined },
    { at: RUNTIME, value: runtimeConfig["ipMasq"] },
  ] as const;
}

function layerOf(at: string, value: JsonValue | undefined): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw new CniError(CNI_CODE.DECODING_FAILURE, `${at}: ${excerpt(value)} is not an object`);
  return value;
}

/** Throws CniError 7, which says what an operator would write, unless the network lets a container set the key. */
function requireAllowed({ capabilities }: NetworkConfig, at: string, key: string, allowed: readonly string[]): void {
  const refused = (problem: string, remedy: string): CniError =>
    new CniError(CNI_CODE.INVALID_CONFIG, `${at}.${key}: ${problem}`, remedy);
  if (!Object.hasOwn(CONTAINER_FIELDS, key))
    throw refused("a container cannot choose it", `only the network's own ipMasqOptions may have ${key}`);
  if (!allowed.includes(key)) {
    const wanted = JSON.stringify([...allowed, key]);
    throw refused(
      "the network does not let a container choose it",
      `an operator allows it by "ipMasqOptions": {"allow": ${wanted}} in the network's configuration`,
    );
  }
  if (at === RUNTIME && capabilities.get("ipMasq") !== true)
    throw refused(
      "the network does not declare the capability",
      'an operator declares it by "capabilities": {"ipMasq": true} in the network\'s configuration',
    );
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
