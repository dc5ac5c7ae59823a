// Whether somebody has an address already: ARP probes (RFC 5227 section 2.1).

import { ETH_P } from "../sys/packet-socket.ts";
import { encode, u8, u16be } from "../wire/codec.ts";
import type { Ip } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import { struct } from "../wire/struct.ts";
import { octets } from "./octets.ts";
import { ARP } from "./uapi.ts";

const packet = struct({
  hardwareType: u16be,
  protocolType: u16be,
  hardwareLength: u8,
  protocolLength: u8,
  operation: u16be,
  senderMac: octets(6),
  senderIp: octets(4),
  targetMac: octets(6),
  targetIp: octets(4),
});

const ETHERNET_IP = {
  hardwareType: ARP.ETHERNET,
  protocolType: ETH_P.IP,
  hardwareLength: 6,
  protocolLength: 4,
} as const;

/** A question who has the address, which tells nobody that the asker has it. */
export function encodeProbe(mac: Mac, ip: Ip): Uint8Array {
  const unknown = { senderIp: new Uint8Array(4), targetMac: new Uint8Array(6) };
  return encode(packet, { ...ETHERNET_IP, operation: ARP.REQUEST, senderMac: mac, targetIp: ip, ...unknown });
}

/** Who says of which address that it is theirs; undefined for anything else. */
export function decodeClaim(bytes: Uint8Array): { readonly mac: Mac; readonly ip: Ip } | undefined {
  if (bytes.length < packet.size) return undefined;
  const { hardwareType, protocolType, hardwareLength, protocolLength, operation, senderMac, senderIp } =
    packet.decode(bytes);
  const isEthernetIp =
    hardwareType === ARP.ETHERNET && protocolType === ETH_P.IP && hardwareLength === 6 && protocolLength === 4;
  const isClaim = operation === ARP.REPLY || operation === ARP.REQUEST;
  return isEthernetIp && isClaim && senderIp.some((byte) => byte !== 0) ? { mac: senderMac, ip: senderIp } : undefined;
}
