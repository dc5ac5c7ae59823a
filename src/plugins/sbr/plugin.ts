// The sbr plugin (source based routing): packets from an address of the container leave by the interface that has the address.

import { attachmentOf, validAttachments } from "../../cni/attachment.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { addressesOf } from "../../cni/result.ts";
import { CheckError } from "../../links/check.ts";
import { sbr } from "../../sbr/feature.ts";
import { removeRouting } from "../../sbr/remove.ts";
import type { Wanted } from "../../sbr/wanted.ts";
import { type Chained, chainedPlugin } from "../chained.ts";
import { givenTable, readSbrConfig, type SbrConfig, sbrSchema } from "./config.ts";

export const plugin = chainedPlugin<SbrConfig>({
  name: "sbr",
  keys: [sbrSchema],
  read: readSbrConfig,
  change({ undo, ...chained }) {
    const { invocation, result } = chained;
    if (result.ips.length === 0) {
      const problem = `prevResult has no IP addresses for ${invocation.ifname}, and sbr routes by them`;
      throw new CniError(CNI_CODE.INVALID_CONFIG, problem);
    }
    undo.defer(() => end(invocation));
    sbr.setUp(attachmentOf(invocation), wantedOf(chained));
    return undefined;
  },
  check(chained) {
    const attachment = attachmentOf(chained.invocation);
    const faults = sbr.faults(attachment, wantedOf(chained));
    if (faults.length === 0) return;
    throw new CheckError(`routing of ${attachment.ifname} in the container by its addresses: ${faults.join("; ")}`);
  },
  end,
  collect: (invocation) => sbr.collect(invocation.config.name, validAttachments(invocation)),
  unavailable: () => sbr.unavailable(),
});

function wantedOf({ invocation: { netns, ifname }, config, result }: Chained<SbrConfig>): Wanted {
  return { netns, addresses: addressesOf(result, ifname), ...config };
}

/** DEL: by the record, and by what the runtime says, for what upstream's plugin has made. */
function end(invocation: Invocation): void {
  const { netns, ifname, prevResult } = invocation;
  const sources = prevResult === undefined ? [] : addressesOf(prevResult, ifname).map(({ ip }) => ip);
  removeRouting(attachmentOf(invocation), { netns, sources, table: givenTable(invocation) });
}
