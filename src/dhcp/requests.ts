// The messages that a client sends, field by field: RFC 2131 tables 4 and 5, with upstream's options.

import type { Ip } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import type { Lease } from "./lease.ts";
import type { Request } from "./message.ts";
import type { Options } from "./options.ts";
import { FLAG_BROADCAST, MESSAGE, OPTION } from "./uapi.ts";

/** What a client says of itself, and how long it waits. */
export interface ClientSettings {
  readonly clientId: Uint8Array;
  /** The options that servers are asked for: 55. */
  readonly request: readonly number[];
  /** The options that servers are told. One that the client has itself comes in its place. */
  readonly provide: Options;
  /** Whether replies must come by broadcast. */
  readonly broadcast: boolean;
  /** Whether it is asked by ARP if an address is free. */
  readonly probes: boolean;
  readonly firstMs: number;
  readonly resendMaxMs: number;
}

/** A message, and its way: from which address, to which, and to whom on the link. The interface's MAC address is still missing. */
export interface Outgoing {
  readonly request: Omit<Request, "chaddr">;
  readonly source: Ip;
  readonly destination: Ip;
  readonly mac: Mac;
}

interface Around {
  readonly settings: ClientSettings;
  readonly now: number;
}

interface Exchange {
  readonly xid: number;
  readonly since: number;
}

const NONE: Ip = Uint8Array.of(0, 0, 0, 0);
const EVERYBODY: Ip = Uint8Array.of(255, 255, 255, 255);
export const EVERYBODY_ON_LINK: Mac = Uint8Array.of(255, 255, 255, 255, 255, 255);
const MAX_MESSAGE_SIZE = Uint8Array.of(1500 >> 8, 1500 & 0xff);
const SECS_MAX = 0xffff;

const BROADCAST_WAY = { source: NONE, destination: EVERYBODY, mac: EVERYBODY_ON_LINK };

export function discover(around: Around, exchange: Exchange): Outgoing {
  return { ...BROADCAST_WAY, request: question(around, exchange, MESSAGE.DISCOVER, []) };
}

/** Asks for what a server has offered. */
export function select(
  around: Around,
  exchange: Exchange,
  { ip, server }: { readonly ip: Ip; readonly server: Ip },
): Outgoing {
  const choice: [number, Uint8Array][] = [
    [OPTION.REQUESTED_ADDRESS, ip],
    [OPTION.SERVER_IDENTIFIER, server],
  ];
  return { ...BROADCAST_WAY, request: question(around, exchange, MESSAGE.REQUEST, choice) };
}

/**
 * Asks for more time: the server, by the way that its answer came; the server by everybody on the link, where its address there
 * may have changed; or any server.
 */
export function renew(around: Around, exchange: Exchange, lease: Lease, by: "server" | "link" | "everybody"): Outgoing {
  const request = { ...question(around, exchange, MESSAGE.REQUEST, []), ciaddr: lease.ip };
  return {
    request,
    source: lease.ip,
    destination: by === "everybody" ? EVERYBODY : lease.server,
    mac: by === "server" ? lease.serverMac : EVERYBODY_ON_LINK,
  };
}

/** Gives the lease back. It comes from the address of the lease: servers do not believe others. */
export function release({ settings, now }: Around, lease: Lease): Outgoing {
  const request = {
    ...bare(MESSAGE.RELEASE, now),
    ciaddr: lease.ip,
    options: new Map([[OPTION.SERVER_IDENTIFIER, lease.server], identity(settings)]),
  };
  return { request, source: lease.ip, destination: lease.server, mac: lease.serverMac };
}

/** Says that somebody else has the address. */
export function decline({ settings, now }: Around, lease: Lease): Outgoing {
  const options = new Map([
    [OPTION.REQUESTED_ADDRESS, lease.ip],
    [OPTION.SERVER_IDENTIFIER, lease.server],
    identity(settings),
  ] as const);
  return { ...BROADCAST_WAY, request: { ...bare(MESSAGE.DECLINE, now), options } };
}

function question(
  { settings, now }: Around,
  { xid, since }: Exchange,
  type: number,
  more: readonly (readonly [number, Uint8Array])[],
): Outgoing["request"] {
  const secs = Math.min(SECS_MAX, Math.floor((now - since) / 1000));
  const own = new Map<number, Uint8Array>([
    [OPTION.PARAMETER_REQUEST_LIST, Uint8Array.from(settings.request)],
    [OPTION.MAX_MESSAGE_SIZE, MAX_MESSAGE_SIZE],
    [OPTION.CLIENT_IDENTIFIER, settings.clientId],
  ]);
  if (settings.request.length === 0) own.delete(OPTION.PARAMETER_REQUEST_LIST);
  const flags = settings.broadcast ? FLAG_BROADCAST : 0;
  return { ...bare(type, xid), secs, flags, options: new Map([...own, ...settings.provide, ...more]) };
}

function bare(type: number, xid: number): Outgoing["request"] {
  return { type, xid: Math.floor(xid) >>> 0, secs: 0, flags: 0, ciaddr: NONE, options: new Map() };
}

/** The same in all messages: by another one the server would not find the lease. */
function identity({ provide, clientId }: ClientSettings): [number, Uint8Array] {
  return [OPTION.CLIENT_IDENTIFIER, provide.get(OPTION.CLIENT_IDENTIFIER) ?? clientId];
}
