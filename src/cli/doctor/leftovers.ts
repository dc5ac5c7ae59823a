// What containers that are gone have left, and what other plugins have.

import { FEATURES } from "../../features.ts";
import { eachReservation } from "../../ipam/reservation.ts";
import { cachedResults, NETWORKS, resultName } from "../../owned/runtime-files.ts";
import { findStale } from "../../owned/stale.ts";
import { hasCode } from "../../sys/error.ts";
import { readDirectoryIfAny, stat } from "../../sys/file.ts";
import { realTimeNs } from "../../sys/process.ts";
import { formatIp } from "../../wire/ip.ts";
import { countOf } from "../count.ts";
import type { Check, Finding } from "./finding.ts";
import type { Node } from "./node.ts";
import { formatList } from "./words.ts";

/** What is younger may belong to an ADD that is under way. */
const GRACE_NS = 600_000_000_000n;
/** So many files are looked into: more would take too long. */
const LOOKED_INTO = 2000;

export const leftovers: Check<Node> = {
  name: "leftovers",
  look: (node) => [...stale(), ...upstream(node), ...addresses()],
};

function stale(): Finding[] {
  const found = findStale(FEATURES, realTimeNs(), GRACE_NS).stale.length;
  if (found === 0) return [];
  const text = `${countOf(found, "attachment")} of containers that are gone ${found === 1 ? "is" : "are"} left`;
  return [{ severity: "warning", text, remedy: "`bauta gc --dry-run` tells which, `bauta gc` removes them" }];
}

/** What `bauta adopt` would move. */
function upstream(node: Node): Finding[] {
  return node.nftables((nft) => {
    if (nft === undefined) return [];
    const all = FEATURES.flatMap((feature) => feature.adopt?.(nft, true) ?? []);
    const count = new Set(all.flatMap(({ adopted }) => adopted.map(({ attachment }) => resultName(attachment)))).size;
    const left = all.reduce((sum, one) => sum + one.left.length, 0);
    const findings: Finding[] = [];
    if (count > 0) {
      const text = `${countOf(count, "attachment")} ${count === 1 ? "has" : "have"} rules of containernetworking/plugins`;
      findings.push({
        severity: "note",
        text,
        remedy: "`bauta adopt --dry-run` tells which, `bauta adopt` takes them over",
      });
    }
    if (left > 0) {
      const text = `${countOf(left, "rule")} of containernetworking/plugins ${left === 1 ? "is" : "are"} of containers that nobody knows`;
      findings.push({
        severity: "warning",
        text,
        remedy: "`bauta adopt --dry-run` tells which; remove those whose containers are gone",
      });
    }
    return findings;
  });
}

/** Addresses that host-local keeps for containers that no runtime has a result of. */
function addresses(): Finding[] {
  const results = cachedResults();
  let budget = LOOKED_INTO;
  return readDirectoryIfAny(NETWORKS).flatMap((network): Finding[] => {
    const directory = `${NETWORKS}/${network}`;
    const names = readDirectoryIfAny(directory).slice(0, budget);
    budget -= names.length;
    const found: string[] = [];
    eachReservation(directory, names, (ip, record) => {
      if (typeof record !== "string") return;
      const [containerId = "", ifname = ""] = record.split(/\r?\n/).map((line) => line.trim());
      // Old versions noted no interface.
      if (ifname !== "" && !results.has(resultName({ network, containerId, ifname }))) found.push(formatIp(ip));
    });
    const old = found.filter((name) => isOld(`${directory}/${name}`));
    if (old.length === 0) return [];
    const text = `host-local keeps ${formatList(old)} of the network ${network} for containers that no runtime has a result of`;
    const remedy = `if the containers are gone: the runtime's GC, \`bauta cni gc ${network}\`, or remove the files in ${directory}`;
    return [{ severity: "warning", text, remedy }];
  });
}

function isOld(path: string): boolean {
  try {
    return realTimeNs() - stat(path).mtimeNs > GRACE_NS;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}
