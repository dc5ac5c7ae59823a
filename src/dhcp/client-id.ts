// What a client tells itself from others by: option 61.

import type { Attachment } from "../cni/attachment.ts";
import { sha512, sha512Hex } from "../hash/sha512.ts";
import { engine } from "../sys/engine.ts";
import { encode, u32be } from "../wire/codec.ts";
import type { Mac } from "../wire/mac.ts";
import type { DhcpConfig } from "./config.ts";
import type { Identity } from "./ipv6/requests.ts";
import { ARP } from "./uapi.ts";

/** What fits into the option behind the byte for the type. */
const TEXT_MAX = 254;
const DIGITS = 64;
/** RFC 4361 section 6.1. */
const TYPE_DUID = 255;
/** RFC 6355: a DUID that is a UUID. */
const DUID_UUID = 4;
const IAID_SIZE = 4;
const UUID_SIZE = 16;

/** The name of a client, as upstream has it: also in what the daemon logs. */
export function clientName({ containerId, network, ifname }: Attachment): string {
  return `${containerId}/${network}/${ifname}`;
}

/** Who an attachment is to DHCPv6 servers: what "duid" makes of it for those of IPv4. */
export function identityOf({ containerId, network, ifname }: Attachment): Identity {
  const uuid = sha512(JSON.stringify(["bauta", containerId, network]), UUID_SIZE);
  const iaid = sha512(ifname, IAID_SIZE);
  const duid = Uint8Array.of(DUID_UUID >> 8, DUID_UUID & 0xff, ...uuid);
  return { duid, iaid: new DataView(iaid.buffer, iaid.byteOffset).getUint32(0, false) };
}

/** The client identifier of an attachment whose interface has this MAC address. */
export function clientIdOf(attachment: Attachment, mac: Mac, kind: DhcpConfig["clientId"]): Uint8Array {
  if (kind === "mac") return Uint8Array.of(ARP.ETHERNET, ...mac);
  if (kind === "attachment") return Uint8Array.of(0, ...textOf(clientName(attachment)));
  const { duid, iaid } = identityOf(attachment);
  return Uint8Array.of(TYPE_DUID, ...encode(u32be, iaid), ...duid);
}

/** As upstream has it. What is too long keeps its beginning; upstream cuts it off, and two containers can have one text then. */
function textOf(text: string): Uint8Array {
  const bytes = engine.encode(text);
  if (bytes.length <= TEXT_MAX) return bytes;
  const short = new Uint8Array(TEXT_MAX);
  short.set(bytes.subarray(0, TEXT_MAX - DIGITS));
  short.set(engine.encode(sha512Hex(text, DIGITS)), TEXT_MAX - DIGITS);
  return short;
}
