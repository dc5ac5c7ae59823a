// What the kernel says of a container's IPv6 while an address is being looked for: addresses, routes and router advertisements.

import type { Dns } from "../../cni/result.ts";
import { readMessages } from "../../netlink/message.ts";
import { NetlinkSocket } from "../../netlink/transport.ts";
import { NETLINK } from "../../netlink/uapi.ts";
import { decodeAddress } from "../../rtnetlink/address.ts";
import { decodeNdOption } from "../../rtnetlink/nd-option.ts";
import { IFA_F, RTM, RTNLGRP } from "../../rtnetlink/uapi.ts";
import { hasCode } from "../../sys/error.ts";
import type { Ip } from "../../wire/ip.ts";
import { type Interface, withInterface } from "../interface.ts";
import { dnsOfOption } from "./nd-dns.ts";

/** What is heard of one interface. */
export interface Heard {
  /** Another station has an address: of one that is not for ever the kernel says so as it takes it away. */
  readonly duplicate: (ip: Ip) => void;
  /** A router has told name servers, or a search list. */
  readonly dns: (dns: Dns) => void;
}

const GROUPS = [RTNLGRP.IPV6_IFADDR, RTNLGRP.IPV6_ROUTE, RTNLGRP.IPV6_IFINFO, RTNLGRP.ND_USEROPT];

/** A socket that the kernel's news come to. */
export class KernelWatch {
  readonly #socket: NetlinkSocket;
  readonly #ifindex: number;

  /** Throws GoneError, or SyscallError. */
  constructor(where: Interface) {
    this.#ifindex = where.ifindex;
    this.#socket = withInterface(where, ({ netns }) => new NetlinkSocket(NETLINK.ROUTE, { netns, groups: GROUPS }));
  }

  get fd(): number {
    return this.#socket.fd;
  }

  /** Takes what has come. That there was too much (ENOBUFS) does not matter: the interface is looked at anyway. */
  read(heard: Heard): void {
    try {
      for (let more = this.#socket.receive(false); more !== undefined; more = this.#socket.receive(false)) {
        for (const message of readMessages(more)) this.#tell(message, heard);
      }
    } catch (error) {
      if (!hasCode(error, "ENOBUFS")) throw error;
    }
  }

  #tell(message: ReturnType<typeof readMessages>[number], heard: Heard): void {
    if (message.type === RTM.NEWADDR || message.type === RTM.DELADDR) {
      const { index, ip, flags } = decodeAddress(message);
      if (index === this.#ifindex && (flags & IFA_F.DADFAILED) !== 0) heard.duplicate(ip);
    } else if (message.type === RTM.NEWNDUSEROPT) {
      const { index, option } = decodeNdOption(message);
      if (index === this.#ifindex) heard.dns(dnsOfOption(option));
    }
  }

  close(): void {
    this.#socket.close();
  }
}
