// Captures of the messages that other programs send to the kernel, and of its answers: test/golden/*/*.hex.

import { readFileSync } from "node:fs";
import { type Message, readMessages } from "../../src/netlink/message.ts";

export interface Golden {
  /** The command that sent the messages. */
  readonly command: string;
  readonly requests: readonly Message[];
  readonly replies: readonly Message[];
}

/** Reads a capture by its name under test/golden, without `.hex`. */
export function readGolden(name: string): Golden {
  const text = readFileSync(new URL(`../golden/${name}.hex`, import.meta.url), "utf8");
  const [head = "", ...sections] = text.split(/^(?=[<>] )/m);
  const messagesOf = (mark: string): Message[] =>
    sections
      .filter((section) => section.startsWith(mark))
      .flatMap((section) => readMessages(withoutRest(bytesOf(section))));
  return {
    command: head.slice(2, head.indexOf("\n")),
    requests: messagesOf("> request"),
    replies: messagesOf("< reply"),
  };
}

function bytesOf(section: string): Uint8Array {
  const rows = section.split("\n").filter((line) => /^[0-9a-f]{2}( |$)/.test(line));
  return Uint8Array.from(rows.join(" ").trim().split(/\s+/), (digits) => Number.parseInt(digits, 16));
}

/** For some dumps ip(8) sends its whole buffer. Zeros follow the last message; the kernel does not read them. */
function withoutRest(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer);
  let end = 0;
  while (end + 16 <= bytes.length && view.getUint32(end, true) !== 0) end += (view.getUint32(end, true) + 3) & ~3;
  return bytes.subarray(0, end);
}
