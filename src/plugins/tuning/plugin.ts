// The tuning plugin: kernel parameters of the container's network namespace, and the settings of the interface that the
// plugins before have made.

import { validAttachments } from "../../cni/attachment.ts";
import { CniError } from "../../cni/error.ts";
import { CheckError } from "../../links/check.ts";
import { withContainerNetns, withRtnetlink } from "../../links/namespaces.ts";
import { inNetns } from "../../sys/netns.ts";
import { readAllowList } from "../../tuning/allow-list.ts";
import { tuning } from "../../tuning/feature.ts";
import { sysctlFaults } from "../../tuning/sysctls.ts";
import { type Chained, chainedPlugin } from "../chained.ts";
import { add } from "./add.ts";
import { readTuning, type Tuning, tuningSchema } from "./config.ts";
import { end } from "./del.ts";
import { findLink, isTuned, linkFaults } from "./link.ts";

export const plugin = chainedPlugin({
  name: "tuning",
  keys: [tuningSchema],
  read: readTuning,
  change: add,
  check,
  end,
  collect: (invocation) => tuning.collect(invocation.config.name, validAttachments(invocation)),
  unavailable,
});

function check({ invocation: { netns: path, ifname }, config }: Chained<Tuning>): void {
  const { sysctls, link: wanted } = config;
  const faults = withContainerNetns(path, (netns) => [
    ...(sysctls.length > 0 ? inNetns(netns, () => sysctlFaults(sysctls)) : []),
    ...(isTuned(wanted) ? withRtnetlink(netns, (container) => linkFaults(findLink(container, ifname), wanted)) : []),
  ]);
  if (faults.length > 0) throw new CheckError(`${ifname} in the container is not as tuned: ${faults.join("; ")}`);
}

/** The allow list, in so far as the configuration sets parameters. */
function unavailable({ sysctls }: Tuning): string | undefined {
  try {
    if (sysctls.length > 0) readAllowList()?.require(sysctls);
    return undefined;
  } catch (error) {
    if (error instanceof CniError) return error.message;
    throw error;
  }
}
