// The bandwidth plugin: limits what a container receives and sends, with the token buckets of the kernel's traffic control.

import { removeLimits, setLimits } from "../../bandwidth/bandwidth.ts";
import { bandwidthSchema, readLimits } from "../../bandwidth/config.ts";
import { bandwidth } from "../../bandwidth/feature.ts";
import type { Limits } from "../../bandwidth/limits.ts";
import { attachmentOf, validAttachments } from "../../cni/attachment.ts";
import { CheckError } from "../../links/check.ts";
import { chainedPlugin } from "../chained.ts";

export const plugin = chainedPlugin<Limits | undefined>({
  name: "bandwidth",
  // Before, a result has no interfaces.
  oldestVersion: "0.3.0",
  keys: [bandwidthSchema],
  read: readLimits,
  change({ invocation, config: limits, result, undo }) {
    if (limits === undefined) return undefined;
    const attachment = attachmentOf(invocation);
    undo.defer(() => removeLimits(attachment, result));
    const { interfaces, warnings } = setLimits(attachment, { limits, netns: invocation.netns });
    for (const warning of warnings) invocation.log(warning);
    const isOurs = ({ name }: { readonly name: string }): boolean => interfaces.some((one) => one.name === name);
    return { ...result, interfaces: [...result.interfaces.filter((one) => !isOurs(one)), ...interfaces] };
  },
  check({ invocation, config: limits }) {
    if (limits === undefined) return;
    const faults = bandwidth.faults(attachmentOf(invocation), { limits, netns: invocation.netns });
    if (faults.length > 0) throw new CheckError(`${faults.join("; ")}; \`bauta restore\` puts it back`);
  },
  end: (invocation) => removeLimits(attachmentOf(invocation), invocation.prevResult),
  collect: (invocation) => bandwidth.collect(invocation.config.name, validAttachments(invocation)),
  unavailable: (limits, _, tryOut) => (limits === undefined ? undefined : bandwidth.unavailable(tryOut)),
});
