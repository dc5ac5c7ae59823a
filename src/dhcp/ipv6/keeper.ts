// The IPv6 addresses of one interface: those that its kernel makes by router advertisements, and the one that a DHCPv6 server
// gives where routers say that one does.

import type { Dns, Result } from "../../cni/result.ts";
import { isTentative } from "../../rtnetlink/address.ts";
import { errorText } from "../../sys/error.ts";
import { compareIp, formatIp } from "../../wire/ip.ts";
import { clientName } from "../client-id.ts";
import { GoneError, withInterface } from "../interface.ts";
import type { Client, FamilyKeeper, Keeping, Waiter } from "../keeper.ts";
import type { Timer } from "../timers.ts";
import { assign, takeAway } from "./assign.ts";
import { type Autoconf, cidrOf, duplicateError, isUsable, lookAt } from "./autoconf.ts";
import { begin6, ENDED6, inform, leaseOf6, listens6, resume6, step6 } from "./client.ts";
import type { Lease6 } from "./lease.ts";
import { Link6 } from "./link.ts";
import { joinDns } from "./nd-dns.ts";
import type { LeaseRecord6 } from "./records.ts";
import type { Identity } from "./requests.ts";
import { type Given6, resultOf6 } from "./result.ts";
import type { Action6, Event6, State6, Step6, Surroundings6 } from "./state.ts";

/** What there is to know of a client. */
export interface Client6 extends Omit<Client, "settings"> {
  readonly identity: Identity;
}

/** The kernel asks for routers four times within this (RFC 7559), and one that is there answers at once. */
const ROUTER_MS = 30_000;
/** So long an ADD waits for name servers of DHCPv6, when it has addresses. */
const INFORM_MS = 3000;

/** From the first look for routers until all is given back, or the container is gone. */
export class Keeper6 implements FamilyKeeper {
  readonly client: Client6;
  readonly #daemon: Keeping;
  readonly #waiters = new Set<Waiter>();
  /** The addresses that other stations have, as the kernel has found out. */
  readonly #duplicates = new Set<string>();
  readonly #link: Link6;
  #state: State6 = ENDED6;
  #seen: Autoconf | undefined;
  /** What routers, or a server that gives no addresses, have told. */
  #told: Dns = {};
  #hasAsked = false;
  #given: Given6 | undefined;
  #timer: Timer | undefined;
  #deadline: Timer | undefined;
  #hasEnded = false;

  constructor(daemon: Keeping, client: Client6) {
    this.#daemon = daemon;
    this.client = client;
    this.#link = new Link6(client.where, daemon, {
      guard: (run) => this.#guard(run),
      news: () => this.#look(),
      reply: (reply) => this.#tell({ kind: "reply", reply }),
      duplicate: (ip) => this.#duplicates.add(formatIp(ip)),
      dns: (dns) => {
        this.#told = joinDns(this.#told, dns);
      },
    });
  }

  /** What it has not got yet, for an error. */
  get awaited(): string {
    const { ifname } = this.client.where;
    if (this.#seen?.linkLocal === undefined) return `${ifname} has no link-local address that can be used`;
    if (!this.#seen.isHeard) return `no router advertisement has come to ${ifname}`;
    if (this.#seen.isManaged) return "no DHCPv6 server has given an address, which the routers say that one does (M)";
    if (this.#seen.made.length > 0) return `duplicate address detection on ${ifname} has not ended`;
    return `the router advertisements that came to ${ifname} have neither a prefix for addresses (A) nor the flag M`;
  }

  /** Listens to routers. */
  search(): void {
    this.#guard(() => {
      const { loop } = this.#daemon;
      this.#deadline = loop.at(loop.now() + ROUTER_MS, () => this.#guard(() => this.#requireRouter()));
      this.#link.listen();
      this.#look();
    });
  }

  /** Goes on with what another process of the daemon has had. */
  resume({ given, lease }: LeaseRecord6): void {
    this.#given = given;
    if (lease !== undefined) this.#take([resume6(lease), []]);
    else if (given.isManaged) this.#guard(() => this.#take(begin6(this.#around())));
  }

  /** The result of ADD; undefined while something is missing. */
  result(): Result | undefined {
    return this.#given && resultOf6(this.#given, leaseOf6(this.#state), this.client.priority);
  }

  /** Has the waiter called once, at once where there is a result. */
  wait(waiter: Waiter): void {
    const result = this.result();
    if (result !== undefined) waiter(result);
    else this.#waiters.add(waiter);
  }

  /** Gives the lease back. What the kernel has made goes with the interface. */
  release(): void {
    this.#giveBack();
    this.#end("the address was given back meanwhile");
  }

  /** Ends without a word to the server. */
  drop(reason: string): void {
    this.#end(reason);
  }

  #around(): Surroundings6 {
    return { identity: this.client.identity, now: this.#daemon.loop.now(), random: this.#daemon.random };
  }

  /** Does something. What can't be done ends an ADD; a container that has its addresses keeps them, and the log is told. */
  #guard(run: () => void): void {
    if (this.#hasEnded) return;
    try {
      run();
    } catch (error) {
      const reason = errorText(error);
      if (error instanceof GoneError) this.#end(reason);
      else if (this.#given !== undefined) this.#log(reason);
      else {
        this.#giveBack();
        this.#end(reason);
      }
    }
  }

  #requireRouter(): void {
    if (this.#seen?.isHeard !== true) throw new Error(`${this.awaited} within ${ROUTER_MS / 1000} seconds`);
  }

  /** What has become of the interface: an address that was assigned, and what an ADD waits for. */
  #look(): void {
    const seen = withInterface(this.client.where, lookAt);
    this.#seen = seen;
    const state = this.#state;
    if (state.phase === "checking") {
      const { ip } = state.lease;
      if (this.#duplicates.delete(formatIp(ip))) this.#tell({ kind: "duplicate" });
      else if (isUsable(seen, ip)) this.#tell({ kind: "usable" });
    }
    if (this.#given === undefined && seen.isHeard && seen.linkLocal !== undefined) this.#advance(seen);
  }

  #advance(seen: Autoconf): void {
    for (const address of this.#duplicates) throw duplicateError(this.client.where.ifname, address);
    if (!this.#hasAsked && (seen.isManaged || seen.knowsMore)) this.#ask(seen);
    const { made, isManaged, router } = seen;
    const lease = leaseOf6(this.#state);
    if (isManaged ? lease === undefined : made.length === 0) return;
    if (made.some(isTentative) || this.#state.phase === "informing") return;
    this.#given = { isManaged, addresses: made.map(cidrOf), gateway: router, dns: this.#told };
    if (this.#deadline !== undefined) this.#daemon.loop.cancel(this.#deadline);
    this.#write(lease);
    this.#rest();
    this.#settle();
  }

  /** A server that knows name servers only is not waited for as long as one that has the address. */
  #ask({ isManaged }: Autoconf): void {
    this.#hasAsked = true;
    this.#take(isManaged ? begin6(this.#around()) : inform(this.#around()));
    const { loop } = this.#daemon;
    if (!isManaged) loop.at(loop.now() + INFORM_MS, () => this.#guard(() => this.#giveUpInforming()));
  }

  #giveUpInforming(): void {
    if (this.#state.phase !== "informing") return;
    this.#take([ENDED6, []]);
    this.#look();
  }

  #tell(event: Event6): void {
    this.#take(step6(this.#state, event, this.#around()));
  }

  #take([state, actions]: Step6): void {
    this.#state = state;
    try {
      for (const action of actions) this.#perform(action);
    } finally {
      this.#rest(); // what can't be done now must not be the last of it
    }
  }

  /** Closes what is not needed now, and sleeps until something is due. */
  #rest(): void {
    if (this.#hasEnded) return;
    const { loop } = this.#daemon;
    if (!listens6(this.#state)) this.#link.shut();
    if (this.#given !== undefined && this.#state.phase !== "checking") this.#link.deafen();
    if (this.#timer !== undefined) loop.cancel(this.#timer);
    this.#timer = loop.at(this.#state.wakeAt, () => this.#guard(() => this.#tell({ kind: "time" })));
  }

  #perform(action: Action6): void {
    const { where } = this.client;
    if (action.kind === "send") {
      const problem = this.#link.send(action.message);
      if (problem !== undefined) this.#log(`${problem}; trying again`);
    } else if (action.kind === "assign") {
      this.#link.listen();
      this.#duplicates.clear();
      assign(where, action.lease, this.#daemon.loop.now());
    } else if (action.kind === "bound") this.#bound(action.lease, action.before);
    else if (action.kind === "lost") {
      this.#log(`the lease of ${formatIp(action.lease.ip)} has ended; looking for another address`);
      takeAway(where, action.lease.ip);
    } else {
      this.#told = joinDns(action.dns, this.#told);
      if (this.#seen !== undefined) this.#advance(this.#seen);
    }
  }

  #bound(lease: Lease6, before: Lease6 | undefined): void {
    const { where } = this.client;
    if (before !== undefined && compareIp(before.ip, lease.ip) === 0) assign(where, lease, this.#daemon.loop.now());
    else if (before !== undefined) {
      this.#log(`the address is ${formatIp(lease.ip)} now, not ${formatIp(before.ip)}`);
      takeAway(where, before.ip);
    }
    if (this.#given === undefined) return;
    this.#write(lease);
    this.#settle();
  }

  #write(lease: Lease6 | undefined): void {
    const { attachment, netns, where, priority, interfaceMtu, identity } = this.client;
    const given = this.#given;
    if (given === undefined) return;
    const { netnsId, ifindex } = where;
    const ipv6 = { identity, given, lease };
    this.#daemon.write({ attachment, netns, netnsId, ifindex, priority, interfaceMtu, ipv6 });
  }

  #settle(): void {
    const result = this.result();
    if (result !== undefined) this.#answer(result);
  }

  /** The client must not use an address any more when it gives it back (RFC 8415 section 18.2.7). */
  #giveBack(): void {
    if (this.#hasEnded) return;
    const lease = "lease" in this.#state ? this.#state.lease : undefined;
    try {
      this.#take(step6(this.#state, { kind: "release" }, this.#around()));
      if (lease !== undefined) takeAway(this.client.where, lease.ip);
    } catch (error) {
      this.#log(errorText(error));
    }
  }

  #answer(outcome: Result | Error): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter(outcome);
  }

  #end(reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#state = ENDED6;
    this.#link.shut();
    this.#link.deafen();
    for (const timer of [this.#timer, this.#deadline]) if (timer !== undefined) this.#daemon.loop.cancel(timer);
    this.#answer(new Error(reason));
    this.#daemon.ended();
  }

  #log(line: string): void {
    this.#daemon.log(`${clientName(this.client.attachment)}: ${line}`);
  }
}
