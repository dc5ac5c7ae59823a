// Waiting until IPv6 addresses can be used: duplicate address detection (RFC 4862 section 5.4) takes a second or two.

import type { Connection } from "../netlink/connection.ts";
import { type Address, isTentative, listAddresses } from "../rtnetlink/address.ts";
import { getOperState } from "../rtnetlink/brief-link.ts";
import { type Device, deviceText } from "../rtnetlink/device.ts";
import { IF_OPER, IFA_F, RTNLGRP } from "../rtnetlink/uapi.ts";
import { formatIp } from "../wire/ip.ts";
import { awaitEvent, type Watch, withWatch } from "./watch.ts";

const SETTLE_TIMEOUT_MS = 5000; // as upstream has it

/** Listens to what happens to IPv6 addresses in the namespace; open it before the addresses are added. */
export function withAddressWatch<T>(netns: number, use: (watch: Watch) => T): T {
  return withWatch(netns, [RTNLGRP.IPV6_IFADDR], use);
}

/**
 * Waits until no address of the link is tentative. Throws an Error where another station has one of them, or where they
 * are still tentative after `timeoutMs` though the link carries frames.
 */
export function settleAddresses(
  connection: Connection,
  device: Device,
  watch: Watch,
  timeoutMs: number = SETTLE_TIMEOUT_MS,
): void {
  let waiting: readonly Address[] = [];
  const isSettled = awaitEvent(watch, timeoutMs, () => {
    waiting = tentativeAddresses(connection, device);
    return waiting.length === 0 || undefined;
  });
  // Detection can't begin without a carrier, and the carrier comes with the peer that connects the link.
  if (isSettled || getOperState(connection, device) !== IF_OPER.UP) return;
  throw new Error(`${deviceText(device)} still has tentative addresses after ${timeoutMs} ms: ${names(waiting)}`);
}

function tentativeAddresses(connection: Connection, device: Device): Address[] {
  const addresses = listAddresses(connection, { device, family: 6 });
  const duplicates = addresses.filter(({ flags }) => (flags & IFA_F.DADFAILED) !== 0);
  if (duplicates.length > 0) {
    throw new Error(
      `another station on the link of ${deviceText(device)} already has the address ${names(duplicates)}`,
    );
  }
  return addresses.filter(isTentative);
}

function names(addresses: readonly Address[]): string {
  return addresses.map(({ ip }) => formatIp(ip)).join(", ");
}
