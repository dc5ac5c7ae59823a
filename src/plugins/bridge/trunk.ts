// vlanTrunk: the VLANs that a container sees with their tags, as single ids and ranges.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import { object, optional, type Schema } from "../../cni/schema.ts";
import { vlanId } from "../keys.ts";

/** VLANs from `vid` to `lastVid`, both included. */
export interface VlanRange {
  readonly vid: number;
  readonly lastVid: number;
}

/** An element of `vlanTrunk`: a single VLAN, a range, or both. */
export interface TrunkItem {
  readonly id: number | undefined;
  readonly minID: number | undefined;
  readonly maxID: number | undefined;
}

const vlan = (about: string): Schema<number | undefined> => optional(vlanId(1, about));

/** The schema of an element. */
export const trunkItem: Schema<TrunkItem> = object({
  id: vlan("a single VLAN"),
  minID: vlan("the first VLAN of a range"),
  maxID: vlan("the last VLAN of a range"),
});

/** The VLANs of all elements in ascending order, neighbours joined. Throws CniError 7 for half a range or a reversed one. */
export function readTrunk(items: readonly TrunkItem[]): VlanRange[] {
  const ranges = items.flatMap(rangesOf).sort((a, b) => a.vid - b.vid);
  const joined: VlanRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last === undefined || range.vid > last.lastVid + 1) joined.push(range);
    else joined[joined.length - 1] = { vid: last.vid, lastVid: Math.max(last.lastVid, range.lastVid) };
  }
  return joined;
}

function rangesOf({ id, minID, maxID }: TrunkItem, i: number): VlanRange[] {
  const ranges: VlanRange[] = [];
  if (minID !== undefined && maxID !== undefined) {
    if (minID > maxID) throw invalid(i, `minID ${minID} is greater than maxID ${maxID}`);
    ranges.push({ vid: minID, lastVid: maxID });
  } else if (minID !== undefined || maxID !== undefined) {
    throw invalid(i, `a range needs minID and maxID, and ${minID === undefined ? "minID" : "maxID"} is missing`);
  }
  if (id !== undefined) ranges.push({ vid: id, lastVid: id });
  return ranges;
}

function invalid(i: number, problem: string): CniError {
  return new CniError(CNI_CODE.INVALID_CONFIG, `vlanTrunk[${i}]: ${problem}`);
}
