// Bytes as rows of four, the way `nft --debug=mnl` prints messages, for traces and for tests that fail.

/** `0000  14 00 00 00  ....`, a row for each four bytes. */
export function hexdump(bytes: Uint8Array): string {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 4) {
    const row = Array.from(bytes.subarray(at, at + 4));
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    rows.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(11)}  ${text}`);
  }
  return rows.join("\n");
}
