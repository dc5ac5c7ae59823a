// What an IPAM plugin is to a plugin that calls it in the same process: the verbs of a plugin, without what only a process has.

import type { Invocation } from "../cni/plugin.ts";
import type { Result } from "../cni/result.ts";

/** What an IPAM plugin looks at; any Invocation will do. */
export type IpamCall = Pick<Invocation, "config" | "containerId" | "ifname" | "args" | "prevResult" | "log">;

export interface Ipam {
  /** Takes addresses and returns them as IPs, routes and DNS, without interfaces. Nothing is taken when it throws. */
  readonly add: (call: IpamCall) => Result;
  /** Throws where the addresses are not as ADD left them. */
  readonly check: (call: IpamCall) => void;
  /** Gives the addresses back; none to give back is no error. */
  readonly del: (call: IpamCall) => void;
  /** Gives back what attachments hold that `config.validAttachments` doesn't name. */
  readonly gc: (call: IpamCall) => void;
  /** Throws CniError 50 where ADD would find no address. */
  readonly status: (call: IpamCall) => void;
}
