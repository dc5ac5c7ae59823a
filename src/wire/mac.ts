// Ethernet addresses: six bytes.

export type Mac = Uint8Array;

/** Reads `0a:58:0a:16:00:05`, also with dashes or as Cisco's dotted triplet. Returns undefined for anything else. */
export function parseMac(text: string): Mac | undefined {
  const found = parseHardwareAddress(text);
  return found?.length === MAC_SIZE ? found : undefined;
}

/** `0a:58:0a:16:00:05`, in lower case. */
export function formatMac(mac: Mac): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

const MAC_SIZE = 6;

/** Sizes of the addresses of links: Ethernet, EUI-64 (IEEE 1394), IP over InfiniBand. */
const SIZES: readonly number[] = [MAC_SIZE, 8, 20];

/**
 * Reads the address of any link in the forms that Go's net.ParseMAC has: bytes between colons or dashes, pairs of bytes between
 * dots. Returns undefined for anything else.
 */
export function parseHardwareAddress(text: string): Mac | undefined {
  const separator = text[2] === ":" || text[2] === "-" ? text[2] : ".";
  const digits = separator === "." ? 4 : 2;
  const parts = text.split(separator);
  const isMade = parts.every((part) => part.length === digits && /^[0-9a-fA-F]+$/.test(part));
  if (!isMade || !SIZES.includes((parts.length * digits) / 2)) return undefined;
  const joined = parts.join("");
  return Uint8Array.from({ length: joined.length / 2 }, (_, i) => Number.parseInt(joined.slice(i * 2, i * 2 + 2), 16));
}
