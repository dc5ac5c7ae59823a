// Room for what ADD writes: records under /run, addresses and results under /var/lib/cni.

import { hasCode } from "../../sys/error.ts";
import { fileSystemRoom, type Room } from "../../sys/statfs.ts";
import type { Check, Finding } from "./finding.ts";
import type { Node } from "./node.ts";
import { percentOf } from "./words.ts";

const PLACES = ["/run", "/var/lib/cni"] as const;
/** An ADD writes some kilobytes in some files. */
const LEAST = { bytes: 1n << 20n, inodes: 100n };
const NEARLY = 20n; // a twentieth

export const space: Check<Node> = {
  name: "space",
  look: () => PLACES.flatMap(findingsOf),
};

function findingsOf(place: string): Finding[] {
  try {
    const { bytes, inodes } = fileSystemRoom(place);
    return [...findingOf(place, "bytes", bytes), ...findingOf(place, "inodes", inodes)];
  } catch (error) {
    // The first ADD makes it, in what /var has.
    if (hasCode(error, "ENOENT")) return place === "/var/lib/cni" ? findingsOf("/var/lib") : [];
    throw error;
  }
}

function findingOf(place: string, what: keyof typeof LEAST, { free, total }: Room): Finding[] {
  if (total === 0n || free * NEARLY > total) return [];
  const used = percentOf(Number(total - free), Number(total));
  const isOut = free < LEAST[what];
  const text = `the file system of ${place} is ${used} full, of ${what}: ${free} of ${total} are left`;
  const remedy =
    what === "bytes" ? `df -h ${place}; du -x shows what takes the room` : `df -i ${place}; many small files take them`;
  return [{ severity: isOut ? "problem" : "warning", text, remedy }];
}
