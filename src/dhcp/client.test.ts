import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Action,
  begin,
  type Event,
  leaseOf,
  listens,
  resume,
  type State,
  type Step,
  type Surroundings,
  step,
} from "./client.ts";
import type { Lease } from "./lease.ts";
import type { Outgoing } from "./requests.ts";
import { MESSAGE, OPTION } from "./uapi.ts";

const ip = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const MAC = ip(2, 0, 0, 0, 0, 7);
const SERVER = ip(10, 0, 0, 1);
const SERVER_MAC = ip(2, 0, 0, 0, 0, 1);
const ADDRESS = ip(10, 0, 0, 5);
const EVERYBODY = ip(255, 255, 255, 255);

const settings = {
  clientId: ip(0, 1, 2),
  request: [3, 1],
  provide: new Map<number, Uint8Array>(),
  broadcast: false,
  probes: true,
  firstMs: 10_000,
  resendMaxMs: 62_000,
};

/** A client in a world without a network: a clock, and what was done. */
class World {
  now = 1000;
  state: State;
  readonly settings: Surroundings["settings"];
  actions: Action[] = [];

  constructor(change: Partial<Surroundings["settings"]> = {}) {
    this.settings = { ...settings, ...change };
    this.state = { phase: "ended", wakeAt: Infinity };
    this.take(begin(this.around()));
  }

  around(): Surroundings {
    return { settings: this.settings, now: this.now, random: () => 0.5 };
  }

  take([state, actions]: Step): readonly Action[] {
    this.state = state;
    this.actions.push(...actions);
    return actions;
  }

  tell(event: Event): readonly Action[] {
    return this.take(step(this.state, event, this.around()));
  }

  /** Lets the time pass until the client wakes. */
  wake(): readonly Action[] {
    this.now = Math.max(this.now, this.state.wakeAt);
    return this.tell({ kind: "time" });
  }

  reply(type: number, change: Partial<{ xid: number; yiaddr: Uint8Array; options: [number, Uint8Array][] }> = {}) {
    const xid = "xid" in this.state ? this.state.xid : 0;
    const base: [number, Uint8Array][] = [
      [OPTION.SERVER_IDENTIFIER, SERVER],
      [OPTION.SUBNET_MASK, ip(255, 255, 255, 0)],
      [OPTION.LEASE_TIME, ip(0, 0, 3, 32)], // 800 s
    ];
    const options = new Map([...base, ...(change.options ?? [])]);
    const reply = { type, xid, chaddr: MAC, yiaddr: ADDRESS, ...change, options };
    return this.tell({ kind: "reply", reply, mac: SERVER_MAC });
  }

  bind(): this {
    this.reply(MESSAGE.OFFER);
    this.reply(MESSAGE.ACK);
    if (this.state.phase === "probing") this.wake();
    expect(this.state.phase).toBe("bound");
    this.actions = [];
    return this;
  }

  sent(): { request: Outgoing["request"]; destination: Uint8Array; source: Uint8Array; mac: Uint8Array }[] {
    return this.actions.flatMap((action) => (action.kind === "send" ? [action] : []));
  }
}

const types = (actions: readonly Action[]): (number | string)[] =>
  actions.map((action) => (action.kind === "send" ? action.request.type : action.kind));

describe("the way to a lease", () => {
  it("is DISCOVER, OFFER, a probe, REQUEST, ACK", () => {
    const world = new World();
    expect(types(world.actions)).toEqual([MESSAGE.DISCOVER]);
    expect(types(world.reply(MESSAGE.OFFER))).toEqual(["probe", MESSAGE.REQUEST]);
    expect(world.reply(MESSAGE.ACK)).toEqual([]);
    expect(world.state.phase).toBe("probing");
    expect(world.wake()).toMatchObject([{ kind: "bound", lease: { ip: ADDRESS, server: SERVER }, before: undefined }]);
    expect(listens(world.state)).toBe(false);
  });

  it("has what the server is asked and told in each message (RFC 2131 table 5)", () => {
    const world = new World({ provide: new Map([[12, ip(104)]]) });
    world.reply(MESSAGE.OFFER);
    const [discover, request] = world
      .sent()
      .map(({ request: { options } }) => [...options.keys()].sort((a, b) => a - b));
    expect(discover).toEqual([12, 55, 57, 61]);
    expect(request).toEqual([12, 50, 54, 55, 57, 61]);
  });

  it("takes no time for probes when the server took longer than they do", () => {
    const world = new World();
    world.reply(MESSAGE.OFFER);
    world.now += 25;
    expect(types(world.reply(MESSAGE.ACK))).toEqual(["bound"]);
  });

  it("asks for replies by broadcast where it is told to", () => {
    const world = new World({ broadcast: true });
    world.reply(MESSAGE.OFFER);
    expect(world.sent().map(({ request: { flags } }) => flags)).toEqual([0x8000, 0x8000]);
  });

  it("has one client identifier in all messages", () => {
    const world = new World({ provide: new Map([[OPTION.CLIENT_IDENTIFIER, ip(9)]]) });
    world.bind();
    world.tell({ kind: "release" });
    expect(world.sent().map(({ request }) => request.options.get(OPTION.CLIENT_IDENTIFIER))).toEqual([ip(9)]);
  });

  it.each([
    ["of another exchange", { xid: 5 }],
    ["of an address that is nobody's", { yiaddr: ip(127, 0, 0, 1) }],
    ["without a server", { options: [[OPTION.SERVER_IDENTIFIER, ip(1)] as [number, Uint8Array]] }],
  ])("passes over an offer %s", (_, change) => {
    const world = new World();
    expect(world.reply(MESSAGE.OFFER, change)).toEqual([]);
    expect(world.state.phase).toBe("selecting");
  });

  it("passes over the answers of other servers than the one it chose", () => {
    const world = new World();
    world.reply(MESSAGE.OFFER);
    const options: [number, Uint8Array][] = [[OPTION.SERVER_IDENTIFIER, ip(10, 0, 0, 2)]];
    for (const type of [MESSAGE.OFFER, MESSAGE.ACK, MESSAGE.NAK]) expect(world.reply(type, { options })).toEqual([]);
    expect(world.state.phase).toBe("requesting");
  });

  it("passes over what comes twice", () => {
    const world = new World();
    world.reply(MESSAGE.OFFER);
    expect(world.reply(MESSAGE.OFFER)).toEqual([]);
    world.bind();
    expect(world.reply(MESSAGE.ACK)).toEqual([]);
    expect(world.state.phase).toBe("bound");
  });

  it("ends in upstream's words where the server says no mask, and gives the address back", () => {
    const world = new World();
    world.reply(MESSAGE.OFFER);
    const reply = {
      type: MESSAGE.ACK,
      xid: "xid" in world.state ? world.state.xid : 0,
      chaddr: MAC,
      yiaddr: ADDRESS,
      options: new Map([[OPTION.SERVER_IDENTIFIER, SERVER]]),
    };
    const actions = world.tell({ kind: "reply", reply, mac: SERVER_MAC });
    expect(types(actions)).toEqual([MESSAGE.RELEASE, "failed"]);
    expect(actions[1]).toMatchObject({ reason: "DHCP option Subnet Mask not found in DHCPACK" });
  });
});

describe("silence", () => {
  it("is answered with a second message after a second, then with longer and longer waits", () => {
    const world = new World();
    const waits: number[] = [];
    while (waits.length < 7) {
      waits.push(world.state.wakeAt - world.now);
      world.wake();
    }
    expect(waits).toEqual([1000, 10_000, 20_000, 40_000, 62_000, 62_000, 62_000]);
    expect(types(world.actions)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect(world.sent().at(-1)?.request.secs).toBe(257);
  });

  it("after the offer begins anew with other servers", () => {
    const world = new World();
    world.reply(MESSAGE.OFFER);
    world.actions = [];
    for (let i = 0; i < 4; i++) world.wake();
    expect(types(world.actions)).toEqual([3, 3, 3, 1]);
  });

  it("is spread by chance", () => {
    const waits = [0, 0.5, 0.999].map((random) => begin({ settings, now: 0, random: () => random })[0].wakeAt);
    expect(waits).toEqual([900, 1000, expect.closeTo(1100, 0)]);
  });
});

describe("a NAK", () => {
  it("leads back to the beginning at once, and for ever less and less often", () => {
    const world = new World();
    world.reply(MESSAGE.OFFER);
    expect(types(world.reply(MESSAGE.NAK))).toEqual([MESSAGE.DISCOVER]);
    world.actions = [];
    while (world.now < 209_000) {
      if (world.state.phase === "selecting") world.reply(MESSAGE.OFFER);
      if (world.state.phase === "requesting") world.reply(MESSAGE.NAK);
      else world.wake();
    }
    expect(world.sent().length).toBeLessThan(20);
  });

  it.each(["renewing", "rebinding"])("while %s takes the address away at once", (phase) => {
    const world = new World().bind();
    while (world.state.phase !== phase) world.wake();
    world.actions = [];
    expect(types(world.reply(MESSAGE.NAK))).toEqual(["lost", MESSAGE.DISCOVER]);
    expect(leaseOf(world.state)).toBeUndefined();
  });

  it("of somebody else while renewing means nothing", () => {
    const world = new World().bind();
    world.wake();
    expect(world.reply(MESSAGE.NAK, { options: [[OPTION.SERVER_IDENTIFIER, ip(10, 0, 0, 9)]] })).toEqual([]);
  });
});

describe("an address that somebody has", () => {
  const claim = { kind: "claim", ip: ADDRESS } as const;

  it("is declined when the server has given it, and another one is looked for", () => {
    const world = new World();
    world.reply(MESSAGE.OFFER);
    expect(world.tell(claim)).toEqual([]);
    expect(types(world.reply(MESSAGE.ACK))).toEqual([MESSAGE.DECLINE, MESSAGE.DISCOVER]);
    const decline = world.sent().find(({ request }) => request.type === MESSAGE.DECLINE)?.request;
    expect(decline?.options.get(OPTION.REQUESTED_ADDRESS)).toEqual(ADDRESS);
    expect([...(decline?.options.keys() ?? [])]).toEqual([50, 54, 61]);
  });

  it("is declined as well when that is heard after the ACK", () => {
    const world = new World();
    world.reply(MESSAGE.OFFER);
    world.reply(MESSAGE.ACK);
    expect(types(world.tell(claim))).toEqual([MESSAGE.DECLINE, MESSAGE.DISCOVER]);
  });

  it("is not another one", () => {
    const world = new World();
    world.reply(MESSAGE.OFFER);
    world.tell({ ...claim, ip: ip(10, 0, 0, 6) });
    world.now += 25;
    expect(types(world.reply(MESSAGE.ACK))).toEqual(["bound"]);
  });

  it("is not looked for on a link whose interfaces share a MAC address", () => {
    const world = new World({ probes: false });
    expect(types(world.reply(MESSAGE.OFFER))).toEqual([MESSAGE.REQUEST]);
    expect(types(world.reply(MESSAGE.ACK))).toEqual(["bound"]);
  });
});

describe("a lease", () => {
  it("is renewed at T1 with its server alone, from its address, without 50 and 54", () => {
    const world = new World().bind();
    expect(world.state.wakeAt).toBe(1000 + 400_000);
    world.wake();
    expect(world.sent()).toMatchObject([
      { destination: SERVER, source: ADDRESS, mac: SERVER_MAC, request: { type: MESSAGE.REQUEST, ciaddr: ADDRESS } },
    ]);
    expect([...(world.sent()[0]?.request.options.keys() ?? [])]).toEqual([55, 57, 61]);
    const since = world.now;
    world.now += 3;
    expect(types(world.reply(MESSAGE.ACK))).toEqual(["bound"]);
    expect(world.state.wakeAt).toBe(since + 400_000);
  });

  it("is rebound at T2 with any server that answers, and ends when its time is over, whatever was tried", () => {
    const world = new World().bind();
    const seen: [number, string, string][] = [];
    for (let lost = false; !lost; ) {
      const actions = world.wake();
      lost = actions.some(({ kind }) => kind === "lost");
      if (!lost) seen.push([(world.now - 1000) / 1000, world.state.phase, String(world.sent().at(-1)?.destination)]);
    }
    expect(seen).toEqual([
      [400, "renewing", String(SERVER)],
      [550, "renewing", String(SERVER)],
      [625, "renewing", String(SERVER)],
      [665, "renewing", String(SERVER)],
      [700, "rebinding", String(EVERYBODY)],
      [750, "rebinding", String(EVERYBODY)],
      [790, "rebinding", String(EVERYBODY)],
    ]);
    expect(world.now).toBe(1000 + 800_000);
    expect(world.state.phase).toBe("selecting");
  });

  it("that is short has attempts as well", () => {
    const world = new World();
    const options: [number, Uint8Array][] = [[OPTION.LEASE_TIME, ip(0, 0, 0, 10)]];
    world.reply(MESSAGE.OFFER, { options });
    world.reply(MESSAGE.ACK, { options });
    world.wake();
    world.actions = [];
    while (world.state.phase !== "selecting") world.wake();
    expect(world.now).toBe(11_000);
    expect(world.sent().length).toBeGreaterThan(4);
    expect(world.sent().length).toBeLessThan(15);
  });

  it("is rebound with another server's answer", () => {
    const world = new World().bind();
    while (world.state.phase !== "rebinding") world.wake();
    const other = ip(10, 0, 0, 2);
    world.reply(MESSAGE.ACK, { options: [[OPTION.SERVER_IDENTIFIER, other]] });
    expect(leaseOf(world.state)?.server).toEqual(other);
  });

  it("may come with another address: both leases are told", () => {
    const world = new World().bind();
    world.wake();
    world.actions = [];
    const yiaddr = ip(10, 0, 0, 77);
    expect(world.reply(MESSAGE.ACK, { yiaddr })).toMatchObject([
      { kind: "bound", lease: { ip: yiaddr }, before: { ip: ADDRESS } },
    ]);
  });

  it("is none where the answer comes, or is read, when its time is over", () => {
    const late = new World();
    late.reply(MESSAGE.OFFER);
    late.now += 800_000;
    late.reply(MESSAGE.ACK);
    expect([late.state.phase, leaseOf(late.state)]).toEqual(["selecting", undefined]);
    const kept = new World().bind();
    kept.wake();
    kept.now += 800_000;
    expect(kept.reply(MESSAGE.ACK)).toMatchObject([{ kind: "lost" }, { kind: "send" }]);
  });

  it("is given back from its address to its server alone", () => {
    const world = new World().bind();
    expect(world.tell({ kind: "release" })).toMatchObject([
      { source: ADDRESS, destination: SERVER, mac: SERVER_MAC, request: { type: MESSAGE.RELEASE, ciaddr: ADDRESS } },
    ]);
    expect(world.state).toEqual({ phase: "ended", wakeAt: Infinity });
  });

  it("is not given back before there is one", () => {
    const world = new World();
    expect(world.tell({ kind: "release" })).toEqual([]);
    expect(world.state.phase).toBe("ended");
  });

  it("goes on in another process, at whatever time that begins", () => {
    const lease = leaseOf(new World().bind().state) as Lease;
    const phaseAt = (now: number): string =>
      step(resume(lease), { kind: "time" }, { settings, now, random: () => 0 })[0].phase;
    expect([100_000, 500_000, 720_000, 900_000].map(phaseAt)).toEqual(["bound", "renewing", "rebinding", "selecting"]);
  });
});

describe("whatever happens", () => {
  const event: fc.Arbitrary<(world: World) => void> = fc.oneof(
    fc.constant((world: World) => void world.wake()),
    fc.nat(500_000).map((ms) => (world: World) => {
      world.now += ms;
      world.tell({ kind: "time" });
    }),
    fc.tuple(fc.constantFrom(MESSAGE.OFFER, MESSAGE.ACK, MESSAGE.NAK), fc.constantFrom(ADDRESS, ip(10, 0, 0, 9))).map(
      ([type, yiaddr]) =>
        (world: World) =>
          void world.reply(type, { yiaddr }),
    ),
    fc.constant((world: World) => void world.tell({ kind: "claim", ip: ADDRESS })),
  );

  it("the address in use is one whose time is not over, and a bound client wakes before it is", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const world = new World();
        for (const happen of events) {
          const before = world.now;
          happen(world);
          const lease = leaseOf(world.state);
          expect(world.now).toBeGreaterThanOrEqual(before);
          if (lease !== undefined) expect(world.state.wakeAt).toBeLessThanOrEqual(lease.since + 800_000);
          if (lease !== undefined) expect(world.now).toBeLessThan(lease.since + 800_000);
        }
      }),
    );
  });

  it("an address is bound only after an ACK, and lost only after it was bound", () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const world = new World();
        for (const happen of events) happen(world);
        let has = false;
        for (const action of world.actions) {
          if (action.kind === "lost") expect(has).toBe(true);
          if (action.kind === "bound") has = true;
          if (action.kind === "lost") has = false;
        }
      }),
    );
  });
});
