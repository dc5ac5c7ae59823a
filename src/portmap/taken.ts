// What becomes of a port that another attachment has: the ADD fails, or goes on without the port.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { FAMILIES } from "../wire/ip.ts";
import { hostText, type PortMapping, type Wanted } from "./mapping.ts";
import type { Taken } from "./publish.ts";

/** What is left to publish, which each loss is told of. Throws CniError where the older attachment shall not win. */
export function withoutTaken({ mappings, olderWins }: Wanted, taken: readonly Taken[]): readonly PortMapping[] {
  if (olderWins === undefined) throw takenError(taken);
  for (const { entry, holder } of taken) olderWins(`${portText(entry.mapping)} stays with ${holder}`);
  return mappings.flatMap((mapping): PortMapping[] => {
    const lost = taken.filter(({ entry }) => entry.mapping === mapping).map(({ entry }) => entry.family);
    if (lost.length === 0) return [mapping];
    if (mapping.hostIp !== undefined) return [];
    // It is about both families, and may be taken in one.
    const left = FAMILIES.filter((family) => !lost.includes(family));
    return left.map((family) => ({ ...mapping, hostIp: new Uint8Array(family === 4 ? 4 : 16) }));
  });
}

/** The error that tells who has the ports. */
export function takenError(taken: readonly Taken[]): CniError {
  return new CniError(
    CNI_CODE.INVALID_CONFIG,
    [...new Set(taken.map(takenText))].join("; "),
    'choose another host port, or end the attachment that has it: `bauta gc` does, where its container is gone; with "hostPortConflict": "older-wins" the older attachment keeps the port, and this ADD goes on without',
  );
}

/** `host port 8080/tcp is published for container c1, interface eth0, network front` */
export function takenText({ entry: { mapping }, holder }: Taken): string {
  return `${portText(mapping)} is published for ${holder}`;
}

const portText = (mapping: PortMapping): string => `host port ${hostText(mapping)}/${mapping.protocol}`;
