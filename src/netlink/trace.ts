// BAUTA_TRACE=netlink prints every datagram on standard error, in rows of four bytes like `nft --debug=mnl`.

import { engine } from "../sys/engine.ts";
import { logLine } from "../sys/process.ts";
import { hexdump } from "../wire/hexdump.ts";

/** `direction` is ">" for what is sent and "<" for what comes back. */
export function traceDatagram(direction: "<" | ">", datagram: Uint8Array): void {
  if (engine.getenv("BAUTA_TRACE") !== "netlink") return;
  logLine(`${direction} ${datagram.length} bytes`);
  for (const row of hexdump(datagram).split("\n")) logLine(row);
}
