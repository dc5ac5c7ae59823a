// What `bauta doctor` looks at, in the order in which it tells of it. A new check is a file, and a row here.

import { bridgeRules } from "./bridge-netfilter.ts";
import { configurations } from "./configurations.ts";
import { executables } from "./executables.ts";
import type { Check } from "./finding.ts";
import { firewalls } from "./firewalls.ts";
import { flows } from "./flows.ts";
import { forwarding } from "./forwarding.ts";
import { inotify } from "./inotify.ts";
import { kernel } from "./kernel.ts";
import { leftovers } from "./leftovers.ts";
import type { Node } from "./node.ts";
import { ranges } from "./ranges.ts";
import { reversePath } from "./reverse-path.ts";
import { routerAdvertisements } from "./router-advertisements.ts";
import { space } from "./space.ts";
import { subnets } from "./subnets.ts";

export const CHECKS: readonly Check<Node>[] = [
  configurations,
  executables,
  kernel,
  forwarding,
  routerAdvertisements,
  reversePath,
  bridgeRules,
  firewalls,
  subnets,
  ranges,
  leftovers,
  flows,
  space,
  inotify,
];
