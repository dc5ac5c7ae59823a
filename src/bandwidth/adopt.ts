// `bauta adopt`: limits that containernetworking/plugins' bandwidth has set. What is in the kernel stays as it is, down to its numbers,
// where it is what our CHECK takes: an ifb gets our mark, and the attachment a record. So no packet is lost, and none goes without
// its limit. An ifb's name is a digest; the files that runtimes keep tell whose it is, and which limits were asked for.

import type { Attachment } from "../cni/attachment.ts";
import { type Namespaces, withNamespacesIfAny, withNode } from "../links/namespaces.ts";
import type { Adopted, Adoption } from "../owned/feature.ts";
import { type KeptAttachment, keptAttachments } from "../owned/kept.ts";
import { getLink, listLinks, setLink } from "../rtnetlink/link.ts";
import { readLimits } from "./config.ts";
import { faultsOf } from "./faults.ts";
import { limitText } from "./inventory.ts";
import { type Limits, WAYS } from "./limits.ts";
import { aliasOf, isUpstreamName } from "./names.ts";
import { planOf } from "./plan.ts";
import { records } from "./records.ts";
import { targetOf } from "./target.ts";

interface Kept {
  readonly attachment: Attachment;
  readonly netns: string;
  readonly limits: Limits;
}

/** Makes upstream's limits ours; with `isDryRun` it only tells. Throws NetlinkError or SyscallError. */
export function adoptLimits(isDryRun: boolean): Adoption {
  const left: string[] = [];
  const kept = keptAttachments("bandwidth", keptOf, (phrase) => left.push(phrase)).flatMap((one) => one ?? []);
  const adopted: Adopted[] = [];
  for (const one of kept) {
    if (records.read(one.attachment) !== undefined) continue;
    const obstacle = adoptOne(one, isDryRun);
    const { attachment, limits } = one;
    const addresses = WAYS.flatMap((way) => (limits[way] === undefined ? [] : limitText(way, limits[way].rate)));
    if (obstacle === undefined) adopted.push({ attachment, addresses });
    else if (obstacle !== "nothing")
      left.push(`the limits of ${aliasOf(attachment).slice("bauta: ".length)} stay: ${obstacle}`);
  }
  return { adopted, left: [...left, ...unclaimed(kept, isDryRun ? adopted : [])], problems: [] };
}

/** Undefined where no limits were asked for. Throws CniError. */
function keptOf({ attachment, netns, config }: KeptAttachment): Kept | undefined {
  const limits = readLimits({ config: { raw: config } });
  return limits === undefined || netns === undefined ? undefined : { attachment, netns, limits };
}

/** What is in the way; "nothing" where the container is gone, or upstream has set no limit. */
function adoptOne({ attachment, netns, limits }: Kept, isDryRun: boolean): string | undefined {
  const adopt = (namespaces: Namespaces): string | undefined => {
    if (getLink(namespaces.container, attachment.ifname) === undefined) return "nothing";
    const { side, connection, link } = targetOf(namespaces, attachment.ifname);
    if (side !== "node") return "nothing";
    const plan = planOf(attachment, limits, side);
    const faults = faultsOf(connection, link, plan, aliasOf(attachment));
    if (faults.length > 0) {
      const ways = new Set(faults.filter(({ isMissing }) => isMissing).map(({ way }) => way));
      const isNothing = WAYS.every((way) => limits[way] === undefined || ways.has(way));
      return isNothing ? "nothing" : faults.map(({ text }) => text).join("; ");
    }
    if (isDryRun) return undefined;
    const { name, index } = link;
    records.write({ attachment, limits, side, link: { name, index }, netns, ownsClsact: plan.redirects.length > 0 });
    for (const ifb of plan.redirects.flatMap(({ names }) => names)) {
      const found = getLink(connection, ifb);
      if (found?.kind === "ifb" && found.alias === undefined) {
        connection.execute(setLink(found, { alias: aliasOf(attachment) }));
      }
    }
    return undefined;
  };
  const done = withNamespacesIfAny(netns, (namespaces) => ({ obstacle: adopt(namespaces) }));
  return done === undefined ? "nothing" : done.obstacle;
}

/** Upstream's ifbs that are still without a mark. */
function unclaimed(kept: readonly Kept[], aboutToBe: readonly Adopted[]): string[] {
  const known = new Set(
    kept
      .filter(({ attachment }) => aboutToBe.some((one) => one.attachment === attachment))
      .flatMap(({ attachment, limits }) => planOf(attachment, limits, "node").redirects.flatMap(({ names }) => names)),
  );
  return withNode((node) => listLinks(node, { kind: "ifb" }))
    .filter(({ name, alias }) => alias === undefined && isUpstreamName(name) && !known.has(name))
    .map(({ name }) => `the interface ${name} stays: no container runtime's record tells whose it is`);
}
