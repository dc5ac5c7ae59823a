// What attachments can own in the kernel, for those who look after all of it: the command, and an agent. A new feature is a
// row here.

import { bandwidth } from "./bandwidth/feature.ts";
import { firewall } from "./firewall/feature.ts";
import { hostDevice } from "./host-device/feature.ts";
import { macSpoof } from "./mac-spoof/feature.ts";
import { iptables } from "./masquerade/iptables/backend.ts";
import { nftables } from "./masquerade/nftables/backend.ts";
import type { Feature } from "./owned/feature.ts";
import { portmap } from "./portmap/feature.ts";
import { portmapIptables } from "./portmap/iptables/feature.ts";
import { sbr } from "./sbr/feature.ts";
import { tuning } from "./tuning/feature.ts";

export const FEATURES: readonly Feature[] = [
  nftables,
  iptables,
  macSpoof,
  firewall,
  portmap,
  portmapIptables,
  tuning,
  bandwidth,
  hostDevice,
  sbr,
];
