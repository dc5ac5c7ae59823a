// The messages that a client of DHCPv6 sends, option by option: RFC 8415 section 18.2 and appendix B.

import { encode, u16be } from "../../wire/codec.ts";
import type { Ip } from "../../wire/ip.ts";
import { encodeAssociation, type Option6, type Request6 } from "./message.ts";
import { MESSAGE6, OPTION6 } from "./uapi.ts";

/** Who a client is. */
export interface Identity {
  readonly duid: Uint8Array;
  /** Which of the interfaces of one DUID. */
  readonly iaid: number;
}

const ELAPSED_MAX = 0xffff;

/** What servers are asked for: options 23 and 24. */
const ASKED: Uint8Array = Uint8Array.of(0, OPTION6.DNS_SERVERS, 0, OPTION6.DOMAIN_LIST);

/** Messages that are for one server. */
const TO_ONE: readonly number[] = [MESSAGE6.REQUEST, MESSAGE6.RENEW, MESSAGE6.RELEASE, MESSAGE6.DECLINE];
/** Messages that give back what a server has given. */
const GIVING_BACK: readonly number[] = [MESSAGE6.RELEASE, MESSAGE6.DECLINE];

/** A message; `elapsed` is in milliseconds since the first of its exchange, `about` the address that it is about, and its server. */
export function message(
  { duid, iaid }: Identity,
  type: number,
  { xid, elapsed }: { readonly xid: number; readonly elapsed: number },
  about: { readonly ip: Ip; readonly server: Uint8Array } | undefined,
): Request6 {
  const hundredths = Math.min(ELAPSED_MAX, Math.max(0, Math.floor(elapsed / 10)));
  const options: Option6[] = [
    [OPTION6.CLIENTID, duid],
    [OPTION6.ELAPSED_TIME, encode(u16be, hundredths).slice()],
  ];
  if (about !== undefined && TO_ONE.includes(type)) options.push([OPTION6.SERVERID, about.server]);
  if (type !== MESSAGE6.INFORMATION_REQUEST) {
    options.push([OPTION6.IA_NA, encodeAssociation(iaid, about === undefined ? [] : [about.ip])]);
  }
  if (type === MESSAGE6.SOLICIT) options.push([OPTION6.RAPID_COMMIT, new Uint8Array(0)]);
  if (!GIVING_BACK.includes(type)) options.push([OPTION6.ORO, ASKED]);
  return { type, xid, options };
}
