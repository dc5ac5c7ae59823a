// The nat table of iptables-legacy. Whether a chain is in it the kernel tells without a program of iptables'; only to
// change it takes one, because the table is replaced as a whole.

import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { readText } from "../sys/file.ts";
import { AF, getOption, openSocket, SOCK } from "../sys/socket.ts";
import type { Family } from "../wire/ip.ts";
import { undisturbed } from "./again.ts";
import { jumpsIn, type NatListing, POSTROUTING, readListing } from "./listing.ts";
import type { NatTable, OwnChains } from "./nat-table.ts";
import { findProgram, plainForm, restoreNat, saveNat, type TableName } from "./program.ts";
import { lineOf } from "./rule.ts";

/** How often the table is read again because it changed in between. */
const READINGS = 16;

/** The family's table, with these chains in view; undefined where there is none. Throws SyscallError. */
export function legacyNatTable(family: Family, own: OwnChains): NatTable | undefined {
  if (!hasLegacyTable("nat", family)) return undefined;
  const list = (): NatListing => readListing(saveNat(family, "legacy"));
  const mayHaveChains = (): boolean => includes(legacyTableBytes("nat", family), engine.encode(own.prefix));
  return {
    family,
    list,
    jumps: () => [...jumpsIn(list(), own).keys()],
    hasChain: (chain) => includes(legacyTableBytes("nat", family), engine.encode(`${chain}\0`)),
    mayHaveChains,
    mayHaveJumps: mayHaveChains,
    remove(choose) {
      const attempt = (): void => {
        const listing = list();
        const rules = jumpsIn(listing, own);
        const { jumps, chains } = choose([...rules.keys()]);
        const lines = [
          ...jumps.map((jump) => lineOf(["-D", own.from ?? POSTROUTING, ...(rules.get(jump) ?? [])])),
          ...chains.filter((chain) => listing.has(chain)).flatMap((chain) => [`-F ${chain}`, `-X ${chain}`]),
        ];
        if (lines.length > 0) restoreNat(family, lines, "legacy");
      };
      undisturbed(attempt, () => findProgram(family, "restore", "legacy") !== undefined);
    },
  };
}

/**
 * The kernel makes a table when somebody first asks for it, so before that nobody should. In the user namespace of an ordinary
 * user the kernel shows these names to nobody, because /proc/net belongs to a user that the namespace does not have. There
 * the table is asked for where iptables is iptables-legacy: then it is there, or the next call of iptables makes it.
 */
export function hasLegacyTable(table: TableName, family: Family): boolean {
  try {
    const names = readText(`/proc/thread-self/net/${family === 4 ? "ip" : "ip6"}_tables_names`);
    return names.split("\n").includes(table);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false; // the module isn't loaded
    if (hasCode(error, "EACCES")) return plainForm(family) === "legacy" && canBeRead(table, family);
    throw error;
  }
}

function canBeRead(table: TableName, family: Family): boolean {
  try {
    legacyTableBytes(table, family);
    return true;
  } catch (error) {
    // net/ipv4/netfilter/ip_tables.c: no such table can be made, or there is no such module.
    if (hasCode(error, "ENOENT", "ENOPROTOOPT")) return false;
    throw error;
  }
}

const IPPROTO_RAW = 255;
// include/uapi/linux/in.h, in6.h and netfilter_ipv4/ip_tables.h: IPT_SO_GET_… and IP6T_SO_GET_… are the same.
const DOMAINS = { 4: { family: AF.INET, level: 0 }, 6: { family: AF.INET6, level: 41 } } as const;
const IPT_SO_GET = { INFO: 64, ENTRIES: 65 } as const;

/** struct ipt_getinfo { char name[32]; u32 valid_hooks, hook_entry[5], underflow[5], num_entries, size; } */
const INFO_SIZE = 84;
/** struct ipt_get_entries { char name[32]; u32 size; entries, aligned to 8 bytes } */
const ENTRIES_OFFSET = 40;

/** The table as the kernel has it: chains stand in it by their names (struct xt_error_target). Throws SyscallError. */
export function legacyTableBytes(table: TableName, family: Family): Uint8Array {
  const domain = DOMAINS[family];
  const kind = { family: domain.family, type: SOCK.RAW, protocol: IPPROTO_RAW };
  const fd = openSocket("open a raw socket", kind);
  try {
    for (let attempt = 1; ; attempt++) {
      const info = new Uint8Array(INFO_SIZE);
      info.set(engine.encode(table));
      ask(table, fd, domain.level, IPT_SO_GET.INFO, info);
      const size = new DataView(info.buffer).getUint32(INFO_SIZE - 4, true);
      const entries = new Uint8Array(ENTRIES_OFFSET + size);
      entries.set(engine.encode(table));
      new DataView(entries.buffer).setUint32(32, size, true);
      const isWhole = ask(table, fd, domain.level, IPT_SO_GET.ENTRIES, entries);
      if (isWhole || attempt === READINGS) return entries.subarray(ENTRIES_OFFSET);
    }
  } finally {
    close(fd);
  }
}

/** Returns false where the table has another size by now. */
function ask(table: TableName, fd: number, level: number, option: number, buffer: Uint8Array): boolean {
  try {
    getOption(`read the ${table} table of iptables-legacy`, fd, level, option, buffer);
    return true;
  } catch (error) {
    if (hasCode(error, "EAGAIN")) return false;
    throw error;
  }
}

/** Whether the bytes are somewhere among the others. */
export function includes(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const [first = 0] = wanted;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}
