// One nat table of iptables, in either of its two forms: what a feature that has chains of its own there can do with it.

import type { Cidr, Family } from "../wire/ip.ts";
import type { NatListing } from "./listing.ts";

/** Which chains of the table belong to the feature. */
export interface OwnChains {
  /** What all their names begin with. */
  readonly prefix: string;
  readonly includes: (name: string) => boolean;
  /** The chain whose rules lead to them; POSTROUTING where it is absent. */
  readonly from?: string;
}

/** A rule that leads to a chain of the feature. */
export interface Jump {
  readonly chain: string;
  /** Whose packets it takes; undefined where that is no address or prefix. */
  readonly source: Cidr | undefined;
  readonly comment: string | undefined;
}

/** What to take out of a table. */
export interface Removal {
  readonly jumps: readonly Jump[];
  /** Chains to which no other jump leads; some may be gone already. */
  readonly chains: readonly string[];
}

/** One family's nat table in one form of iptables. */
export interface NatTable {
  readonly family: Family;
  hasChain(chain: string): boolean;
  /** The jumps that are there. Throws NetlinkError, SyscallError or IptablesError. */
  jumps(): readonly Jump[];
  /** All chains and rules, by iptables' own program. Throws SyscallError or IptablesError. */
  list(): NatListing;
  /** Whether there may be chains of this back end at all: false saves the listing. */
  mayHaveChains(): boolean;
  /** Whether there may be jumps, as far as it can be told without iptables' own program: false saves the listing. */
  mayHaveJumps(): boolean;
  /**
   * Shows all jumps to `choose` and takes out what that says, in one step. Where somebody changes the table meanwhile, it
   * is asked again. Throws NetlinkError, SyscallError or IptablesError.
   */
  remove(choose: (jumps: readonly Jump[]) => Removal): void;
}
