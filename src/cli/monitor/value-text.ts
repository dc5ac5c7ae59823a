// Keys and data of elements as nft writes them. Which type they have is told by their set, and by nothing else.

import { type Data, verdictText } from "../../nftables/data.ts";
import { layoutOf, partsOf, TYPE } from "../../nftables/datatype.ts";
import { cstring, u16be, u32 } from "../../wire/codec.ts";
import { formatIp } from "../../wire/ip.ts";
import { formatMac } from "../../wire/mac.ts";

/** `198.18.0.5`, `"veth1" . 0a:58:0a:16:00:05`; hexadecimal where the type is not known. */
export function valueText(type: number | undefined, value: Data): string {
  if (!(value instanceof Uint8Array)) return verdictText(value);
  const types = type === undefined ? [] : partsOf(type);
  const texts: string[] = [];
  let at = 0;
  for (const one of types) {
    const length = layoutOf(one)?.length;
    if (length === undefined || at + length > value.length) return hexText(value);
    texts.push(partText(one, value.subarray(at, at + length)));
    at += length + (-length & 3); // in a concatenation each part is padded
  }
  return texts.length === 0 ? hexText(value) : texts.join(" . ");
}

function partText(type: number, bytes: Uint8Array): string {
  switch (type) {
    case TYPE.IPADDR:
    case TYPE.IP6ADDR:
      return formatIp(bytes);
    case TYPE.ETHERADDR:
      return formatMac(bytes);
    case TYPE.IFNAME:
      return `"${cstring.decode(bytes)}"`;
    case TYPE.INET_SERVICE:
      return String(u16be.decode(bytes));
    case TYPE.MARK:
      return `0x${u32.decode(bytes).toString(16).padStart(8, "0")}`;
    default:
      return bytes.length === 1 ? String(bytes[0]) : hexText(bytes);
  }
}

function hexText(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
