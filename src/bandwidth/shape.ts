// Makes what a plan says. Whatever is there of an earlier attempt is used or replaced; what others have made stays.

import { localMac } from "../links/local-mac.ts";
import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import type { Request } from "../netlink/message.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import { type Device, deviceText } from "../rtnetlink/device.ts";
import { addFilter, type Filter, listFilters } from "../rtnetlink/filter.ts";
import { addLink, getLink, type Link, setLink } from "../rtnetlink/link.ts";
import { addClsact, addTbf, changeTbf, getQdisc, TBF_HANDLE } from "../rtnetlink/qdisc.ts";
import type { TokenBucket } from "../rtnetlink/tc/tbf.ts";
import type { Hook } from "../rtnetlink/tc/tcmsg.ts";
import { hasCode } from "../sys/error.ts";
import { randomBytes } from "../sys/process.ts";
import { isRedirection, removalOf } from "./own-filters.ts";
import type { Plan, Redirect } from "./plan.ts";

/** What has been made. */
export interface Shaped {
  /** The interfaces that packets wait in, in the order of the plan's redirects. */
  readonly ifbs: readonly BriefLink[];
  /** What people should know, each as a phrase. */
  readonly warnings: readonly string[];
}

/** The link whose packets are to be limited. */
export type LimitedLink = Device & { readonly name: string; readonly mtu: number };

/** One request, and what is to be done where its object exists already; absent: that is an error. */
interface Step {
  readonly request: Request;
  /** The module of the kernel that it takes. */
  readonly module: string;
  readonly settle?: () => void;
}

/** `alias` marks the ifbs. Throws NetlinkError, or an Error that says what is in the way. */
export function shape(connection: Connection, link: LimitedLink, plan: Plan, alias: string): Shaped {
  const { root, redirects } = plan;
  const ifbs = redirects.map((redirect) => makeIfb(connection, link, redirect, alias));
  const warnings: string[] = [];
  const clsact: Step = {
    request: addClsact(link),
    module: "sch_ingress",
    settle: () => warnings.push(...makeWay(connection, link, redirects, ifbs)),
  };
  run(connection, [
    ...ifbs.map((ifb, i) => tbfStep(connection, ifb, redirects[i]?.bucket)).filter((step) => step !== undefined),
    ...ifbs.map((ifb) => ({ request: setLink(ifb, { alias }), module: "ifb" })),
    ...(redirects.length === 0 ? [] : [clsact]),
  ]);
  // The filters come once there is somewhere to redirect to, and no older ones of ours beside them.
  const filters = redirects.flatMap((redirect, i) => redirect.filters(ifbs[i]?.index ?? 0));
  const rootStep = tbfStep(connection, link, root?.bucket);
  run(connection, [
    ...filters.map((filter) => ({ request: addFilter(link, filter), module: "cls_u32 or act_mirred" })),
    ...(rootStep === undefined ? [] : [rootStep]),
  ]);
  return { ifbs, warnings };
}

/** Sends all requests at once, and then settles what exists already. */
function run(connection: Connection, steps: readonly Step[]): void {
  const acks = connection.tryAll(steps.map(({ request }) => request));
  steps.forEach(({ request, module, settle }, i) => {
    const ack = acks[i];
    if (ack === undefined || ack.errno === 0) return;
    const error = new NetlinkError(request.operation(), ack);
    if (hasCode(error, "EEXIST") && settle !== undefined) settle();
    else if (hasCode(error, "ENOENT")) throw new Error(`this node's kernel has no ${module}`, { cause: error });
    else throw error;
  });
}

function tbfStep(connection: Connection, device: Device, bucket: TokenBucket | undefined): Step | undefined {
  if (bucket === undefined) return undefined;
  return { request: addTbf(device, bucket), module: "sch_tbf", settle: () => replaceTbf(connection, device, bucket) };
}

/** A tbf with upstream's handle is upstream's or ours. Any other root somebody has chosen for a reason. */
function replaceTbf(connection: Connection, device: Device, bucket: TokenBucket): void {
  const found = getQdisc(connection, device, "root");
  if (found?.kind === "tbf" && found.handle === TBF_HANDLE) connection.execute(changeTbf(device, bucket));
  else {
    const what = `${deviceText(device)} has a queueing discipline ${found?.kind ?? ""} that is not bandwidth's`;
    throw new Error(`${what}; tc qdisc delete dev ${deviceText(device)} root removes it`);
  }
}

/** The ifb for a redirect, up. */
function makeIfb(connection: Connection, link: LimitedLink, redirect: Redirect, alias: string): BriefLink {
  const { names } = redirect;
  const settings = { up: true, mtu: link.mtu, txQueueLength: 0 }; // as upstream has it: the tbf is the queue
  for (const name of names) {
    try {
      connection.execute(addLink({ name, mac: localMac(randomBytes(6)), info: { kind: "ifb" }, ...settings }));
    } catch (error) {
      if (hasCode(error, "EOPNOTSUPP")) throw new Error("this node's kernel has no ifb", { cause: error });
      if (!hasCode(error, "EEXIST")) throw error;
      const found = getLink(connection, name);
      if (found !== undefined && !isFree(connection, link, redirect, found, alias)) continue;
      connection.execute(setLink(name, settings));
    }
    const made = getBriefLink(connection, name);
    if (made !== undefined) return made;
    throw new Error(`the interface ${name} has gone while it was being set up`);
  }
  throw new Error(`the interface names ${names.join(" and ")} are taken, by others than bandwidth`);
}

/**
 * Whether an ifb of a name that we would choose is this attachment's: by our mark, or, without one, because this link's
 * packets are redirected to it, or nothing limits what would come. Upstream makes the tbf last, so an ifb without one was
 * left by an ADD of its that failed.
 */
function isFree(connection: Connection, link: Device, { hook }: Redirect, found: Link, alias: string): boolean {
  if (found.kind !== "ifb") return false;
  if (found.alias !== undefined) return found.alias === alias;
  if (getQdisc(connection, found, "root")?.kind !== "tbf") return true;
  return listFilters(connection, link, hook).some((filter) => isRedirection(filter, [found.index]));
}

/** Where there is a clsact or ingress already: takes our own filters away, and says whose come before. */
function makeWay(
  connection: Connection,
  link: Device,
  redirects: readonly Redirect[],
  ifbs: readonly Device[],
): readonly string[] {
  const found = getQdisc(connection, link, "clsact");
  if (found?.kind === "ingress" && redirects.some(({ hook }) => hook === "egress")) {
    const what = `${deviceText(link)} has the queueing discipline ingress, which has no filters for what leaves`;
    throw new Error(`${what}: limits for some subnets take clsact in its place`);
  }
  return redirects.flatMap(({ hook }, i) => {
    const ifb = ifbs[i]?.index ?? 0;
    connection.executeAll(removalOf(connection, link, hook, [ifb]));
    const others = listFilters(connection, link, hook).filter(({ handle }) => handle !== 0);
    return others.length === 0 ? [] : [otherFiltersText(link, hook, others)];
  });
}

function otherFiltersText(link: Device, hook: Hook, others: readonly Filter[]): string {
  const kinds = [...new Set(others.map(({ kind, priority }) => `${kind} pref ${priority}`))].join(", ");
  return `filters of others come first at ${deviceText(link)} ${hook} (${kinds}): packets that they accept are not limited`;
}
