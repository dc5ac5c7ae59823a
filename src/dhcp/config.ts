// The section "ipam" of dhcp: what the plugin checks, and what the daemon goes by.

import type { NetworkConfig } from "../cni/config.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import {
  array,
  boolean,
  emptyIsAbsent,
  type Infer,
  integer,
  object,
  oneOf,
  optional,
  string,
  text,
  withDefault,
} from "../cni/schema.ts";
import { engine } from "../sys/engine.ts";
import { UNIX_PATH_MAX } from "../sys/unix-stream.ts";
import type { Options } from "./options.ts";
import { OPTION } from "./uapi.ts";

/** Where upstream's daemon listens, and its plugin calls. */
export const DEFAULT_SOCKET = "/run/cni/dhcp.sock";

/** The names that upstream knows. Every other option has its number only. */
const NAMES: ReadonlyMap<string, number> = new Map([
  ["dhcp-client-identifier", OPTION.CLIENT_IDENTIFIER],
  ["subnet-mask", OPTION.SUBNET_MASK],
  ["routers", OPTION.ROUTERS],
  ["host-name", OPTION.HOST_NAME],
  ["user-class", OPTION.USER_CLASS],
  ["vendor-class-identifier", OPTION.VENDOR_CLASS_IDENTIFIER],
]);

const NOUN =
  'a DHCP option: "dhcp-client-identifier", "subnet-mask", "routers", "host-name", "user-class", "vendor-class-identifier" or a number from 1 to 254';

const option = (about: string) => text(NOUN, parseOption, about);

/** What the kernel takes as the path of a socket; "" counts as absent. */
const socketPath = (about: string) => {
  const fits = (path: string): boolean => !path.includes("\0") && engine.encode(path).length <= UNIX_PATH_MAX;
  return emptyIsAbsent(
    text(`the path of a socket, of ${UNIX_PATH_MAX} bytes at most`, (path) => (fits(path) ? path : undefined), about),
  );
};

export const dhcpSchema = object({
  family: withDefault(
    array(
      oneOf(["ipv4", "ipv6"]),
      "the families that the container gets addresses of, all or none; IPv4 alone unless given. IPv6 comes by router advertisements, and by DHCPv6 where these say so",
      1,
    ),
    ["ipv4"],
  ),
  daemonSocketPath: withDefault(socketPath("the socket of the daemon"), DEFAULT_SOCKET),
  request: withDefault(
    array(
      object({
        option: optional(emptyIsAbsent(option("an option that the server is asked for: its name or its number"))),
        skipDefault: withDefault(boolean("whether only the options that are named are asked for"), false),
      }),
      "options that the server is asked for, before 3, 1, 6, 15 and 119",
    ),
    [],
  ),
  provide: withDefault(
    array(
      object({
        option: option("an option that the server is told: its name or its number"),
        value: withDefault(string("its value, as text"), ""),
        fromArg: withDefault(string("the key of CNI_ARGS whose value comes before `value`"), ""),
      }),
      "options that the server is told",
    ),
    [],
  ),
  priority: withDefault(integer(0, 0xffffffff, "metric of every route; 0: none"), 0),
  clientId: withDefault(
    oneOf(
      ["attachment", "mac", "duid"],
      "what the client identifier is made of: container, network and interface as upstream's is; the MAC address; or those three as a DUID (RFC 4361)",
    ),
    "attachment",
  ),
  interfaceMtu: withDefault(
    boolean("whether the interface gets the MTU that the server says, where that is less than its own"),
    false,
  ),
  daemonTimeout: withDefault(integer(1, 3600, "how many seconds the daemon may take for an address"), 240),
});

export type DhcpConfig = Infer<typeof dhcpSchema>;

/** Reads the section. Throws CniError 7 where there is none. */
export function readDhcpConfig({ ipam }: Pick<NetworkConfig, "ipam">): DhcpConfig {
  if (ipam !== undefined) return dhcpSchema.read(ipam, "ipam");
  throw new CniError(CNI_CODE.INVALID_CONFIG, 'ipam is missing: dhcp is an IPAM plugin, {"ipam": {"type": "dhcp"}}');
}

/** What is asked for unless the configuration says that nothing else is to be: upstream's 3 and 1, and name servers, domain and search list. */
const DEFAULT_REQUEST: readonly number[] = [
  OPTION.ROUTERS,
  OPTION.SUBNET_MASK,
  OPTION.DOMAIN_NAME_SERVERS,
  OPTION.DOMAIN_NAME,
  OPTION.DOMAIN_SEARCH,
];

/** The option 55. The options that the configuration names come first: a server may have no room for all. */
export function requestedOptions({ request, interfaceMtu }: DhcpConfig): number[] {
  const named = request.flatMap((one) => one.option ?? []);
  const defaults = request.some(({ skipDefault }) => skipDefault) ? [] : DEFAULT_REQUEST;
  return [...new Set([...named, ...defaults, ...(interfaceMtu ? [OPTION.INTERFACE_MTU] : [])])];
}

const VALUE_MAX = 255;

/** The options that the server is told, by CNI_ARGS and the configuration. Throws CniError 7 for a value that is too long. */
export function providedOptions({ provide }: DhcpConfig, args: string): Options {
  const given = new Map(args.split(";").map((pair): [string, string] => keyAndValue(pair)));
  const options = new Map<number, Uint8Array>();
  provide.forEach((one, i) => {
    const said = (one.fromArg === "" ? undefined : given.get(one.fromArg)) ?? one.value;
    if (said === "") return;
    const bytes = engine.encode(said);
    if (bytes.length > VALUE_MAX) {
      const problem = `a value of ${bytes.length} bytes is too long for option ${one.option}, which takes ${VALUE_MAX}`;
      throw new CniError(CNI_CODE.INVALID_CONFIG, `ipam.provide[${i}]: ${problem}`);
    }
    options.set(one.option, bytes);
  });
  return options;
}

function keyAndValue(pair: string): [string, string] {
  const at = pair.indexOf("=");
  return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
}

function parseOption(given: string): number | undefined {
  const named = NAMES.get(given);
  if (named !== undefined) return named;
  const number = /^\d{1,3}$/.test(given) ? Number(given) : 0;
  return number > OPTION.PAD && number < OPTION.END ? number : undefined;
}
