// `bauta restore`: limits that the records tell of come back into the kernel.

import type { Restoration } from "../owned/feature.ts";
import { removeLimits } from "./bandwidth.ts";
import { faultsOf } from "./faults.ts";
import { aliasOf } from "./names.ts";
import { planOf } from "./plan.ts";
import { type LimitRecord, records } from "./records.ts";
import { shape } from "./shape.ts";
import { withRecorded } from "./target.ts";

/** Puts back what is missing or altered of every live attachment whose link is there. Throws SyscallError. */
export function restoreLimits(): Restoration {
  const { live, problems: passedOver } = records.survey();
  const problems: string[] = [];
  let restored = 0;
  for (const { id, record } of live) {
    try {
      restored += restoreOne(record);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const { network, containerId, ifname } = record.attachment;
      problems.push(`bandwidth of ${network} ${containerId} ${ifname}: ${error.message}`);
    }
    // A DEL that has looked before the limits were back has found nothing to remove. It has renamed the record first.
    if (records.byId(id) === undefined) removeLimits(record.attachment);
  }
  return { attachments: live.map(({ id }) => id), restored, mended: [], passedOver, problems };
}

/** How many ways were missing or altered. */
function restoreOne({ attachment, limits, ...record }: LimitRecord): number {
  const mended = withRecorded({ attachment, limits, ...record }, ({ side, connection, link }) => {
    const [plan, alias] = [planOf(attachment, limits, side), aliasOf(attachment)];
    const ways = new Set(faultsOf(connection, link, plan, alias).map(({ way }) => way));
    if (ways.size > 0) shape(connection, link, plan, alias);
    return ways.size;
  });
  return mended ?? 0;
}
