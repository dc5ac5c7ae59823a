// Ethernet addresses: six bytes.

export type Mac = Uint8Array;

/** Reads `0a:58:0a:16:00:05`, also with dashes or as Cisco's dotted triplet. Returns undefined for anything else. */
export function parseMac(text: string): Mac | undefined {
  const isMac =
    /^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(text) ||
    /^([0-9a-fA-F]{2}-){5}[0-9a-fA-F]{2}$/.test(text) ||
    /^([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}$/.test(text);
  if (!isMac) return undefined;
  const digits = text.replace(/[:.-]/g, "");
  return Uint8Array.from({ length: 6 }, (_, i) => Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16));
}

/** `0a:58:0a:16:00:05`, in lower case. */
export function formatMac(mac: Mac): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
