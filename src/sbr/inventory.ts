// `bauta list`: the rules of each attachment, by its record. `bauta restore`: those that have gone come back.

import { withRecordedNetns } from "../links/namespaces.ts";
import { executeUnlessDone } from "../links/routing-tables.ts";
import { reasonAgainst } from "../owned/commit.ts";
import type { Inventory, ListedAttachment, OwnedState, Restoration } from "../owned/feature.ts";
import { inOrder } from "../owned/inventory.ts";
import { addRule, listRules } from "../rtnetlink/rule.ts";
import { formatIp } from "../wire/ip.ts";
import { records, type SbrRecord, type SourceRule } from "./records.ts";
import { removeRouting } from "./remove.ts";
import { isSameRule, newRule, rulesFrom } from "./rules.ts";

/** Lists the rules of all networks, or of one. Throws NetlinkError or SyscallError. */
export function listRouting(network?: string): Inventory {
  const { live, leaving, problems } = records.survey();
  const all = [
    ...live.map((one) => ({ ...one, isLeaving: false })),
    ...leaving.map((one) => ({ ...one, isLeaving: true })),
  ];
  const attachments = all
    .filter(({ record }) => network === undefined || record.attachment.network === network)
    .map(({ id, record, isLeaving }): ListedAttachment => {
      const missing = missingRules(record);
      const stateOf = (rule: SourceRule): OwnedState => (missing.includes(rule) ? "missing" : "ok");
      const items = record.rules.map((rule) => ({
        address: formatIp(rule.source),
        policy: `sbr table ${rule.table}`,
        ...{ packets: undefined, bytes: undefined, state: isLeaving ? "leaving" : stateOf(rule) },
      }));
      return { id, name: { ...record.attachment, isCut: false }, options: undefined, items };
    });
  return { attachments: inOrder(attachments), faults: problems };
}

/** The recorded rules that the kernel does not have: all where the namespace is gone. */
function missingRules(record: SbrRecord): readonly SourceRule[] {
  const { rules } = record;
  const missing = withRecordedNetns(record, (container) => {
    const present = rulesFrom(
      listRules(container),
      rules.map(({ source }) => source),
    );
    return rules.filter((rule) => !present.some((one) => isSameRule(one, rule)));
  });
  return missing ?? rules;
}

/** Puts back the rules that are missing of every live attachment whose namespace is there. Throws SyscallError. */
export function restoreRouting(): Restoration {
  const { live, problems: passedOver } = records.survey();
  const problems: string[] = [];
  let restored = 0;
  for (const { id, record } of live) {
    const { attachment, priority } = record;
    const { network, containerId, ifname } = attachment;
    const reason = reasonAgainst(() => {
      const missing = missingRules(record);
      withRecordedNetns(record, (container) => {
        const requests = missing.map((rule) => addRule(newRule(rule, priority)));
        executeUnlessDone(container, requests, "EEXIST");
        restored += missing.length;
      });
    });
    if (reason !== undefined) problems.push(`sbr of ${network} ${containerId} ${ifname}: ${reason}`);
    // A DEL that has looked before the rules were back has found nothing to remove. It has renamed the record first.
    if (records.byId(id) !== undefined) continue;
    removeRouting(attachment, { netns: record.netns, sources: record.rules.map(({ source }) => source) });
  }
  return { attachments: live.map(({ id }) => id), restored, mended: [], passedOver, problems };
}
