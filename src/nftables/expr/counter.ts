// counter: counts the packets and bytes that come by (NFTA_COUNTER_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { u64be } from "../../wire/codec.ts";

export const counter = attrs({
  bytes: attr(1, u64be), // NFTA_COUNTER_BYTES
  packets: attr(2, u64be), // NFTA_COUNTER_PACKETS
});
