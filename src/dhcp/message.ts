// A message of DHCP: RFC 2131 section 2.

import { encode, type Infer, u8, u16be, u32be } from "../wire/codec.ts";
import { decodeWithin, mustHold } from "../wire/error.ts";
import type { Ip } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import { struct } from "../wire/struct.ts";
import { Writer } from "../wire/writer.ts";
import { octets } from "./octets.ts";
import { type Options, readOptions, writeOptions } from "./options.ts";
import { ARP, BOOTP, MAGIC_COOKIE, MESSAGE, OPTION, OVERLOAD } from "./uapi.ts";

const MAC_SIZE = 6;

const address = octets(4);

const header = struct({
  op: u8,
  hardwareType: u8,
  hardwareLength: u8,
  hops: u8,
  xid: u32be,
  secs: u16be,
  flags: u16be,
  ciaddr: address,
  yiaddr: address,
  siaddr: address,
  giaddr: address,
  chaddr: octets(16),
  sname: octets(64),
  file: octets(128),
  cookie: u32be,
});

type Header = Infer<typeof header>;

/** What a client sends. */
export interface Request {
  /** One of MESSAGE. */
  readonly type: number;
  readonly xid: number;
  readonly secs: number;
  readonly flags: number;
  /** The client's address, where it has one; else 0.0.0.0. */
  readonly ciaddr: Ip;
  readonly chaddr: Mac;
  /** All but the message type. */
  readonly options: Options;
}

/** What a server has answered. */
export interface Reply {
  /** OFFER, ACK or NAK of MESSAGE. */
  readonly type: number;
  readonly xid: number;
  readonly chaddr: Mac;
  /** The address that the client is to have. */
  readonly yiaddr: Ip;
  readonly options: Options;
}

/** Messages shorter than that are dropped by some relays (RFC 1542 section 2.1). */
const LEAST_SIZE = 300;

/** The bytes of a message. Throws RangeError where a value has no room in it. */
export function encodeRequest(request: Request): Uint8Array {
  const none = new Uint8Array(0);
  const out = new Writer(LEAST_SIZE);
  header.encode(
    {
      ...request,
      op: BOOTP.REQUEST,
      hardwareType: ARP.ETHERNET,
      hardwareLength: MAC_SIZE,
      hops: 0,
      yiaddr: none,
      siaddr: none,
      giaddr: none,
      sname: none,
      file: none,
      cookie: MAGIC_COOKIE,
    },
    out,
  );
  writeOptions(new Map([...request.options, [OPTION.MESSAGE_TYPE, Uint8Array.of(request.type)]]), out);
  if (out.length < LEAST_SIZE) out.zeros(LEAST_SIZE - out.length);
  return out.bytes().slice();
}

/** The bytes of a message that a server has sent. For tests, which have servers of their own. */
export function encodeReply(reply: Reply & { readonly siaddr?: Ip; readonly flags?: number }): Uint8Array {
  const none = new Uint8Array(0);
  const rest = { op: BOOTP.REPLY, hardwareType: ARP.ETHERNET, hardwareLength: MAC_SIZE, hops: 0, secs: 0 };
  const own = encode(header, {
    flags: 0,
    siaddr: none,
    ...rest,
    ...reply,
    ciaddr: none,
    giaddr: none,
    sname: none,
    file: none,
    cookie: MAGIC_COOKIE,
  });
  const out = new Writer(LEAST_SIZE);
  out.raw(own);
  writeOptions(new Map([...reply.options, [OPTION.MESSAGE_TYPE, Uint8Array.of(reply.type)]]), out);
  return out.bytes().slice();
}

const REPLIES: readonly (number | undefined)[] = [MESSAGE.OFFER, MESSAGE.ACK, MESSAGE.NAK];

/** Reads what a server has sent. Throws DecodeError for whatever is not such a message. */
export function decodeReply(bytes: Uint8Array): Reply {
  return decodeWithin("DHCP", () => {
    const found = header.decode(bytes);
    mustHold(found.op === BOOTP.REPLY, "not a reply");
    mustHold(found.hardwareType === ARP.ETHERNET && found.hardwareLength === MAC_SIZE, "not for Ethernet");
    mustHold(found.cookie === MAGIC_COOKIE, "no magic cookie");
    const options = allOptions(found, bytes.subarray(header.size));
    const type = options.get(OPTION.MESSAGE_TYPE);
    mustHold(type?.length === 1 && REPLIES.includes(type[0]), "not an offer, an ACK or a NAK");
    return {
      type: type?.[0] ?? 0,
      xid: found.xid,
      chaddr: found.chaddr.subarray(0, MAC_SIZE),
      yiaddr: found.yiaddr,
      options,
    };
  });
}

/** Those behind the header; then, where these say so, those of `file` and of `sname` (RFC 3396 section 5 has this order). */
function allOptions({ file, sname }: Header, behind: Uint8Array): Options {
  const options = new Map<number, Uint8Array>();
  readOptions(behind, options);
  const overload = options.get(OPTION.OVERLOAD);
  if (overload === undefined) return options;
  const bits = overload[0] ?? 0;
  mustHold(
    overload.length === 1 && bits >= OVERLOAD.FILE && bits <= (OVERLOAD.FILE | OVERLOAD.SNAME),
    "no such overload",
  );
  if ((bits & OVERLOAD.FILE) !== 0) readOptions(file, options);
  if ((bits & OVERLOAD.SNAME) !== 0) readOptions(sname, options);
  return options;
}
