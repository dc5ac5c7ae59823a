// The kinds of text that network configurations are full of, for schemas.

import { engine } from "../sys/engine.ts";
import { ALTIFNAMSIZ } from "../wire/ifname.ts";
import { type Cidr, type Ip, parseCidr, parseIp } from "../wire/ip.ts";
import { type Mac, parseMac } from "../wire/mac.ts";
import { interfaceNameProblem } from "./environment.ts";
import { emptyIsAbsent, type Schema, text } from "./schema.ts";

/** `10.22.0.5/16`: an address and the length of its prefix. */
export function cidr(about = ""): Schema<Cidr> {
  return text("a CIDR prefix", parseCidr, about);
}

/** An IPv4 or IPv6 address; "" counts as absent. */
export function ip(about = ""): Schema<Ip> {
  return emptyIsAbsent(text("an IP address", parseIp, about));
}

/** An Ethernet address; "" counts as absent. */
export function mac(about = ""): Schema<Mac> {
  return emptyIsAbsent(text("a MAC address", parseMac, about));
}

/** A name that the kernel would take for an interface. */
export function interfaceName(about = ""): Schema<string> {
  const parse = (name: string): string | undefined => (interfaceNameProblem(name) === undefined ? name : undefined);
  return text(
    'an interface name (15 bytes at most, no "/", ":", "%", control characters or white space)',
    parse,
    about,
  );
}

/** A name by which the kernel may know an interface, its own or an alternative one. */
export function linkReference(about = ""): Schema<string> {
  const parse = (name: string): string | undefined => {
    const isName = name !== "" && !/[/\s\p{Cc}\p{Cs}\ufffd]/u.test(name);
    return isName && engine.encode(name).length < ALTIFNAMSIZ ? name : undefined;
  };
  return text('a name of an interface (127 bytes at most, no "/" or white space)', parse, about);
}

/** The path of a file or directory; "" counts as absent. */
export function path(about = ""): Schema<string> {
  const parse = (given: string): string | undefined => (given.includes("\0") ? undefined : given);
  return emptyIsAbsent(text("a path", parse, about));
}
