// `bauta adopt`: limits that containernetworking/plugins' bandwidth has set. What is in the kernel stays as it is, down to its numbers,
// where it is what our CHECK takes: an ifb gets our mark, and the attachment a record. So no packet is lost, and none goes without
// its limit. An ifb's name is a digest; the files that runtimes keep tell whose it is, and which limits were asked for.

import type { Attachment } from "../cni/attachment.ts";
import { type Namespaces, withNamespacesIfAny, withNode } from "../links/namespaces.ts";
import { writeComment } from "../owned/comment.ts";
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

/** What becomes of the limits that an attachment was to have: there may be none in the kernel, as where the container is gone. */
type Fate = { readonly kind: "adopted" | "none" } | { readonly kind: "left"; readonly obstacle: string };

interface Judged extends Kept {
  readonly fate: Fate;
}

/** Makes upstream's limits ours; with `isDryRun` it only tells. Throws NetlinkError or SyscallError. */
export function adoptLimits(isDryRun: boolean): Adoption {
  const left: string[] = [];
  const kept = keptAttachments("bandwidth", keptOf, (phrase) => left.push(phrase)).flatMap((one) => one ?? []);
  const judged = kept
    .filter(({ attachment }) => records.read(attachment) === undefined)
    .map((one): Judged => ({ ...one, fate: adoptOne(one, isDryRun) }));
  const adopted = judged.filter(({ fate }) => fate.kind === "adopted").map(adoptedOf);
  for (const { attachment, fate } of judged)
    if (fate.kind === "left") left.push(`the limits of ${writeComment(attachment)} stay: ${fate.obstacle}`);
  return { adopted, left: [...left, ...unclaimed(judged)], problems: [] };
}

function adoptedOf({ attachment, limits }: Kept): Adopted {
  const addresses = WAYS.flatMap((way) => (limits[way] === undefined ? [] : limitText(way, limits[way].rate)));
  return { attachment, addresses };
}

/** Undefined where no limits were asked for. Throws CniError. */
function keptOf({ attachment, netns, config }: KeptAttachment): Kept | undefined {
  const limits = readLimits({ config: { raw: config } });
  return limits === undefined || netns === undefined ? undefined : { attachment, netns, limits };
}

function adoptOne({ attachment, netns, limits }: Kept, isDryRun: boolean): Fate {
  const adopt = (namespaces: Namespaces): Fate => {
    if (getLink(namespaces.container, attachment.ifname) === undefined) return { kind: "none" };
    const { side, connection, link } = targetOf(namespaces, attachment.ifname);
    if (side !== "node") return { kind: "none" };
    const plan = planOf(attachment, limits, side);
    const faults = faultsOf(connection, link, plan, aliasOf(attachment));
    if (faults.length > 0) {
      const ways = new Set(faults.filter(({ isMissing }) => isMissing).map(({ way }) => way));
      const isNothing = WAYS.every((way) => limits[way] === undefined || ways.has(way));
      return isNothing ? { kind: "none" } : { kind: "left", obstacle: faults.map(({ text }) => text).join("; ") };
    }
    if (isDryRun) return { kind: "adopted" };
    const { name, index } = link;
    records.write({ attachment, limits, side, link: { name, index }, netns, ownsClsact: plan.redirects.length > 0 });
    for (const ifb of plan.redirects.flatMap(({ names }) => names)) {
      const found = getLink(connection, ifb);
      if (found?.kind === "ifb" && found.alias === undefined) {
        connection.execute(setLink(found, { alias: aliasOf(attachment) }));
      }
    }
    return { kind: "adopted" };
  };
  return withNamespacesIfAny(netns, adopt) ?? { kind: "none" };
}

/** Upstream's ifbs that stay without a mark, but for those of which there is something to tell already. */
function unclaimed(judged: readonly Judged[]): string[] {
  const known = new Map(
    judged.flatMap((one) => {
      const { redirects } = planOf(one.attachment, one.limits, "node");
      return redirects.flatMap(({ names }) => names.map((name) => [name, one] as const));
    }),
  );
  return withNode((node) => listLinks(node, { kind: "ifb" })).flatMap(({ name, alias }) => {
    if (alias !== undefined || !isUpstreamName(name)) return [];
    const owner = known.get(name);
    if (owner === undefined) return `the interface ${name} stays: no container runtime's record tells whose it is`;
    if (owner.fate.kind !== "none") return [];
    return `the interface ${name} stays: no packets of ${writeComment(owner.attachment)} go there`;
  });
}
