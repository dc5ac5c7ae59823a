// The address of a lease on its interface. It has the lease's lifetimes: where the daemon is not there to renew them, the kernel
// takes the address away in time.

import { deleteAddress, replaceAddress } from "../../rtnetlink/address.ts";
import { IFA_F } from "../../rtnetlink/uapi.ts";
import { hasCode } from "../../sys/error.ts";
import type { Ip } from "../../wire/ip.ts";
import { type Interface, withInterface } from "../interface.ts";
import type { Lease6 } from "./lease.ts";
import { LEASE_PREFIX } from "./result.ts";
import { INFINITY } from "./uapi.ts";

/** Gives the interface the address, or gives it the time that is left of the lease. Throws GoneError, NetlinkError. */
export function assign(where: Interface, { ip, preferred, valid, since }: Lease6, now: number): void {
  const passed = Math.floor((now - since) / 1000);
  const left = (seconds: number): number => (seconds === INFINITY ? seconds : Math.max(0, seconds - passed));
  const lifetime = { preferred: left(preferred), valid: Math.max(1, left(valid)) };
  const address = { ip, prefixLength: LEASE_PREFIX, flags: IFA_F.NOPREFIXROUTE, lifetime };
  withInterface(where, ({ container, link }) => container.execute(replaceAddress(link, address)));
}

/** Takes the address off the interface; that it is gone already is no error. Throws GoneError, NetlinkError. */
export function takeAway(where: Interface, ip: Ip): void {
  withInterface(where, ({ container, link }) => {
    try {
      container.execute(deleteAddress(link, { ip, prefixLength: LEASE_PREFIX }));
    } catch (error) {
      if (!hasCode(error, "EADDRNOTAVAIL")) throw error;
    }
  });
}
