// What an attachment asks of the firewall, as the plugin has read it of a configuration.

import type { Ip } from "../wire/ip.ts";

/**
 * Which packets that come in through the container's bridge may go on: all; all but those to the bridges of other networks;
 * or all but those and those to the same bridge. Upstream's key "ingressPolicy".
 */
export const INGRESS_POLICIES = ["open", "same-bridge", "isolated"] as const;
export type IngressPolicy = (typeof INGRESS_POLICIES)[number];
export type IsolatingPolicy = Exclude<IngressPolicy, "open">;

/** Who lets a container's packets through where another firewall would drop them. Upstream's key "backend". */
export const BACKENDS = ["nftables", "iptables", "firewalld"] as const;
export type BackendName = (typeof BACKENDS)[number];

/** What an attachment asks for. */
export interface Protection {
  /** Whose packets are let through. */
  readonly addresses: readonly Ip[];
  /** The interface of the node by which the container is reached; undefined where nobody knew of one. */
  readonly bridge: string | undefined;
  /** The node's end of the container's veth pair, where that is a port of the bridge; undefined where nobody knew of one. */
  readonly port: string | undefined;
  readonly policy: IngressPolicy;
  /** Undefined: nf_tables, and whatever else it takes on the node as it is now. */
  readonly backend: BackendName | undefined;
  /** The chain for the administrator's own rules. */
  readonly adminChain: string;
  /** The zone of firewalld that the addresses are sources of, where firewalld decides. */
  readonly zone: string;
}
