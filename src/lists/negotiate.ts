// The version of the CNI specification that a list is run in, where the list leaves a choice (`cniVersions`).

import { CNI_CODE, CniError } from "../cni/error.ts";
import { excerpt } from "../cni/json.ts";
import { CURRENT_VERSION } from "../cni/versions.ts";

/**
 * The newest of `cniVersion` and `cniVersions` that is no newer than ours, as libcni chooses; `cniVersion` where all are newer.
 * `at` names the choice in the CniError 7 for a text that is no version.
 */
export function negotiate(cniVersion: string, cniVersions: readonly string[], at: string): string {
  const choice = (cniVersion === "" ? cniVersions : [...cniVersions, cniVersion]).map((text) => ({
    text,
    numbers: numbersOf(text, at),
  }));
  const known = choice.filter(({ numbers }) => compare(numbers, CURRENT) <= 0);
  return known.sort((a, b) => compare(b.numbers, a.numbers))[0]?.text ?? cniVersion;
}

const CURRENT = numbersOf(CURRENT_VERSION, "");

/** Major, minor and micro number; those that are not said are 0, and "" is the version that had no number yet: 0.1.0. */
function numbersOf(text: string, at: string): readonly number[] {
  if (text === "") return [0, 1, 0];
  if (/^[0-9]+(\.[0-9]+){0,2}$/.test(text)) return text.split(".").map(Number);
  throw new CniError(CNI_CODE.INVALID_CONFIG, `${at}: ${excerpt(text)} is not a version such as ${CURRENT_VERSION}`);
}

/** Less than, equal to or greater than 0, as the first version is older, the same or newer. */
function compare(one: readonly number[], other: readonly number[]): number {
  const at = [0, 1, 2].find((i) => (one[i] ?? 0) !== (other[i] ?? 0)) ?? 0;
  return (one[at] ?? 0) - (other[at] ?? 0);
}
