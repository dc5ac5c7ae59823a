// `bauta gc`: removes what containers have left that are provably gone.

import type { Attachment } from "../cni/attachment.ts";
import { FEATURES } from "../features.ts";
import { withExistingStore } from "../ipam/store.ts";
import { IptablesError } from "../iptables/program.ts";
import { holderOf, NETWORKS } from "../owned/runtime-files.ts";
import { findStale, type Stale, stillStale } from "../owned/stale.ts";
import { realTimeNs } from "../sys/process.ts";
import { formatCidr, type Ip } from "../wire/ip.ts";
import { flag, text } from "./arguments.ts";
import { countOf } from "./count.ts";
import { IncompleteError } from "./incomplete.ts";
import { QUIET, type Verb, verb } from "./verb.ts";

const ABOUT = `
Removes the masquerade of containers that are provably gone, by nftables or by
iptables, their guards of macspoofchk, the ports that they publish, what
firewall made for them, their limits of bandwidth, their records of sbr, the
backups that tuning has of their interfaces, and the addresses that host-local
still keeps for them: for containers whose DEL never came, a crash of the
runtime say. Devices that host-device gave them, and that the
kernel has given back to the node, get their names and settings back.
The runtime's own GC does the same with a better proof; this is for runtimes
that have none.

A container is gone when the network namespace of its ADD is there no more, no
container runtime keeps a result of the attachment (/var/lib/cni/results,
/var/lib/cni/cache/results), and its record is older than the grace period. What
has no record of a network namespace is never removed.

Run it in the mount namespace of the node, where the container runtime runs: in
another one every network namespace seems to be gone.
`;

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["s", 1n],
  ["m", 60n],
  ["h", 3600n],
  ["d", 86400n],
]);
const SECOND = 1_000_000_000n;
const DEFAULT_GRACE = "10m";

function parseDuration(given: string): bigint | undefined {
  const [, digits = "", unit = "s"] = /^([0-9]{1,9})([smhd])?$/.exec(given) ?? [];
  const factor = UNITS.get(unit);
  return digits === "" || factor === undefined ? undefined : BigInt(digits) * factor * SECOND;
}

export const gc: Verb = verb({
  name: "gc",
  summary: "Removes what containers have left that are provably gone",
  about: ABOUT,
  options: {
    "dry-run": flag("tell what would be removed, and change nothing"),
    grace: text("TIME", `leave what is younger, ${DEFAULT_GRACE} unless given: 90s, 10m, 2h, 1d`, (given) =>
      parseDuration(given) === undefined ? "no time such as 90s, 10m, 2h or 1d" : undefined,
    ),
    ...QUIET,
  },
  run({ "dry-run": isDryRun, grace = DEFAULT_GRACE }, io) {
    const tell = isDryRun ? io.print : io.notice;
    io.doing("looking for what was left");
    const { stale, unknown } = findStale(FEATURES, realTimeNs(), parseDuration(grace) ?? 0n);
    let count = 0;
    let failed = 0;
    for (const [i, one] of stale.entries()) {
      io.doing(`${i} of ${stale.length}`);
      try {
        const line = lineOf(one);
        if (!isDryRun && !remove(one)) continue;
        count++;
        tell([line]);
      } catch (error) {
        // Only for want of iptables' programs others need not stay, too.
        if (!(error instanceof IptablesError)) throw error;
        failed++;
        const { network, containerId, ifname } = one.attachment;
        io.log(`bauta: ${network} ${containerId} ${ifname}: ${error.message}`);
      }
    }
    tell([`${isDryRun ? "would remove" : "removed"} ${countOf(count, "attachment")}`]);
    if (unknown > 0)
      io.remark(`bauta: ${countOf(unknown, "attachment")} kept without a look: no network namespace recorded`);
    if (failed > 0) throw new IncompleteError(`${countOf(failed, "attachment")} could not be removed`);
  },
});

/** As DEL: the rules first, then the addresses, so that the next holder of an address meets no rule of before. */
function remove(stale: Stale): boolean {
  const { attachment } = stale;
  const owned = stillStale(stale);
  if (owned.length === 0) return false;
  for (const { feature, record } of owned) feature.tearDown(attachment, record.addresses);
  withExistingStore(`${NETWORKS}/${attachment.network}`, (store) => store.releaseAll(attachment));
  return true;
}

function lineOf({ attachment, netns, owned }: Stale): string {
  const { network, containerId, ifname } = attachment;
  const addresses = owned.flatMap(({ record }) => record.addresses);
  const reserved = addresses.filter(({ ip }) => isHeld(attachment, ip));
  const kept = reserved.length === 0 ? "" : `; host-local keeps ${reserved.map(formatCidr).join(" ")}`;
  return `${[network, containerId, ifname, ...addresses.map(formatCidr)].join(" ")}: ${netns} is gone${kept}`;
}

/** Whether host-local keeps the address for the attachment. */
function isHeld({ network, containerId, ifname }: Attachment, ip: Ip): boolean {
  const holder = holderOf(network, ip);
  return holder?.containerId === containerId && holder.ifname === ifname;
}
