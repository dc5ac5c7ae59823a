// The first packets of an SCTP association (RFC 9260), by raw sockets: no kernel module for SCTP has to be there.

/** A chunk that begins an association, or answers one that does. */
export interface Init {
  readonly type: "INIT" | "INIT ACK";
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** 0 in an INIT; in the answer the tag that the INIT brought. */
  readonly verificationTag: number;
  readonly initiateTag: number;
}

const TYPES = { INIT: 1, "INIT ACK": 2 } as const;

export const IPPROTO_SCTP = 132;

/** The packet: a common header and the one chunk. */
export function writeInit({ type, sourcePort, destinationPort, verificationTag, initiateTag }: Init): Uint8Array {
  const packet = new Uint8Array(32);
  const view = new DataView(packet.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint32(4, verificationTag);
  view.setUint8(12, TYPES[type]);
  view.setUint16(14, 20); // the chunk's length
  view.setUint32(16, initiateTag);
  view.setUint32(20, 65536); // advertised receiver window credit
  view.setUint16(24, 1); // outbound streams
  view.setUint16(26, 1); // inbound streams
  view.setUint32(28, 1); // initial TSN
  view.setUint32(8, crc32c(packet), true);
  return packet;
}

/** Reads such a packet, behind the IP header where there is one; undefined for anything else, or a wrong checksum. */
export function readInit(bytes: Uint8Array, hasIpHeader: boolean): Init | undefined {
  const packet = bytes.slice(hasIpHeader ? ((bytes[0] ?? 0) & 0xf) * 4 : 0);
  if (packet.length < 32) return undefined;
  const view = new DataView(packet.buffer);
  const checksum = view.getUint32(8, true);
  view.setUint32(8, 0);
  const type = (["INIT", "INIT ACK"] as const).find((one) => TYPES[one] === packet[12]);
  if (type === undefined || crc32c(packet) !== checksum) return undefined;
  return {
    type,
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    verificationTag: view.getUint32(4),
    initiateTag: view.getUint32(16),
  };
}

/** RFC 9260, appendix A: the polynomial of Castagnoli, reflected. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0x82f63b78);
  }
  return ~crc >>> 0;
}
