// A message of DHCPv6: RFC 8415 sections 8 and 21.

import { encode, type Infer, joinBytes, u16be, u32be } from "../../wire/codec.ts";
import { DecodeError, decodeWithin, mustHold } from "../../wire/error.ts";
import type { Ip } from "../../wire/ip.ts";
import { struct } from "../../wire/struct.ts";
import { Writer } from "../../wire/writer.ts";
import { octets } from "../octets.ts";
import { MESSAGE6, OPTION6, STATUS } from "./uapi.ts";

const IP_SIZE = 16;

/** The message type stands in front of an id of 24 bits. */
const header = struct({ typeAndXid: u32be });
const XID_BITS = 0xffffff;
const TYPE_SHIFT = 24;

const optionHeader = struct({ code: u16be, length: u16be });

/** Section 21.4; options come behind. */
const association = struct({ iaid: u32be, t1: u32be, t2: u32be });

/** Section 21.6; options come behind. */
const associated = struct({ ip: octets(IP_SIZE), preferred: u32be, valid: u32be });

/** An option, by its number. */
export type Option6 = readonly [code: number, value: Uint8Array];

/** What a client sends. */
export interface Request6 {
  /** One of MESSAGE6. */
  readonly type: number;
  readonly xid: number;
  readonly options: readonly Option6[];
}

/** An address of an association, and for how many seconds it is preferred and valid. */
export interface Associated extends Infer<typeof associated> {
  /** One of STATUS, or another that nobody knows. */
  readonly status: number;
}

/** The addresses of one interface. */
export interface Association extends Infer<typeof association> {
  readonly status: number;
  readonly addresses: readonly Associated[];
}

/** What a server has answered. */
export interface Reply6 {
  /** ADVERTISE or REPLY. */
  readonly type: number;
  readonly xid: number;
  readonly clientId: Uint8Array | undefined;
  readonly serverId: Uint8Array | undefined;
  readonly status: number;
  readonly preference: number;
  readonly isRapid: boolean;
  readonly associations: readonly Association[];
  readonly nameservers: readonly Ip[];
  /** The search list, as it was sent. */
  readonly domains: Uint8Array;
}

/** The bytes of a message. Throws RangeError where a value has no room in it. */
export function encodeRequest6({ type, xid, options }: Request6): Uint8Array {
  const out = new Writer(128);
  header.encode({ typeAndXid: ((type << TYPE_SHIFT) | (xid & XID_BITS)) >>> 0 }, out);
  out.raw(encodeOptions(options));
  return out.bytes().slice();
}

/** The value of an IA_NA with these addresses, and the times 0: it is for the server to say them. */
export function encodeAssociation(iaid: number, addresses: readonly Ip[]): Uint8Array {
  const options = addresses.map((ip): Option6 => [OPTION6.IAADDR, encode(associated, { ip, preferred: 0, valid: 0 })]);
  return joinBytes(encode(association, { iaid, t1: 0, t2: 0 }), encodeOptions(options));
}

/** The bytes of a message that a server has sent. For tests, which have servers of their own. */
export function encodeReply6(reply: Omit<Reply6, "status"> & { readonly status?: number }): Uint8Array {
  const { type, xid, clientId, serverId, status, preference, isRapid, associations, nameservers, domains } = reply;
  const only = (code: number, value: Uint8Array | undefined): Option6[] => (value === undefined ? [] : [[code, value]]);
  const said = (one: number | undefined): Option6[] =>
    only(OPTION6.STATUS_CODE, one === undefined || one === STATUS.SUCCESS ? undefined : encode(u16be, one).slice());
  const options: Option6[] = [
    ...only(OPTION6.CLIENTID, clientId),
    ...only(OPTION6.SERVERID, serverId),
    ...said(status),
    ...(preference === 0 ? [] : only(OPTION6.PREFERENCE, Uint8Array.of(preference))),
    ...(isRapid ? only(OPTION6.RAPID_COMMIT, new Uint8Array(0)) : []),
    ...associations.map((one): Option6 => {
      const inner = one.addresses.map(
        (address): Option6 => [
          OPTION6.IAADDR,
          joinBytes(encode(associated, address), encodeOptions(said(address.status))),
        ],
      );
      return [OPTION6.IA_NA, joinBytes(encode(association, one), encodeOptions([...said(one.status), ...inner]))];
    }),
    ...(nameservers.length === 0 ? [] : only(OPTION6.DNS_SERVERS, nameservers.reduce(joinBytes))),
    ...(domains.length === 0 ? [] : only(OPTION6.DOMAIN_LIST, domains)),
  ];
  return encodeRequest6({ type, xid, options });
}

/** Reads what a server has sent. Throws DecodeError for whatever is not such a message. */
export function decodeReply6(bytes: Uint8Array): Reply6 {
  return decodeWithin("DHCPv6", () => {
    const { typeAndXid } = header.decode(bytes);
    const type = typeAndXid >>> TYPE_SHIFT;
    mustHold(type === MESSAGE6.ADVERTISE || type === MESSAGE6.REPLY, "not an answer to a client");
    const options = readOptions(bytes.subarray(header.size));
    const preference = first(options, OPTION6.PREFERENCE);
    mustHold(preference === undefined || preference.length === 1, "a preference that is none");
    return {
      type,
      xid: typeAndXid & XID_BITS,
      clientId: first(options, OPTION6.CLIENTID),
      serverId: first(options, OPTION6.SERVERID),
      status: statusOf(options),
      preference: preference?.[0] ?? 0,
      isRapid: first(options, OPTION6.RAPID_COMMIT) !== undefined,
      associations: all(options, OPTION6.IA_NA).map(readAssociation),
      nameservers: addressesIn(first(options, OPTION6.DNS_SERVERS) ?? new Uint8Array(0)),
      domains: first(options, OPTION6.DOMAIN_LIST) ?? new Uint8Array(0),
    };
  });
}

/** The addresses of IPv6 that stand one behind the other; none where the length is not that of such a list. */
export function addressesIn(list: Uint8Array): Ip[] {
  if (list.length % IP_SIZE !== 0) return [];
  return Array.from({ length: list.length / IP_SIZE }, (_, i) => list.slice(i * IP_SIZE, (i + 1) * IP_SIZE));
}

function readAssociation(value: Uint8Array): Association {
  return decodeWithin("IA_NA", () => {
    const options = readOptions(value.subarray(association.size));
    const addresses = all(options, OPTION6.IAADDR).map(readAddress);
    return { ...association.decode(value), status: statusOf(options), addresses };
  });
}

function readAddress(value: Uint8Array): Associated {
  return decodeWithin("IAADDR", () => {
    const found = associated.decode(value);
    return { ...found, status: statusOf(readOptions(value.subarray(associated.size))) };
  });
}

/** That there is none says success (section 21.13). */
function statusOf(options: readonly Option6[]): number {
  const value = first(options, OPTION6.STATUS_CODE);
  if (value === undefined) return STATUS.SUCCESS;
  mustHold(value.length >= 2, "a status that is none");
  return u16be.decode(value.subarray(0, 2));
}

function readOptions(field: Uint8Array): Option6[] {
  const options: Option6[] = [];
  for (let at = 0; at < field.length; ) {
    const { code, length } = optionHeader.decode(field.subarray(at));
    const start = at + optionHeader.size;
    at = start + length;
    if (at > field.length) throw new DecodeError(`option ${code} is longer than the field that it is in`);
    options.push([code, field.slice(start, at)]);
  }
  return options;
}

function encodeOptions(options: readonly Option6[]): Uint8Array {
  const out = new Writer(64);
  for (const [code, value] of options) {
    optionHeader.encode({ code, length: value.length }, out);
    out.raw(value);
  }
  return out.bytes().slice();
}

/** Of an option that may stand once, the first counts. */
function first(options: readonly Option6[], code: number): Uint8Array | undefined {
  return options.find(([one]) => one === code)?.[1];
}

function all(options: readonly Option6[], code: number): Uint8Array[] {
  return options.flatMap(([one, value]) => (one === code ? [value] : []));
}
