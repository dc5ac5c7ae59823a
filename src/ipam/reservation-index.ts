// An index of a directory of reservations, in a file beside them: who holds which addresses, and which are free. The files
// are the truth. The index is a shortcut that holds for exactly one state of the directory, and nobody but bauta knows it:
// after each change it gives the directory a time of modification that the kernel doesn't give (the seal) and notes it.
// Whatever anybody adds or removes afterwards changes that time, as does a bauta that is killed half-way, and the index no
// longer counts. The boot id is in the seal too, for after a power failure the time may be on disk and the index not.
// What is read of it carries check sums: where it has been damaged, it throws DamagedTableError instead of an answer.

import { ownerKey } from "../hash/quick.ts";
import { engine } from "../sys/engine.ts";
import { hasCode, SyscallError } from "../sys/error.ts";
import { close, O, open, readAt, writeAt } from "../sys/fd.ts";
import { readStart, remove, setModified, stat } from "../sys/file.ts";
import { openRegular } from "../sys/regular-file.ts";
import { compareIp, type Ip } from "../wire/ip.ts";
import { isOld } from "./reservation.ts";
import { PAGE_WORDS, SlotTable } from "./slot-table.ts";
import { TakenAddresses } from "./taken.ts";

/** The index's name: hidden, and no address. */
export const INDEX_NAME = ".bauta.index";

const FORMAT = "bauta: index of the addresses in this directory, safe to remove; format 2";
const HEADER_SIZE = 4096;
/** The header is text, a few lines of it, then NULs. */
const HEADER_READ = 512;
const PAGE_SIZE = PAGE_WORDS * 4;

/** A table is made this much larger than what it is made for, and counts as too large with so many slots an address. */
const ROOM = 3;
const SPARE_SLOTS = 256;
const TOO_LARGE = 50;

/** An index this small is not worth its file: reading the reservations is as quick. */
const SMALLEST_SAVED = 16;
const SMALLEST_KEPT = 8;

const COUNTS = /^slots (\d+) used (\d+) addresses (\d+) old (\d+) built (\d+)$/;

/** What the header of a saved index says. */
interface Header {
  readonly bootId: string;
  readonly slots: number;
  readonly used: number;
  readonly addresses: number;
  readonly old: number;
  /** When the index was made from the files, in nanoseconds since 1970 by the file system's clock. */
  readonly builtNs: bigint;
}

export class ReservationIndex {
  readonly #directory: string;
  readonly #table: SlotTable;
  readonly #taken: TakenAddresses;
  /** The file the table lies in; undefined while it is in memory only. */
  readonly #fd: number | undefined;
  #addresses: number;
  /** How many of them have a record of an old version: mostly none, which saves looking for those. */
  #old: number;
  readonly #builtNs: bigint | undefined;
  readonly #bootId: string | undefined;
  /** Whether the table had no room for something, and is wrong since. */
  #isIncomplete = false;
  #isChanged: boolean;

  /** Whether there is a file of the index's name. */
  readonly #hasFile: boolean;

  private constructor(
    directory: string,
    table: SlotTable,
    hasFile: boolean,
    saved: { fd: number; header: Header } | undefined,
  ) {
    this.#directory = directory;
    this.#table = table;
    this.#taken = new TakenAddresses(table);
    this.#hasFile = hasFile;
    this.#fd = saved?.fd;
    this.#addresses = saved?.header.addresses ?? 0;
    this.#old = saved?.header.old ?? 0;
    this.#builtNs = saved?.header.builtNs;
    this.#bootId = saved?.header.bootId;
    this.#isChanged = saved === undefined;
  }

  /** The index that lies in the directory, if it holds for the directory as it is now. The caller has the lock. */
  static load(directory: string): ReservationIndex | undefined {
    const path = `${directory}/${INDEX_NAME}`;
    const fd = tryOpen(path);
    if (fd === undefined) return undefined;
    try {
      const header = readHeader(fd, directory);
      if (header !== undefined) {
        const readPage = (page: number, bytes: Uint8Array): void => {
          readAt(fd, path, bytes, HEADER_SIZE + page * PAGE_SIZE);
        };
        const table = new SlotTable(header.slots, header.used, readPage);
        return new ReservationIndex(directory, table, true, { fd, header });
      }
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
    close(fd);
    return undefined;
  }

  /**
   * An index with room for so many addresses, to be filled from the files themselves; `hasFile` says that one lies in the
   * directory, which then doesn't count.
   */
  static empty(directory: string, room: number, hasFile: boolean): ReservationIndex {
    return new ReservationIndex(directory, new SlotTable(room * ROOM + SPARE_SLOTS), hasFile, undefined);
  }

  /** How many addresses are taken. */
  get addresses(): number {
    return this.#addresses;
  }

  /** Whether it was made from the files by this process, and not read from a file. */
  get isFresh(): boolean {
    return this.#fd === undefined;
  }

  /** For how long the index has been trusted without a look at the files, in nanoseconds; negative after a clock was set back. */
  ageNs(): bigint {
    return this.#builtNs === undefined ? 0n : stat(this.#directory).mtimeNs - this.#builtNs;
  }

  /** The addresses that the record holds. A hash stands for it: look into the files before acting on the answer. */
  addressesOf(record: string): Ip[] {
    if (this.#old === 0 && isOld(record)) return [];
    const key = ownerKey(record);
    const found: Ip[] = [];
    for (let slot = this.#table.find(key); slot >= 0; slot = this.#table.find(key, slot)) found.push(this.#ip(slot));
    return found;
  }

  /** The first address from `from` on that isn't taken. */
  nextFree(from: Ip): Ip | undefined {
    return this.#taken.nextFree(from);
  }

  isTaken(ip: Ip): boolean {
    return this.#taken.has(ip);
  }

  add(ip: Ip, record: string): void {
    this.#isChanged = true;
    this.#addresses++;
    if (isOld(record)) this.#old++;
    const slot = this.#table.insert(ownerKey(record));
    if (slot < 0 || !this.#taken.add(ip)) {
      this.#isIncomplete = true;
      return;
    }
    this.#table.touch(slot);
    const bytes = this.#table.bytes(slot);
    const at = this.#table.valueAt(slot) * 4;
    bytes[at] = ip.length;
    bytes.set(ip, at + 4);
  }

  /** An address that can't be taken, and that nobody holds. */
  block(ip: Ip): void {
    this.#isChanged = true;
    this.#addresses++;
    if (!this.#taken.add(ip)) this.#isIncomplete = true;
  }

  delete(ip: Ip, record: string): void {
    const key = ownerKey(record);
    for (let slot = this.#table.find(key); slot >= 0; slot = this.#table.find(key, slot)) {
      if (compareIp(this.#ip(slot), ip) !== 0) continue;
      this.#isChanged = true;
      this.#addresses--;
      if (isOld(record)) this.#old--;
      this.#table.remove(slot);
      this.#taken.delete(ip);
      return;
    }
  }

  #ip(slot: number): Ip {
    const bytes = this.#table.bytes(slot);
    const at = this.#table.valueAt(slot) * 4;
    return bytes.slice(at + 4, at + 4 + (bytes[at] ?? 0));
  }

  /**
   * Writes what has changed, and the seal, and lets go of the file. Never throws SyscallError: without a seal, on a full
   * disk say, the index merely counts for nothing.
   */
  save(): void {
    const { slots, used } = this.#table;
    const isUnfit = this.#isIncomplete || used * 4 > slots * 3 || slots > this.#addresses * TOO_LARGE + SPARE_SLOTS * 4;
    const isSmall = this.#addresses < (this.#fd === undefined ? SMALLEST_SAVED : SMALLEST_KEPT);
    try {
      if (isUnfit || isSmall) this.#remove();
      else if (this.#isChanged) this.#write();
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    } finally {
      this.discard();
    }
  }

  /** Lets go of the file without writing. */
  discard(): void {
    if (this.#fd !== undefined) close(this.#fd);
  }

  #remove(): void {
    if (this.#hasFile) remove(`${this.#directory}/${INDEX_NAME}`);
  }

  #write(): void {
    const path = `${this.#directory}/${INDEX_NAME}`;
    if (this.#fd !== undefined) {
      this.#writeTo(this.#fd, path);
      return;
    }
    this.#remove();
    const fd = open(path, O.RDWR | O.CREAT | O.EXCL, 0o600);
    try {
      this.#writeTo(fd, path);
    } catch (error) {
      remove(path);
      throw error;
    } finally {
      close(fd);
    }
  }

  #writeTo(fd: number, path: string): void {
    const { slots, used } = this.#table;
    for (const [at, words] of this.#table.changes()) {
      writeAt(fd, path, new Uint8Array(words.buffer), HEADER_SIZE + at * 4);
    }
    const { device, inode, mtimeNs } = stat(this.#directory);
    // One less than what the kernel gave for the last change: it never goes back, so it won't give this one.
    const sealNs = mtimeNs - 1n;
    const builtNs = this.#builtNs ?? mtimeNs;
    const counts = `slots ${slots} used ${used} addresses ${this.#addresses} old ${this.#old} built ${builtNs}\n`;
    const header = new Uint8Array(HEADER_READ);
    header.set(engine.encode(`${sealText(this.#bootId ?? readBootId(), device, inode, sealNs)}${counts}${counts}`));
    writeAt(fd, path, header, 0);
    setModified(this.#directory, sealNs);
  }
}

/** Undefined where there is none, or none that can be used. */
function tryOpen(path: string): number | undefined {
  try {
    return openRegular(path, O.RDWR);
  } catch (error) {
    if (hasCode(error, "EMFILE", "ENFILE")) throw error;
    return undefined;
  }
}

function readHeader(fd: number, directory: string): Header | undefined {
  const bytes = new Uint8Array(HEADER_READ);
  readAt(fd, INDEX_NAME, bytes, 0);
  const text = engine.decode(bytes);
  const { device, inode, mtimeNs } = stat(directory);
  const bootId = readBootId();
  const seal = sealText(bootId, device, inode, mtimeNs);
  if (!text.startsWith(seal)) return undefined;
  // The counts come twice, as a check.
  const [counts = "", again] = text.slice(seal.length).split("\n", 2);
  const numbers = COUNTS.exec(counts);
  if (numbers === null || counts !== again) return undefined;
  const [, slots, used, addresses, old, built] = numbers;
  return {
    bootId,
    slots: Number(slots),
    used: Number(used),
    addresses: Number(addresses),
    old: Number(old),
    builtNs: BigInt(built ?? 0),
  };
}

function readBootId(): string {
  return engine.decode(readStart("/proc/sys/kernel/random/boot_id", new Uint8Array(64))).trim();
}

function sealText(bootId: string, device: string, inode: bigint, sealNs: bigint): string {
  return `${FORMAT}\nboot ${bootId}\ndirectory ${device} ${inode}\nseal ${sealNs}\n`;
}
