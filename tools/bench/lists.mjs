// Whole lists of plugins, as a runtime runs them: each gets the result of those before it.
import { call } from "./sides.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {import("./sides.mjs").Sample} Sample
 * @typedef {{ type: string, ipam?: object, [key: string]: unknown }} Plugin What it has in the list, and `runtimeConfig`.
 * @typedef {{ name: string, cniVersion: string, plugins: readonly Plugin[] }} List
 * @typedef {{ container?: string, ifname?: string, id?: string, prevResult?: object | undefined, netns?: string }} Attachment
 */

const NOTHING = { us: 0, cpuUs: 0, kib: 0 };

/** One process after the other: the times add up, the memory doesn't. @param {readonly Sample[]} samples */
export const together = (samples) =>
  samples.reduce(
    (sum, { us, cpuUs, kib }) => ({ us: sum.us + us, cpuUs: sum.cpuUs + cpuUs, kib: Math.max(sum.kib, kib) }),
    NOTHING,
  );

/** What a plugin of the list gets as its configuration. @param {List} list @param {Plugin} plugin */
export const configOf = ({ name, cniVersion }, plugin) => ({ ...plugin, name, cniVersion });

/**
 * ADD of the whole list. With `asks`, each plugin's versions are asked for before its ADD, as libcni does.
 * @param {Side} side
 * @param {List} list
 * @param {Attachment & { asks?: boolean }} [attachment]
 */
export function addList(side, list, { asks = false, ...attachment } = {}) {
  /** @type {Sample[]} */
  const samples = [];
  let { prevResult } = attachment;
  for (const plugin of list.plugins) {
    const config = configOf(list, plugin);
    if (asks) samples.push(call(side, "VERSION", config).sample);
    const { sample, result } = call(side, "ADD", config, { ...attachment, prevResult });
    samples.push(sample);
    prevResult = result;
  }
  return { sample: together(samples), result: prevResult };
}

/**
 * DEL of the whole list, the last plugin first.
 * @param {Side} side
 * @param {List} list
 * @param {Attachment & { asks?: boolean }} [attachment]
 */
export function deleteList(side, list, { asks = false, ...attachment } = {}) {
  const samples = list.plugins.toReversed().flatMap((plugin) => {
    const config = configOf(list, plugin);
    const asked = asks ? [call(side, "VERSION", config).sample] : [];
    return [...asked, call(side, "DEL", config, attachment).sample];
  });
  return { sample: together(samples) };
}
