// A back end of IP masquerade is a feature, for the addresses of an attachment and the options of its network.

import type { Feature } from "../owned/feature.ts";
import type { Cidr } from "../wire/ip.ts";
import type { MasqueradeOptions } from "./options/options.ts";

/** The values of the key "ipMasqBackend". */
export type BackendName = "nftables" | "iptables";

/** What an attachment asks for. */
export interface MasqueradeRequest {
  /** The container's addresses, with the prefix lengths of their subnets. */
  readonly addresses: readonly Cidr[];
  readonly options: MasqueradeOptions;
}

export interface Backend extends Feature<MasqueradeRequest> {
  readonly backend: BackendName;
  /** Whether the back end can do what "ipMasqOptions" ask for. */
  readonly takesOptions: boolean;
}
