import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { begin6, ENDED6, inform, leaseOf6, listens6, resume6, step6 } from "./client.ts";
import { type Lease6, timesOf } from "./lease.ts";
import { decodeReply6, encodeReply6, type Reply6 } from "./message.ts";
import type { Action6, Event6, State6, Step6, Surroundings6 } from "./state.ts";
import { MESSAGE6, OPTION6, STATUS } from "./uapi.ts";

const address = (last: number): Uint8Array => Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last);
const [SERVER, OTHER] = [Uint8Array.of(0, 3, 1), Uint8Array.of(0, 3, 2)];
const identity = { duid: Uint8Array.of(0, 4, 9), iaid: 5 };

interface Answering {
  readonly type?: number;
  readonly ip?: Uint8Array | undefined;
  readonly preferred?: number;
  readonly valid?: number;
  readonly t1?: number;
  readonly t2?: number;
  readonly iaStatus?: number;
}

/** A client in a world without a network: a clock, and what was done. */
class World {
  now = 1000;
  state: State6 = ENDED6;
  actions: Action6[] = [];
  random = 0.5;

  around(): Surroundings6 {
    return { identity, now: this.now, random: () => this.random };
  }

  take([state, actions]: Step6): readonly Action6[] {
    this.state = state;
    this.actions.push(...actions);
    return actions;
  }

  search(): this {
    this.take(begin6(this.around()));
    return this;
  }

  tell(event: Event6): readonly Action6[] {
    return this.take(step6(this.state, event, this.around()));
  }

  /** Lets the time pass until the client wakes. */
  wake(): readonly Action6[] {
    if (this.state.wakeAt === Infinity) return [];
    this.now = Math.max(this.now, this.state.wakeAt);
    return this.tell({ kind: "time" });
  }

  reply(answer: Answering & Partial<Reply6> = {}): readonly Action6[] {
    const { ip = address(1), preferred = 800, valid = 1000, t1 = 0, t2 = 0, iaStatus = 0, ...more } = answer;
    const addresses = iaStatus === 0 ? [{ ip, preferred, valid, status: 0 }] : [];
    const reply = {
      type: MESSAGE6.REPLY,
      xid: "xid" in this.state ? this.state.xid : 0,
      clientId: identity.duid,
      serverId: SERVER,
      preference: 0,
      isRapid: false,
      associations: [{ iaid: identity.iaid, t1, t2, status: iaStatus, addresses }],
      nameservers: [],
      domains: new Uint8Array(0),
      ...more,
    };
    return this.tell({ kind: "reply", reply: decodeReply6(encodeReply6(reply)) });
  }

  bind(times: Answering = {}): this {
    this.search();
    this.reply({ ...times, type: MESSAGE6.ADVERTISE, preference: 255 });
    this.reply(times);
    this.tell({ kind: "usable" });
    expect(this.state.phase).toBe("bound");
    this.actions = [];
    return this;
  }
}

const types = (actions: readonly Action6[]): (number | string)[] =>
  actions.map((action) => (action.kind === "send" ? action.message.type : action.kind));
const optionsOf = (actions: readonly Action6[]): number[] =>
  actions
    .flatMap((action) => (action.kind === "send" ? action.message.options.map(([code]) => code) : []))
    .sort((a, b) => a - b);

describe("the way to a lease", () => {
  it("is SOLICIT, ADVERTISE, REQUEST, REPLY, and a look whether the address is free", () => {
    const world = new World();
    expect(types(world.search().actions)).toEqual([MESSAGE6.SOLICIT]);
    expect(optionsOf(world.actions)).toEqual([1, 3, 6, 8, 14]);
    expect(types(world.reply({ type: MESSAGE6.ADVERTISE, preference: 255 }))).toEqual([MESSAGE6.REQUEST]);
    expect(optionsOf(world.actions.slice(1))).toEqual([1, 2, 3, 6, 8]);
    expect(types(world.reply())).toEqual(["assign"]);
    expect([listens6(world.state), leaseOf6(world.state)]).toEqual([false, undefined]);
    expect(types(world.tell({ kind: "usable" }))).toEqual(["bound"]);
    expect(leaseOf6(world.state)?.ip).toEqual(address(1));
  });

  it("is one answer where the server commits itself at once", () => {
    const world = new World().search();
    expect(types(world.reply())).toEqual([]);
    expect(types(world.reply({ isRapid: true }))).toEqual(["assign"]);
  });

  it("compares what comes within the first second, and takes what comes first after it", () => {
    const world = new World().search();
    expect(world.reply({ type: MESSAGE6.ADVERTISE, preference: 1 })).toEqual([]);
    expect(world.reply({ type: MESSAGE6.ADVERTISE, preference: 7, serverId: OTHER })).toEqual([]);
    expect(world.reply({ type: MESSAGE6.ADVERTISE, preference: 7 })).toEqual([]);
    expect(world.state.wakeAt).toBeGreaterThan(2000);
    const [request] = world.wake();
    expect(request).toMatchObject({ kind: "send", message: { type: MESSAGE6.REQUEST } });
    expect(request?.kind === "send" && request.message.options).toContainEqual([OPTION6.SERVERID, OTHER]);
    const late = new World().search();
    expect(types(late.wake())).toEqual([MESSAGE6.SOLICIT]);
    expect(types(late.reply({ type: MESSAGE6.ADVERTISE }))).toEqual([MESSAGE6.REQUEST]);
  });

  it.each<[string, Answering & Partial<Reply6>]>([
    ["of another exchange", { xid: 3 }],
    ["to another client", { clientId: OTHER }],
    ["to nobody", { clientId: undefined }],
    ["of no server", { serverId: undefined }],
    ["without addresses", { iaStatus: STATUS.NO_ADDRS_AVAIL }],
    [
      "of another association",
      {
        associations: [
          { iaid: 6, t1: 0, t2: 0, status: 0, addresses: [{ ip: address(1), preferred: 1, valid: 1, status: 0 }] },
        ],
      },
    ],
    ["that is preferred for longer than it is valid", { preferred: 9, valid: 8 }],
    ["that is over", { preferred: 0, valid: 0 }],
    ["whose T1 comes after T2", { t1: 9, t2: 8 }],
    ["of a group's address", { ip: Uint8Array.of(0xff, ...address(1).subarray(1)) }],
    ["of a link-local address", { ip: Uint8Array.of(0xfe, 0x80, ...address(1).subarray(2)) }],
    ["of an address of IPv4", { ip: new Uint8Array(16).fill(1, 12) }],
    ["with an error", { status: STATUS.UNSPEC_FAIL }],
  ])("passes over an offer %s", (_, change) => {
    const world = new World().search();
    expect(world.reply({ type: MESSAGE6.ADVERTISE, preference: 255, ...change })).toEqual([]);
    expect(world.state).toMatchObject({ phase: "soliciting", offer: undefined });
  });

  it("begins anew where the server takes its offer back: once at once, then less and less often", () => {
    const world = new World().search();
    const refuse = (iaStatus: number): readonly Action6[] => {
      world.reply({ type: MESSAGE6.ADVERTISE, preference: 255 });
      return world.reply({ iaStatus });
    };
    expect(types(refuse(STATUS.NO_ADDRS_AVAIL))).toEqual([MESSAGE6.SOLICIT]);
    expect(types(refuse(STATUS.NOT_ON_LINK))).toEqual([]);
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      waits.push(world.state.wakeAt - world.now);
      expect(types(world.wake())).toEqual([MESSAGE6.SOLICIT]);
      refuse(STATUS.NOT_ON_LINK);
    }
    expect(waits).toEqual([10_000, 20_000, 40_000, 80_000, 120_000]);
  });

  it("asks a server that can't answer again, ten times, and then all", () => {
    const world = new World().search();
    world.reply({ type: MESSAGE6.ADVERTISE, preference: 255 });
    expect(world.reply({ status: STATUS.UNSPEC_FAIL, iaStatus: 1 })).toEqual([]);
    expect(world.reply({ status: STATUS.USE_MULTICAST, iaStatus: 1 })).toEqual([]);
    const sent = Array.from({ length: 10 }, () => types(world.wake())).flat();
    expect(sent).toEqual([...Array(9).fill(MESSAGE6.REQUEST), MESSAGE6.SOLICIT]);
  });

  it("declines an address that another station has", () => {
    const world = new World().search();
    world.reply({ isRapid: true });
    const actions = world.tell({ kind: "duplicate" });
    expect(types(actions)).toEqual([MESSAGE6.DECLINE, MESSAGE6.SOLICIT]);
    expect(optionsOf(actions.slice(0, 1))).toEqual([1, 2, 3, 8]);
  });

  it("waits twice as long each time, up to an hour, with a tenth more or less (RFC 8415 section 15)", () => {
    for (const random of [0, 0.5, 0.999]) {
      const world = new World();
      world.random = random;
      world.search();
      const waits: number[] = [];
      for (let i = 0; i < 16; i++) {
        waits.push(world.state.wakeAt - world.now);
        world.wake();
      }
      expect(waits[0]).toBeGreaterThanOrEqual(1000);
      for (let i = 1; i < 11; i++) {
        expect((waits[i] ?? 0) / (waits[i - 1] ?? 0)).toBeGreaterThanOrEqual(1.9 - 1e-9);
        expect((waits[i] ?? 0) / (waits[i - 1] ?? 0)).toBeLessThanOrEqual(2.1);
      }
      expect(Math.max(...waits)).toBeLessThanOrEqual(3_960_000);
    }
  });
});

describe("a lease", () => {
  it("is renewed at T1 by its server, rebound at T2 by any, and ends", () => {
    const world = new World().bind({ t1: 100, t2: 200, preferred: 300, valid: 300 });
    expect([types(world.wake()), world.now]).toEqual([[MESSAGE6.RENEW], 101_000]);
    expect(optionsOf(world.actions)).toEqual([1, 2, 3, 6, 8]);
    expect(world.reply({ serverId: OTHER })).toEqual([]);
    while (world.state.phase === "renewing") world.wake();
    expect([world.state.phase, world.now]).toEqual(["rebinding", 201_000]);
    world.actions = [];
    while (world.state.phase === "rebinding") world.wake();
    expect(world.now).toBe(301_000);
    expect(types(world.actions).slice(-2)).toEqual(["lost", MESSAGE6.SOLICIT]);
    expect(optionsOf(world.actions.slice(0, 1))).toEqual([1, 3, 6, 8]);
  });

  it("takes a half and four fifths of its time where the server leaves them to the client", () => {
    const lease = new World().bind().state;
    expect("lease" in lease && timesOf(lease.lease)).toEqual({
      renewal: 401_000,
      rebinding: 641_000,
      expiry: 1_001_000,
    });
  });

  it("goes on from the request on where it is renewed, by any server in the end", () => {
    const world = new World().bind({ t1: 100, t2: 200 });
    world.wake();
    world.now += 5000;
    expect(world.reply()).toMatchObject([{ kind: "bound", lease: { ip: address(1), since: 101_000 } }]);
    while (world.state.phase !== "rebinding") world.wake();
    expect(types(world.reply({ serverId: OTHER }))).toEqual(["bound"]);
  });

  it("that the server has forgotten is asked for again, as it may be used until it ends", () => {
    const world = new World().bind({ t1: 100, valid: 1000 });
    world.wake();
    expect(types(world.reply({ iaStatus: STATUS.NO_BINDING }))).toEqual([MESSAGE6.REQUEST]);
    expect(leaseOf6(world.state)?.ip).toEqual(address(1));
    expect(world.reply({ iaStatus: STATUS.NO_BINDING })).toEqual([]);
    expect(types(world.reply())).toEqual(["bound"]);
  });

  it.each([
    ["says that it is over", { preferred: 0, valid: 0 }],
    ["says that it is not on the link", { iaStatus: STATUS.NOT_ON_LINK }],
    ["has no address any more", { iaStatus: STATUS.NO_ADDRS_AVAIL }],
  ])("is lost at once where the server %s", (_, answer) => {
    const world = new World().bind();
    world.wake();
    expect(types(world.reply(answer))).toEqual(["lost", MESSAGE6.SOLICIT]);
  });

  it("gives way to another one only when that can be used", () => {
    const world = new World().bind();
    world.wake();
    expect(types(world.reply({ ip: address(2) }))).toEqual(["assign"]);
    expect(leaseOf6(world.state)?.ip).toEqual(address(1));
    expect(world.tell({ kind: "usable" })).toMatchObject([
      { kind: "bound", lease: { ip: address(2) }, before: { ip: address(1) } },
    ]);
  });

  it("is given back by one message", () => {
    const actions = new World().bind().tell({ kind: "release" });
    expect(types(actions)).toEqual([MESSAGE6.RELEASE]);
    expect(optionsOf(actions)).toEqual([1, 2, 3, 8]);
    expect(new World().search().tell({ kind: "release" })).toEqual([]);
  });

  it("without an end is never renewed", () => {
    const lease: Lease6 = {
      ip: address(1),
      preferred: 0xffffffff,
      valid: 0xffffffff,
      t1: 0,
      t2: 0,
      server: SERVER,
      dns: {},
      since: 0,
    };
    expect(resume6(lease).wakeAt).toBe(Infinity);
  });
});

it("name servers are asked for without an address", () => {
  const world = new World();
  world.take(inform(world.around()));
  expect(optionsOf(world.actions)).toEqual([1, 6, 8]);
  const nameservers = [address(0x53)];
  expect(world.reply({ associations: [], nameservers })).toMatchObject([
    { kind: "informed", dns: { nameservers: ["2001:db8::53"] } },
  ]);
  expect(world.state).toEqual(ENDED6);
});

describe("whatever happens", () => {
  const answer = fc.record(
    {
      type: fc.constantFrom(MESSAGE6.ADVERTISE, MESSAGE6.REPLY),
      isRapid: fc.boolean(),
      preference: fc.constantFrom(0, 7, 255),
      status: fc.nat(6),
      iaStatus: fc.nat(6),
      ip: fc.nat(3).map(address),
      valid: fc.constantFrom(0, 1, 60, 1000, 0xffffffff),
      preferred: fc.constantFrom(0, 1, 60, 1000, 0xffffffff),
      t1: fc.constantFrom(0, 1, 60, 0xffffffff),
      t2: fc.constantFrom(0, 1, 60, 0xffffffff),
      serverId: fc.constantFrom(SERVER, OTHER),
      clientId: fc.constantFrom(identity.duid, identity.duid, OTHER),
    },
    { requiredKeys: [] },
  );
  const happening = fc.oneof(
    answer.map((said) => (world: World) => world.reply(said)),
    fc.constant((world: World) => world.wake()),
    fc.nat(100_000).map((ms) => (world: World) => {
      world.now += ms;
      return world.tell({ kind: "time" });
    }),
    fc
      .constantFrom<Event6>({ kind: "usable" }, { kind: "duplicate" })
      .map((event) => (world: World) => world.tell(event)),
  );

  it("a client has no address but one that was found to be free, and none beyond its end", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const world = new World().search();
        const free = new Set<string>();
        for (const happen of happenings) {
          const before = world.state;
          expect(happen(world).length).toBeLessThan(5);
          if (before.phase === "checking" && world.state.phase === "bound") free.add(String(world.state.lease.ip));
          const lease = leaseOf6(world.state);
          if (lease === undefined) expect(world.state.wakeAt < Infinity || world.state.phase === "checking").toBe(true);
          else expect(free).toContain(String(lease.ip));
        }
        const lease = leaseOf6(world.state);
        for (let i = 0; i < 3000 && leaseOf6(world.state) !== undefined; i++) world.wake();
        if (leaseOf6(world.state) !== undefined) expect(lease?.valid).toBe(0xffffffff);
      }),
      { numRuns: 300 },
    );
  });

  it("a server that says no for ever is asked less than once in ten seconds", () => {
    const world = new World().search();
    for (let i = 0; i < 200; i++) {
      if (world.state.phase === "soliciting") world.reply({ type: MESSAGE6.ADVERTISE, preference: 255 });
      else if (world.state.phase === "requesting") world.reply({ iaStatus: STATUS.NO_ADDRS_AVAIL });
      else world.wake();
    }
    const hours = (world.now - 1000) / 3_600_000;
    expect(world.actions.length / hours).toBeLessThan(360);
  });
});
