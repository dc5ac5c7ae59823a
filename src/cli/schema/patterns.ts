// Regular expressions (ECMA-262, as JSON Schema has them) for the kinds of text in configurations, by the noun that
// their schemas have for them. A test compares each with the parser that it stands for. What no expression can tell is
// left to the reader: which of two addresses comes first, and how many bytes a character takes.

import type { Patterns } from "../../cni/json-schema.ts";

const BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const IPV4 = `${BYTE}(?:\\.${BYTE}){3}`;
const GROUP = "[0-9a-fA-F]{1,4}";
const TAIL = `(?:${GROUP}:${GROUP}|${IPV4})`;

/** At most so many groups, or none at all, before `::`. */
const before = (most: number): string => `(?:(?:${GROUP}:){0,${most - 1}}${GROUP})?`;

/** RFC 3986 section 3.2.2, IPv6address: by how many groups follow `::`. */
const IPV6 = `(?:${[
  `(?:${GROUP}:){6}${TAIL}`,
  `::(?:${GROUP}:){5}${TAIL}`,
  ...[4, 3, 2, 1, 0].map((after) => `${before(5 - after)}::(?:${GROUP}:){${after}}${TAIL}`),
  `${before(6)}::${GROUP}`,
  `${before(7)}::`,
].join("|")})`;

// Up to three digits, with leading zeros, as the parser has them.
const LENGTH4 = "(?:0{0,2}[0-9]|0?[12][0-9]|0?3[0-2])";
const LENGTH6 = "(?:0{0,2}[0-9]|0?[1-9][0-9]|1[01][0-9]|12[0-8])";
const PORT = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
const HEX = "[0-9a-fA-F]";

const PROTOCOLS = ["tcp", "udp", "sctp", "dccp", "udplite"];
const inAnyCase = (word: string): string => word.replaceAll(/./g, (letter) => `[${letter}${letter.toUpperCase()}]`);

const DHCP_OPTIONS = "dhcp-client-identifier subnet-mask routers host-name user-class vendor-class-identifier".split(
  " ",
);

const whole = (...alternatives: readonly string[]): string => `^(?:${alternatives.join("|")})$`;

/** Built when asked for: only `bauta schema` needs them. */
export function patterns(): Patterns {
  return {
    "an IP address": whole(IPV4, IPV6),
    "an IP address, with a prefix length or without": whole(`${IPV4}(?:/${LENGTH4})?`, `${IPV6}(?:/${LENGTH6})?`),
    "a CIDR prefix": whole(`${IPV4}/${LENGTH4}`, `${IPV6}/${LENGTH6}`),
    "a MAC address": whole(`(?:${HEX}{2}:){5}${HEX}{2}`, `(?:${HEX}{2}-){5}${HEX}{2}`, `(?:${HEX}{4}\\.){2}${HEX}{4}`),
    'an interface name (15 bytes at most, no "/", ":", "%", control characters or white space)':
      "^(?!\\.{1,2}$)[^/:%\\s\\p{Cc}\\p{Cs}]{1,15}$",
    'a name of an interface (127 bytes at most, no "/" or white space)': "^[^/\\s\\p{Cc}\\p{Cs}]{1,127}$",
    'an IPv4 address, a range "first-last" or a prefix': whole(`${IPV4}(?:-${IPV4})?`, `${IPV4}/${LENGTH4}`),
    'an IPv6 address, a range "first-last" or a prefix': whole(`${IPV6}(?:-${IPV6})?`, `${IPV6}/${LENGTH6}`),
    'a port or a range "first-last" from 1 to 65535': whole(`0{0,4}${PORT}(?:-0{0,4}${PORT})?`),
    "one of tcp, udp, sctp, dccp, udplite": whole(...PROTOCOLS.map(inAnyCase)),
    "a chain name of at most 28 characters": "^(?![-!])(?!(?:forward|bridge-.*|segment-.*)$)[!#-\\[\\]-~]{1,28}$",
    "a zone's name": "^[A-Za-z0-9_/-]{1,128}$",
    'a DHCP option: "dhcp-client-identifier", "subnet-mask", "routers", "host-name", "user-class", "vendor-class-identifier" or a number from 1 to 254':
      whole(...DHCP_OPTIONS, "0{0,2}[1-9]", "0?[1-9][0-9]", "1[0-9]{2}", "2[0-4][0-9]", "25[0-4]"),
    "the name of a device on its bus, 0000:00:1f.6 say": "^[A-Za-z0-9_][A-Za-z0-9_.:-]*$",
    "a path": "^[^\\0]*$",
    "the path of a socket, of 107 bytes at most": "^[^\\0]{0,107}$",
    "an absolute path": "^/[^\\0]*$",
  };
}

/** The name of a network or a container: nameProblem() of the CNI environment. */
export const NAME_PATTERN = "^[a-zA-Z0-9][a-zA-Z0-9_.-]*$";
export const NAME_LENGTH = 255;
