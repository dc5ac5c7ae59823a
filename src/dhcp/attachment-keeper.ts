// All that an attachment has of the daemon: a keeper for each family that its configuration names. Its ADD succeeds with all of
// them; where one fails, the others give back what they have.

import type { Attachment } from "../cni/attachment.ts";
import type { Result } from "../cni/result.ts";
import type { Interface } from "./interface.ts";
import type { Client6 } from "./ipv6/keeper.ts";
import { Keeper6 } from "./ipv6/keeper.ts";
import { joinDns } from "./ipv6/nd-dns.ts";
import { type Client, type FamilyKeeper, Keeper, type Keeping, type Waiter } from "./keeper.ts";
import type { LeaseRecord } from "./records.ts";

/** What the keepers of an attachment need of the daemon. */
export interface AttachmentKeeping extends Omit<Keeping, "ended"> {
  /** The keeper has come to its end. */
  readonly ended: (keeper: AttachmentKeeper) => void;
}

/** The client of each family; one at least. */
export interface Clients {
  readonly ipv4?: Client | undefined;
  readonly ipv6?: Client6 | undefined;
}

/** The keepers of an attachment as one. */
export class AttachmentKeeper {
  readonly attachment: Attachment;
  readonly where: Interface;
  readonly #daemon: AttachmentKeeping;
  readonly #ipv4: Keeper | undefined;
  readonly #ipv6: Keeper6 | undefined;
  readonly #parts: readonly FamilyKeeper[];
  readonly #waiters = new Set<Waiter>();
  #written: LeaseRecord | undefined;
  /** Whether an ADD has got addresses from here. */
  #isHandedOut = false;
  #hasEnded = false;

  constructor(daemon: AttachmentKeeping, { ipv4, ipv6 }: Clients) {
    const client = ipv4 ?? ipv6;
    if (client === undefined) throw new TypeError("an attachment has a family");
    this.attachment = client.attachment;
    this.where = client.where;
    this.#daemon = daemon;
    const keeping: Keeping = {
      ...daemon,
      write: (record) => this.#write(record),
      ended: () => this.#end(),
    };
    this.#ipv4 = ipv4 && new Keeper(keeping, ipv4);
    this.#ipv6 = ipv6 && new Keeper6(keeping, ipv6);
    this.#parts = [this.#ipv4, this.#ipv6].filter((part) => part !== undefined);
  }

  /** What there is no result for yet, for an error. */
  get awaited(): string {
    return this.#missing()
      .map(({ awaited }) => awaited)
      .join("; ");
  }

  /** Begins the search for addresses, which goes on as long as somebody waits for them. */
  search(): void {
    for (const part of this.#parts) if (!this.#hasEnded) part.search();
  }

  /** Goes on with what another process of the daemon has had. */
  resume(record: LeaseRecord): void {
    this.#written = record;
    this.#isHandedOut = true;
    if (record.lease !== undefined) this.#ipv4?.resume(record.lease);
    if (record.ipv6 !== undefined) this.#ipv6?.resume(record.ipv6);
  }

  /** The result of ADD; undefined while a part of it is missing. */
  result(): Result | undefined {
    const results = this.#parts.map((part) => part.result()).filter((result) => result !== undefined);
    return results.length < this.#parts.length ? undefined : results.reduce(joinResults);
  }

  /** Has the waiter called once, at once where there is a result. */
  wait(waiter: Waiter): void {
    this.#waiters.add(waiter);
    this.#settle();
  }

  /** The waiter has gone. A search that nobody waits for any more is given up. */
  abandon(waiter: Waiter): void {
    if (this.#waiters.delete(waiter) && this.#waiters.size === 0 && !this.#isHandedOut) this.release();
  }

  /** Gives all back. */
  release(): void {
    for (const part of this.#parts) part.release();
  }

  /** Ends without a word to the servers. */
  drop(reason: string): void {
    this.#answer(new Error(reason));
    this.#finish((part) => part.drop(reason));
  }

  #settle(): void {
    const result = this.result();
    if (result === undefined) {
      for (const part of this.#missing()) part.wait(this.#told);
      return;
    }
    this.#isHandedOut = true;
    this.#answer(result);
  }

  /** What a part has to say. */
  readonly #told = (outcome: Result | Error): void => {
    if (outcome instanceof Error) this.#answer(outcome);
    else this.#settle();
  };

  #missing(): readonly FamilyKeeper[] {
    return this.#parts.filter((part) => part.result() === undefined);
  }

  #answer(outcome: Result | Error): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter(outcome);
  }

  /** A record has what every part has written last. */
  #write(record: LeaseRecord): void {
    this.#written = { ...this.#written, ...record };
    this.#daemon.write(this.#written);
  }

  #end(): void {
    this.#finish((part) => part.release());
  }

  #finish(end: (part: FamilyKeeper) => void): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const part of this.#parts) end(part);
    this.#daemon.ended(this);
  }
}

function joinResults(one: Result, other: Result): Result {
  return {
    interfaces: [],
    ips: [...one.ips, ...other.ips],
    routes: [...one.routes, ...other.routes],
    dns: joinDns(one.dns, other.dns),
  };
}
