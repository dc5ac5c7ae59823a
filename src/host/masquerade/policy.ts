// Policies: what becomes of the packets of an address. Each distinct one is a chain, shared by all addresses that have it.

import type { Expression } from "../../nftables/expression.ts";
import { counter, ipDaddr, masquerade, returnVerdict } from "../../nftables/match.ts";
import { type Cidr, formatCidr, networkOf } from "../../wire/ip.ts";

export interface Policy {
  /** The chain's name: a letter, then letters, digits and `/ - _ .`, which is what nft can read back. */
  readonly chain: string;
  readonly rules: readonly (readonly Expression[])[];
}

/**
 * The policy of an address with this prefix: everything that leaves its subnet is masqueraded. Source ports are chosen
 * at random, because the kernel otherwise drops packets when two flows race for one port.
 */
export function policyFor(address: Cidr): Policy {
  const subnet = networkOf(address);
  return {
    chain: `outside-${formatCidr(subnet).replaceAll(":", "-")}`,
    rules: [
      [...ipDaddr(subnet), ...returnVerdict()],
      [...counter(), ...masquerade({ fullyRandom: true })],
    ],
  };
}
