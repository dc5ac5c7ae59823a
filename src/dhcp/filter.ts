// What the packet socket of a lease receives: the kernel drops the rest before the daemon wakes.

import { ETH_P, type FilterInstruction } from "../sys/packet-socket.ts";
import type { Ip } from "../wire/ip.ts";
import { IPPROTO_UDP, PORT } from "./uapi.ts";

// include/uapi/linux/bpf_common.h: what an instruction does, with which width, and from where.
const LDH_ABS = 0x28;
const LDW_ABS = 0x20;
const LDB_ABS = 0x30;
const LDH_IND = 0x48;
const LDX_HEADER_LENGTH = 0xb1; // 4 * (packet[k] & 0xf)
const JUMP_EQUAL = 0x15;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

// include/uapi/linux/filter.h: what else than the packet can be loaded.
const SKF_AD_OFF = -0x1000;
const SKF_AD_PROTOCOL = 0;
const SKF_AD_PKTTYPE = 4;
/** include/uapi/linux/if_packet.h */
const PACKET_OUTGOING = 4;

const IP_PROTOCOL_AT = 9;
const IP_FRAGMENT_AT = 6;
const IP_FRAGMENT_OFFSET = 0x1fff;
const UDP_DESTINATION_AT = 2;
const ARP_SENDER_IP_AT = 14;
const WHOLE = 0x40000;
/** An address that no host has. */
const NOBODY: Ip = Uint8Array.of(255, 255, 255, 255);

/**
 * The first fragments of UDP to port 68, and ARP by which somebody says that the probed address is theirs; nothing that this
 * node sends. The ARP of a network is more than all else on it that a client may see. Offsets are those behind the link's header.
 */
export function filterFor(probed: Ip = NOBODY): readonly FilterInstruction[] {
  return [
    [LDH_ABS, 0, 0, SKF_AD_OFF + SKF_AD_PKTTYPE],
    [JUMP_EQUAL, 13, 0, PACKET_OUTGOING],
    [LDH_ABS, 0, 0, SKF_AD_OFF + SKF_AD_PROTOCOL],
    [JUMP_EQUAL, 8, 0, ETH_P.ARP],
    [JUMP_EQUAL, 0, 10, ETH_P.IP],
    [LDB_ABS, 0, 0, IP_PROTOCOL_AT],
    [JUMP_EQUAL, 0, 8, IPPROTO_UDP],
    [LDH_ABS, 0, 0, IP_FRAGMENT_AT],
    [JUMP_ANY_BIT, 6, 0, IP_FRAGMENT_OFFSET],
    [LDX_HEADER_LENGTH, 0, 0, 0],
    [LDH_IND, 0, 0, UDP_DESTINATION_AT],
    [JUMP_EQUAL, 2, 3, PORT.CLIENT],
    [LDW_ABS, 0, 0, ARP_SENDER_IP_AT],
    [JUMP_EQUAL, 0, 1, new DataView(probed.buffer, probed.byteOffset, 4).getUint32(0, false)],
    [RETURN, 0, 0, WHOLE],
    [RETURN, 0, 0, 0],
  ];
}
