// The plugins of this suite. A new one is a folder, src/plugins/NAME/plugin.ts, and a row here; all.test.ts names the places
// that a plugin must not miss.

import type { OwnPlugin } from "../cni/plugin.ts";
import { plugin as bandwidth } from "./bandwidth/plugin.ts";
import { plugin as bridge } from "./bridge/plugin.ts";
import { plugin as dhcp } from "./dhcp/plugin.ts";
import { plugin as dummy } from "./dummy/plugin.ts";
import { plugin as firewall } from "./firewall/plugin.ts";
import { plugin as hostDevice } from "./host-device/plugin.ts";
import { plugin as hostLocal } from "./host-local/plugin.ts";
import { plugin as ipvlan } from "./ipvlan/plugin.ts";
import { plugin as loopback } from "./loopback/plugin.ts";
import { plugin as macvlan } from "./macvlan/plugin.ts";
import { plugin as portmap } from "./portmap/plugin.ts";
import { plugin as ptp } from "./ptp/plugin.ts";
import { plugin as sbr } from "./sbr/plugin.ts";
import { plugin as staticPlugin } from "./static/plugin.ts";
import { plugin as tap } from "./tap/plugin.ts";
import { plugin as tuning } from "./tuning/plugin.ts";
import { plugin as vlan } from "./vlan/plugin.ts";
import { plugin as vrf } from "./vrf/plugin.ts";

/** In alphabetical order. */
export const PLUGINS: readonly OwnPlugin[] = [
  bandwidth,
  bridge,
  dhcp,
  dummy,
  firewall,
  hostDevice,
  hostLocal,
  ipvlan,
  loopback,
  macvlan,
  portmap,
  ptp,
  sbr,
  staticPlugin,
  tap,
  tuning,
  vlan,
  vrf,
];

/** The names that the executable is a plugin by. */
export const PLUGIN_NAMES: readonly string[] = PLUGINS.map(({ name }) => name);
