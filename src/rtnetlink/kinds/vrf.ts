// IFLA_INFO_DATA of a VRF device (include/uapi/linux/if_link.h, IFLA_VRF_*).

import { attr, attrs } from "../../wire/attrs.ts";
import { u32 } from "../../wire/codec.ts";
import { IFLA_VRF } from "../uapi.ts";

/** `ip link add … type vrf table …`; the kernel makes none without a table. */
export const vrf = attrs({ table: attr(IFLA_VRF.TABLE, u32) });
