// The addresses of one network on disk: DATADIR/NETWORK, as containernetworking/plugins' host-local keeps them, under its
// lock, so that both can work on one directory at the same time. A file for each address (reservation.ts), for each range
// set `last_reserved_ip.N`, and `lock`. What else lies there, and is no regular file, is left alone and never waited for;
// an address that it stands for can't be given out. After the last DEL directory, `lock` and `last_reserved_ip.N` stay, as upstream's
// do: a lock file that is removed is no lock (someone may be waiting for it while the next one makes a new one).

import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { makeDirectories, readDirectory } from "../sys/file.ts";
import { openLocked } from "../sys/flock.ts";
import { OddEntryError } from "../sys/regular-file.ts";
import { SmallFile } from "../sys/small-file.ts";
import { formatIp, type Ip, parseIp } from "../wire/ip.ts";
import {
  addressOf,
  createReservation,
  eachReservation,
  readReservation,
  recordOf,
  removeReservation,
} from "./reservation.ts";
import { INDEX_NAME, ReservationIndex } from "./reservation-index.ts";
import { DamagedTableError } from "./slot-table.ts";

const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o600;

/** For so long an index may be believed that says there is no address left, in nanoseconds. */
const TRUST_NS = 60_000_000_000n;

/** What names an attachment within a network. */
export interface Holder {
  readonly containerId: string;
  readonly ifname: string;
}

/** Takes a line for people: see Invocation. */
export type Log = (line: string) => void;

/**
 * Runs `use` on the network's store, which is made where there is none, holding its lock. Entries of the directory that
 * stand for an address and can't be reservations are told to `log`, in one line. Throws SyscallError.
 */
export function withStore<T>(directory: string, use: (store: Store) => T, log: Log = NOWHERE): T {
  const path = `${directory}/lock`;
  let fd: number;
  try {
    fd = openLocked(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    makeDirectories(directory, DIRECTORY_MODE);
    fd = openLocked(path);
  }
  return useLocked(directory, fd, use, log);
}

const NOWHERE: Log = () => {};

/** As withStore, but makes nothing where there is no store; undefined then. */
export function withExistingStore<T>(directory: string, use: (store: Store) => T, log: Log = NOWHERE): T | undefined {
  let fd: number;
  try {
    fd = openLocked(`${directory}/lock`);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    // Where not even a lock could be made, an ADD has come no further, either.
    if (hasCode(error, "ENOSPC", "EDQUOT", "EROFS") && !holdsAny(directory)) return undefined;
    throw error;
  }
  return useLocked(directory, fd, use, log);
}

function holdsAny(directory: string): boolean {
  return readDirectory(directory).some((name) => addressOf(name) !== undefined);
}

function useLocked<T>(directory: string, fd: number, use: (store: Store) => T, log: Log): T {
  const store = new Store(directory);
  try {
    return use(store);
  } finally {
    try {
      store.save();
    } finally {
      close(fd);
    }
    const odd = store.oddEntries;
    if (odd.length > 0) log(`${directory}: ${told(odd)}: passed over`);
  }
}

/** So many odd entries are told one by one. */
const TOLD = 5;

function told(odd: readonly OddEntryError[]): string {
  const some = odd.slice(0, TOLD).map(({ path, reason }) => `${path.slice(path.lastIndexOf("/") + 1)} is ${reason}`);
  return some.join(", ") + (odd.length > TOLD ? ` and ${odd.length - TOLD} more` : "");
}

export class Store {
  readonly #directory: string;
  #index: ReservationIndex | undefined;
  /** The files of `lastReserved` that are open, by set. */
  readonly #lastReserved: Map<number, SmallFile> = new Map();
  /** What lies in the directory and can't be what its name says, by path. */
  readonly #odd: Map<string, OddEntryError> = new Map();

  /** For the holder of the lock: see withStore. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The entries that have been passed over so far, because they can't be what their names say. */
  get oddEntries(): OddEntryError[] {
    return [...this.#odd.values()];
  }

  /** The addresses of an attachment. Those that an old version noted for the container, without interface, count too. */
  addressesOf({ containerId, ifname }: Holder): Ip[] {
    return this.#held(recordOf(containerId, ifname)).concat(this.#held(containerId));
  }

  /** Takes an address; false where someone has it. */
  reserve(ip: Ip, { containerId, ifname }: Holder): boolean {
    this.#open();
    const record = recordOf(containerId, ifname);
    if (createReservation(this.#directory, ip, record)) {
      this.#note((index) => index.add(ip, record));
      return true;
    }
    if (!this.#ask((index) => index.isTaken(ip))) this.refresh();
    return false;
  }

  /** Gives back one address of an attachment. */
  release(ip: Ip, { containerId, ifname }: Holder): void {
    this.#open();
    removeReservation(this.#directory, ip);
    this.#note((index) => index.delete(ip, recordOf(containerId, ifname)));
  }

  /**
   * Gives back all addresses of an attachment; where it has none, those noted for its container without an interface, as
   * upstream does. Returns how many there were.
   */
  releaseAll({ containerId, ifname }: Holder): number {
    return this.#releaseRecord(recordOf(containerId, ifname)) || this.#releaseRecord(containerId);
  }

  #releaseRecord(record: string): number {
    const held = this.#held(record);
    for (const ip of held) {
      removeReservation(this.#directory, ip);
      this.#note((index) => index.delete(ip, record));
    }
    return held.length;
  }

  /** Gives back every address but those of these attachments, and removes files without content. Returns how many. */
  keepOnly(holders: readonly Holder[]): number {
    const valid = new Set<string>();
    for (const { containerId, ifname } of holders) valid.add(recordOf(containerId, ifname)).add(containerId);
    let released = 0;
    const index = this.#build((ip, record) => {
      if (record !== undefined && valid.has(record)) return true;
      if (removeReservation(this.#directory, ip)) released++;
      return false;
    });
    if (released > 0) this.#use(index);
    return released;
  }

  /** The first address from `from` on that nobody has, as far as the index knows. */
  nextFree(from: Ip): Ip | undefined {
    return this.#ask((index) => index.nextFree(from));
  }

  /** An upper bound of how many addresses are taken, without a look into the files. */
  countAtMost(): number {
    this.#index ??= ReservationIndex.load(this.#directory);
    if (this.#index !== undefined) return this.#index.addresses;
    return readDirectory(this.#directory).filter((name) => addressOf(name) !== undefined).length;
  }

  /** The address that was given out last in the range set of this number. */
  lastReserved(set: number): Ip | undefined {
    const file = this.#passingOver(() => SmallFile.open(this.#lastReservedPath(set)));
    if (file === undefined) return undefined;
    this.#lastReserved.set(set, file);
    return parseIp(engine.decode(file.content));
  }

  /** Notes the address given out last. A hint only: where it is lost, addresses come round again sooner. */
  setLastReserved(set: number, ip: Ip): void {
    const create = (): SmallFile => SmallFile.create(this.#lastReservedPath(set), FILE_MODE);
    const file = this.#lastReserved.get(set) ?? this.#passingOver(create);
    if (file === undefined) return;
    this.#lastReserved.set(set, file);
    file.overwrite(engine.encode(formatIp(ip)));
  }

  /** What `work` returns; undefined where it meets an odd entry. */
  #passingOver<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof OddEntryError)) throw error;
      this.#odd.set(error.path, error);
      return undefined;
    }
  }

  #lastReservedPath(set: number): string {
    return `${this.#directory}/last_reserved_ip.${set}`;
  }

  /** Looks into every file again. */
  refresh(): void {
    this.#use(this.#build());
  }

  /**
   * For an answer that would be a pity if it were wrong: looks into every file again unless that was done not long ago.
   * Returns whether it did, and asking again may bring another answer.
   */
  refreshIfOld(): boolean {
    const index = this.#open();
    if (index.isFresh) return false;
    const age = index.ageNs();
    if (age > -TRUST_NS && age < TRUST_NS) return false;
    this.refresh();
    return true;
  }

  /** Writes the index, if there is one worth it, and lets go of it. */
  save(): void {
    for (const file of this.#lastReserved.values()) file.close();
    this.#lastReserved.clear();
    this.#index?.save();
    this.#index = undefined;
  }

  /** What the index says the record holds, if the files say so too; else what the files say. */
  #held(record: string): Ip[] {
    const held = this.#ask((index) => index.addressesOf(record));
    if (held.every((ip) => readReservation(this.#directory, formatIp(ip)) === record)) return held;
    this.refresh();
    return this.#ask((index) => index.addressesOf(record));
  }

  /** Called before anything is changed: a saved index doesn't hold for the directory any more afterwards. */
  #open(): ReservationIndex {
    this.#index ??= ReservationIndex.load(this.#directory) ?? this.#build();
    return this.#index;
  }

  /** What the index answers; an index that turns out to be damaged is made anew first. */
  #ask<T>(question: (index: ReservationIndex) => T): T {
    try {
      return question(this.#open());
    } catch (error) {
      if (!(error instanceof DamagedTableError)) throw error;
      this.refresh();
      return question(this.#open());
    }
  }

  /** Tells the index what has been done to the files: one that is made anew knows it. */
  #note(change: (index: ReservationIndex) => void): void {
    try {
      change(this.#open());
    } catch (error) {
      if (!(error instanceof DamagedTableError)) throw error;
      this.refresh();
    }
  }

  #use(index: ReservationIndex): void {
    this.#index?.discard();
    this.#index = index;
  }

  /** An index of the files; those that `isKept` refuses, and those without content, are left out. Odd entries block. */
  #build(isKept: (ip: Ip, record: string | undefined) => boolean = () => true): ReservationIndex {
    const names = readDirectory(this.#directory);
    const index = ReservationIndex.empty(this.#directory, names.length, names.includes(INDEX_NAME));
    eachReservation(this.#directory, names, (ip, record) => {
      if (record instanceof OddEntryError) {
        this.#odd.set(record.path, record);
        index.block(ip);
      } else if (isKept(ip, record) && record !== undefined) index.add(ip, record);
    });
    return index;
  }
}
