// `dhcp daemon`: keeps the leases of the containers of this node, and serves the plugin. One thread; while nothing is due it
// sleeps.

import type { Attachment } from "../cni/attachment.ts";
import { type NetworkConfig, parseConfig } from "../cni/config.ts";
import type { RecordStore, StoredRecord } from "../owned/records.ts";
import { errorText } from "../sys/error.ts";
import { randomBytes } from "../sys/process.ts";
import { AttachmentKeeper, type AttachmentKeeping, type Clients } from "./attachment-keeper.ts";
import { clientIdOf, clientName, identityOf } from "./client-id.ts";
import { type DhcpConfig, providedOptions, readDhcpConfig, requestedOptions } from "./config.ts";
import type { DaemonFlags } from "./flags.ts";
import { findInterface, GoneError, type Interface, isSameInterface, withInterface } from "./interface.ts";
import { listenToRouters } from "./ipv6/autoconf.ts";
import type { Waiter } from "./keeper.ts";
import type { Loop } from "./loop.ts";
import type { LeaseRecord } from "./records.ts";
import type { ClientSettings } from "./requests.ts";
import { type CmdArgs, cmdArgsOf, METHOD, NOTHING, RESULT, resultToGob } from "./rpc.ts";
import type { Answer, Call } from "./rpc-connection.ts";

/** A packet is as large as the MTU of a link at the most, and what DHCP sends is smaller. */
const BUFFER_SIZE = 9216;

const DONE: Answer = { type: NOTHING, value: {} };

/** The leases, and the calls that get and return them. */
export class Daemon {
  readonly #flags: DaemonFlags;
  readonly #records: RecordStore<LeaseRecord>;
  readonly #keepers = new Map<string, AttachmentKeeper>();
  readonly #log: (line: string) => void;
  readonly #loop: Loop;
  readonly #keeping: AttachmentKeeping;

  constructor(flags: DaemonFlags, loop: Loop, records: RecordStore<LeaseRecord>, log: (line: string) => void) {
    this.#flags = flags;
    this.#loop = loop;
    this.#records = records;
    this.#log = log;
    this.#keeping = {
      loop,
      random,
      buffer: new Uint8Array(BUFFER_SIZE),
      log,
      write: (record) => records.write(record),
      ended: (keeper) => this.#forget(keeper),
    };
  }

  /** Goes on with the leases of the daemon before. Throws SyscallError. */
  resume(): void {
    const { live, leaving, problems } = this.#records.survey();
    for (const problem of problems) this.#log(problem);
    for (const stored of live) this.#resumeOne(stored, false);
    for (const stored of leaving) this.#resumeOne(stored, true);
  }

  /** `leaving`: its DEL came while there was no daemon. */
  #resumeOne({ record, id }: StoredRecord<LeaseRecord>, leaving: boolean): void {
    const { attachment, netns, netnsId, ifindex, client, ipv6, priority, interfaceMtu } = record;
    const where = { path: this.#flags.hostprefix + netns, netnsId, ifname: attachment.ifname, ifindex };
    if (this.#isThere(where, attachment)) {
      const common = { attachment, netns, where, priority, interfaceMtu };
      const keeper = this.#add({
        ipv4: client && { ...common, settings: this.#timed(client) },
        ipv6: ipv6 && { ...common, identity: ipv6.identity },
      });
      keeper.resume(record);
      if (leaving) keeper.release();
    } else if (!leaving) this.#records.forget(id);
    if (leaving) this.#records.endRelease(attachment);
  }

  /** What can't be told now is told when the lease is next due: it is not given up for that. */
  #isThere(where: Interface, attachment: Attachment): boolean {
    try {
      withInterface(where, () => undefined);
      return true;
    } catch (error) {
      const isGone = error instanceof GoneError;
      const what = isGone ? "is over" : "is kept, although its interface can't be looked at now";
      this.#log(`the lease of ${clientName(attachment)} ${what}: ${errorText(error)}`);
      return !isGone;
    }
  }

  /** Serves a call, now or later. */
  serve(call: Call): void {
    try {
      this.#serve(call);
    } catch (error) {
      call.answer(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #serve(call: Call): void {
    if (!(Object.values(METHOD) as string[]).includes(call.method)) {
      call.answer(new Error(`rpc: can't find method ${call.method}`));
      return;
    }
    const args = cmdArgsOf(call.args);
    const network = parseConfig(args.stdin, "");
    if (call.method === METHOD.COLLECT) {
      this.#collect(network);
      call.answer(DONE);
      return;
    }
    const attachment = { network: network.name, containerId: args.containerId, ifname: args.ifname };
    if (call.method === METHOD.ALLOCATE) this.#allocate(call, args, network, attachment);
    else if (call.method === METHOD.CHECK) call.answer(this.#check(attachment));
    else {
      this.#keepers.get(clientName(attachment))?.release();
      call.answer(DONE);
    }
  }

  #allocate(call: Call, args: CmdArgs, network: NetworkConfig, attachment: Attachment): void {
    const config = readDhcpConfig(network);
    const hasIpv6 = config.family.includes("ipv6");
    const where = findInterface(this.#flags.hostprefix + args.netns, args.ifname, (netns) => {
      if (hasIpv6) listenToRouters(netns, args.ifname, config.priority);
    });
    const known = this.#keepers.get(clientName(attachment));
    const isKnown = known !== undefined && isSameInterface(known.where, where);
    if (!isKnown) known?.drop("another interface has taken its place");
    const keeper = isKnown ? known : this.#add(this.#clientsOf(attachment, args, config, where));
    const timer = this.#loop.at(this.#loop.now() + this.#flags.resendtimeout, () => {
      waiter(new Error(`no more tries: ${keeper.awaited}`));
      keeper.abandon(waiter);
    });
    const waiter: Waiter = (outcome) => {
      this.#loop.cancel(timer);
      call.answer(outcome instanceof Error ? outcome : { type: RESULT, value: resultToGob(outcome) });
    };
    call.onGone = () => {
      this.#loop.cancel(timer);
      keeper.abandon(waiter);
    };
    keeper.wait(waiter);
    if (!isKnown) keeper.search();
  }

  #check(attachment: Attachment): Answer {
    const result = this.#keepers.get(clientName(attachment))?.result();
    return result === undefined
      ? new Error(`there is no lease for ${clientName(attachment)}`)
      : { type: RESULT, value: resultToGob(result) };
  }

  #collect({ name, validAttachments }: NetworkConfig): void {
    const valid = new Set(validAttachments.map((one) => clientName({ network: name, ...one })));
    for (const [key, keeper] of [...this.#keepers]) {
      if (keeper.attachment.network === name && !valid.has(key)) keeper.release();
    }
  }

  #clientsOf(
    attachment: Attachment,
    args: CmdArgs,
    config: DhcpConfig,
    where: ReturnType<typeof findInterface>,
  ): Clients {
    const { family, priority, interfaceMtu } = config;
    const common = { attachment, netns: args.netns, where, priority, interfaceMtu };
    return {
      ipv4: family.includes("ipv4")
        ? { ...common, settings: this.#settingsOf(attachment, args, config, where) }
        : undefined,
      ipv6: family.includes("ipv6") ? { ...common, identity: identityOf(attachment) } : undefined,
    };
  }

  #settingsOf(
    attachment: Attachment,
    args: CmdArgs,
    config: DhcpConfig,
    where: ReturnType<typeof findInterface>,
  ): ClientSettings {
    // All interfaces of one parent have the parent's address: a frame that is sent to it alone finds the one with the IP address.
    const isShared = where.kind === "ipvlan";
    return this.#timed({
      clientId: clientIdOf(attachment, where.mac, config.clientId),
      request: requestedOptions(config),
      provide: providedOptions(config, args.args),
      broadcast: this.#flags.broadcast || isShared,
      probes: !isShared,
    });
  }

  #timed(client: Omit<ClientSettings, "firstMs" | "resendMaxMs">): ClientSettings {
    return { ...client, firstMs: this.#flags.timeout, resendMaxMs: this.#flags.resendmax };
  }

  #add(clients: Clients): AttachmentKeeper {
    const keeper = new AttachmentKeeper(this.#keeping, clients);
    this.#keepers.set(clientName(keeper.attachment), keeper);
    return keeper;
  }

  #forget(keeper: AttachmentKeeper): void {
    const { attachment } = keeper;
    const key = clientName(attachment);
    if (this.#keepers.get(key) === keeper) this.#keepers.delete(key);
    if (this.#records.beginRelease(attachment) !== undefined) this.#records.endRelease(attachment);
  }
}

/** From 0 up to 1, of the kernel's: two daemons, or two containers, must not think of the same. */
function random(): number {
  return new DataView(randomBytes(4).buffer).getUint32(0, true) / 0x1_0000_0000;
}
