// Name servers and search lists of router advertisements: RFC 8106.

import type { Dns } from "../../cni/result.ts";
import { u8, u16be, u32be } from "../../wire/codec.ts";
import { formatIp } from "../../wire/ip.ts";
import { struct } from "../../wire/struct.ts";
import { searchDomains } from "../domain-search.ts";
import { addressesIn } from "./message.ts";
import { ND_OPT } from "./uapi.ts";

/** Sections 5.1 and 5.2: the addresses or the names come behind. */
const header = struct({ type: u8, length: u8, reserved: u16be, lifetime: u32be });

/** What an option says; nothing where it is another one, or says that its time is over. */
export function dnsOfOption(option: Uint8Array): Dns {
  if (option.length < header.size) return {};
  const { type, lifetime } = header.decode(option);
  const value = option.subarray(header.size);
  if (lifetime === 0) return {};
  if (type === ND_OPT.RDNSS) return { nameservers: addressesIn(value).map(formatIp) };
  return type === ND_OPT.DNSSL ? { search: searchDomains(withoutPadding(value)) } : {};
}

/** Behind the last name, which ends with a zero itself, there are zeros up to eight bytes. */
function withoutPadding(names: Uint8Array): Uint8Array {
  let end = names.length;
  while (end > 1 && names[end - 1] === 0 && names[end - 2] === 0) end--;
  return names.subarray(0, end);
}

/** A resolver asks three servers and looks in six domains; a router that names one after the other must not fill the memory. */
const MOST = 32;

/** Both together, each server and each domain once. */
export function joinDns(one: Dns, other: Dns): Dns {
  const join = (key: "nameservers" | "search" | "options"): readonly string[] | undefined => {
    const all = [...new Set([...(one[key] ?? []), ...(other[key] ?? [])])];
    return all.length > 0 ? all.slice(0, MOST) : undefined;
  };
  return {
    nameservers: join("nameservers"),
    domain: one.domain ?? other.domain,
    search: join("search"),
    options: join("options"),
  };
}
